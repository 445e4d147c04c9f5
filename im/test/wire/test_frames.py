"""Framing: any split gives the same payloads; nobody makes the decoder hold more than a frame."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.testing import StringTransport
from twisted.protocols.basic import Int32StringReceiver
from twisted.trial.unittest import SynchronousTestCase

from im.wire.frames import Decoder, FrameTooLargeError, frame

PAYLOADS = st.lists(st.binary(max_size=40), max_size=8)
PIECES = st.lists(st.integers(min_value=0, max_value=50), max_size=40)
CHECKED = settings(derandomize=True, deadline=None, max_examples=200)


def pieces_of(stream: bytes, lengths: list[int]) -> list[bytes]:
    """`stream` cut into pieces of these lengths, then the rest."""
    pieces, start = [], 0
    for length in lengths:
        pieces.append(stream[start : start + length])
        start += length
    return [*pieces, stream[start:]]


class TwistedReceiver(Int32StringReceiver):
    """Twisted's own framing, as nodes use it."""

    MAX_LENGTH = 1_000

    def __init__(self) -> None:
        self.received: list[bytes] = []

    def stringReceived(self, string: bytes) -> None:
        self.received.append(string)


class FramesTest(SynchronousTestCase):
    def test_a_frame_is_a_big_endian_length_and_the_payload(self) -> None:
        self.assertEqual(frame(b"abc"), b"\x00\x00\x00\x03abc")
        self.assertEqual(frame(b""), b"\x00\x00\x00\x00")
        self.assertEqual(frame(bytes(258))[:4], b"\x00\x00\x01\x02")

    @CHECKED
    @given(PAYLOADS, PIECES)
    def test_any_split_gives_the_payloads_that_were_framed(
        self, payloads: list[bytes], lengths: list[int]
    ) -> None:
        decoder = Decoder(40)
        received: list[bytes] = []
        for piece in pieces_of(b"".join(map(frame, payloads)), lengths):
            received += decoder.feed(piece)
            self.assertLess(decoder.buffered, 4 + 40)
        self.assertEqual(received, payloads)
        self.assertEqual(decoder.buffered, 0)

    @CHECKED
    @given(PAYLOADS, PIECES)
    def test_it_reads_and_writes_what_twisted_does(self, payloads: list[bytes], lengths: list[int]) -> None:
        receiver, transport = TwistedReceiver(), StringTransport()
        receiver.makeConnection(transport)
        for piece in pieces_of(b"".join(map(frame, payloads)), lengths):
            receiver.dataReceived(piece)
        self.assertEqual(receiver.received, payloads)
        for payload in payloads:
            receiver.sendString(payload)
        self.assertEqual(Decoder(40).feed(transport.value()), payloads)

    @CHECKED
    @given(PAYLOADS, st.integers(min_value=41, max_value=2**32 - 1), PIECES)
    def test_an_oversized_frame_ends_the_stream_after_the_payloads_before_it(
        self, payloads: list[bytes], length: int, lengths: list[int]
    ) -> None:
        decoder = Decoder(40)
        received: list[bytes] = []
        failures = 0
        stream = b"".join(map(frame, payloads)) + length.to_bytes(4, "big") + b"never read"
        for piece in pieces_of(stream, lengths):
            try:
                received += decoder.feed(piece)
            except FrameTooLargeError as error:
                received += error.payloads
                failures += 1
                self.assertIn(str(length), str(error))
                self.assertEqual(decoder.buffered, 0)
        self.assertEqual(received, payloads)
        self.assertGreaterEqual(failures, 1)

    def test_an_oversized_frame_is_refused_by_its_length_alone(self) -> None:
        decoder = Decoder(10)
        self.assertEqual(decoder.feed(b"\x00\x00\x00"), [])
        self.assertRaises(FrameTooLargeError, decoder.feed, b"\x0b")

    def test_a_frame_of_exactly_the_limit_passes(self) -> None:
        self.assertEqual(Decoder(10).feed(frame(bytes(10))), [bytes(10)])

    def test_nothing_is_read_after_an_oversized_frame(self) -> None:
        decoder = Decoder(10)
        self.assertRaises(FrameTooLargeError, decoder.feed, b"\xff\xff\xff\xff")
        error = self.assertRaises(FrameTooLargeError, decoder.feed, frame(b"fine"))
        self.assertEqual(error.payloads, [])

    def test_payloads_are_bytes_of_their_own(self) -> None:
        decoder = Decoder(10)
        decoder.feed(b"\x00")
        (payload,) = decoder.feed(b"\x00\x00\x01x")
        self.assertIs(type(payload), bytes)
