"""What every transport does, whatever carries it; `test_tcp` and `test_websocket` run this suite."""

import gc
import weakref
from collections.abc import Callable
from typing import Any, Protocol

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionAborted, ConnectionDone
from twisted.internet.interfaces import ITCPTransport
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import directlyProvides

from im.core.errors import Code
from im.gateway.stream import StreamSettings
from im.gateway.transport import FrameReceiver, Transport

FRAME_BYTES = 70_000
QUEUE_BYTES = 100_000
CLOSE_SECONDS = 5.0


class RecordingConnection:
    """A connection that writes down what it is told, and may do something at each frame."""

    def __init__(self, transport: Transport, address: str) -> None:
        self.transport = transport
        self.address = address
        self.frames: list[bytes] = []
        self.refusals: list[tuple[Code, str]] = []
        self.writing: list[str] = []
        self.lost: list[str] = []
        self.at_frame: Callable[[bytes], None] = lambda payload: None
        self.last_word = b""

    def frame_received(self, payload: bytes) -> None:
        self.frames.append(payload)
        self.at_frame(payload)

    def frame_refused(self, code: Code, text: str) -> None:
        self.refusals.append((code, text))
        if self.last_word:
            self.transport.send(self.last_word)
        self.transport.close()

    def write_paused(self) -> None:
        self.writing.append("paused")

    def write_resumed(self) -> None:
        self.writing.append("resumed")

    def connection_lost(self, reason: str) -> None:
        self.lost.append(reason)


class Connections:
    """Builds recording connections and keeps them; refuses them all with `is_full`."""

    def __init__(self) -> None:
        self.built: list[RecordingConnection] = []
        self.is_full = False
        self.last_word = b""

    def build(self, transport: Transport, address: str) -> FrameReceiver | None:
        if self.is_full:
            transport.send(b"too many")
            transport.close()
            return None
        self.built.append(RecordingConnection(transport, address))
        self.last.last_word = self.last_word
        return self.last

    @property
    def last(self) -> RecordingConnection:
        return self.built[-1]


class FakeSocket(StringTransport):
    """A TCP transport in memory."""

    protocol: TwistedProtocol

    def __init__(self, peer: str = "192.0.2.7") -> None:
        super().__init__(peerAddress=IPv4Address("TCP", peer, 4711))
        directlyProvides(self, ITCPTransport)
        self.options: list[str] = []
        self.is_half_closed = False
        self.is_ended = False

    def setTcpNoDelay(self, enabled: bool) -> None:
        self.options.append(f"nodelay {enabled}")

    def setTcpKeepAlive(self, enabled: bool) -> None:
        self.options.append(f"keepalive {enabled}")

    def loseWriteConnection(self) -> None:
        self.is_half_closed = True

    def abortConnection(self) -> None:
        self.disconnected = True
        self.end(ConnectionAborted())

    def end(self, reason: Exception | None = None) -> None:
        """Let the protocol know that the connection is gone."""
        if not self.is_ended:
            self.is_ended = True
            self.protocol.connectionLost(Failure(reason or ConnectionDone()))

    @property
    def is_closing(self) -> bool:
        return self.is_half_closed or self.disconnecting

    def take(self) -> bytes:
        """What was written since the last time."""
        written: bytes = self.value()
        self.clear()
        return written


class Wire(Protocol):
    """A client and the transport that serves it, without a network between."""

    socket: FakeSocket

    def encode(self, *payloads: bytes) -> bytes:
        """The bytes in which a client sends payloads."""

    def oversized(self) -> bytes:
        """The first bytes of a payload that is larger than a frame may be."""

    def receive(self, data: bytes) -> None:
        """Let the transport receive a client's bytes."""

    def sent(self) -> list[bytes]:
        """The payloads that the client got since the last time."""

    def leave(self) -> None:
        """Let the client say goodbye and go."""


class TransportSuite(SynchronousTestCase):
    """Mix in with `make_wire`."""

    def make_wire(self, settings: StreamSettings) -> Wire:
        """A client and the transport that serves it."""
        raise NotImplementedError

    def setUp(self) -> None:
        self.clock = Clock()
        self.connections = Connections()
        self.wire = self.open()

    def open(self) -> Wire:
        build = self.connections.build
        return self.make_wire(StreamSettings(build, self.clock, FRAME_BYTES, QUEUE_BYTES, CLOSE_SECONDS))

    @property
    def connection(self) -> RecordingConnection:
        return self.connections.last

    def test_the_client_address_is_known_from_the_start(self) -> None:
        self.assertEqual("192.0.2.7", self.connection.address)

    def test_small_writes_are_sent_at_once_and_dead_peers_probed(self) -> None:
        self.assertEqual(["nodelay True", "keepalive True"], self.wire.socket.options)

    def test_frames_of_every_size_arrive_as_they_were_sent(self) -> None:
        payloads = [bytes([size % 251]) * size for size in (0, 1, 125, 126, 65_535, 65_536, FRAME_BYTES)]
        self.wire.receive(self.wire.encode(*payloads))
        self.assertEqual(payloads, self.connection.frames)

    def test_frames_of_every_size_reach_the_client_as_they_were_sent(self) -> None:
        payloads = [bytes([size % 251]) * size for size in (0, 1, 125, 126, 65_535, 65_536, FRAME_BYTES)]
        got: list[bytes] = []
        for payload in payloads:
            self.connection.transport.send(payload)
            got += self.wire.sent()
        self.assertEqual(payloads, got)

    @settings(
        derandomize=True,
        deadline=None,
        max_examples=25,
        suppress_health_check=[HealthCheck.differing_executors],  # one suite, several classes
    )
    @given(st.lists(st.binary(max_size=300), max_size=5), st.data())
    def test_no_split_of_the_bytes_changes_the_frames(self, payloads: list[bytes], data: Any) -> None:
        wire = self.open()
        stream = wire.encode(*payloads)
        cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
        for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
            wire.receive(stream[start:end])
        self.assertEqual(payloads, self.connection.frames)
        wire.socket.end()

    def test_an_oversized_frame_is_refused_after_those_before_it(self) -> None:
        self.wire.receive(self.wire.encode(b"before") + self.wire.oversized() + b"x" * 100)
        self.assertEqual([b"before"], self.connection.frames)
        self.assertEqual([Code.TOO_LARGE], [code for code, _ in self.connection.refusals])
        self.wire.sent()
        self.assertTrue(self.wire.socket.is_closing)

    def test_the_reason_of_a_refusal_reaches_the_client(self) -> None:
        self.connection.last_word = b"too large"
        self.wire.receive(self.wire.oversized())
        self.assertEqual([b"too large"], self.wire.sent())

    def test_after_a_refusal_nothing_more_is_kept_or_heard(self) -> None:
        self.wire.receive(self.wire.oversized())
        for _ in range(100):
            self.wire.receive(b"x" * 10_000)
        self.assertEqual(1, len(self.connection.refusals))
        self.assertEqual([], self.connection.frames)

    def test_half_a_frame_is_freed_when_the_connection_ends(self) -> None:
        wire = self.open()
        wire.receive(wire.encode(b"x" * FRAME_BYTES)[: FRAME_BYTES // 2])
        self.assertEqual([], self.connection.frames)
        kept = weakref.ref(self.connection.transport)
        wire.socket.end()
        self.connections.built.clear()
        del wire
        gc.collect()
        self.assertIsNone(kept())

    def test_frames_behind_the_one_that_closes_are_dropped(self) -> None:
        self.connection.at_frame = lambda _: self.connection.transport.close()
        self.wire.receive(self.wire.encode(b"1", b"2", b"3"))
        self.wire.receive(self.wire.encode(b"4"))
        self.assertEqual([b"1"], self.connection.frames)

    def test_nothing_is_sent_after_a_close(self) -> None:
        self.connection.transport.send(b"last")
        self.connection.transport.close()
        self.connection.transport.send(b"late")
        self.assertEqual([b"last"], self.wire.sent())

    def test_frames_that_come_while_paused_wait_in_order(self) -> None:
        transport = self.connection.transport
        self.connection.at_frame = lambda _: transport.pause_reading()
        self.wire.receive(self.wire.encode(b"1", b"2", b"3"))
        self.assertEqual([b"1"], self.connection.frames)
        self.assertEqual("paused", self.wire.socket.producerState)
        transport.resume_reading()
        self.assertEqual([b"1", b"2"], self.connection.frames)
        self.assertEqual("paused", self.wire.socket.producerState)
        self.connection.at_frame = lambda _: None
        transport.resume_reading()
        self.assertEqual([b"1", b"2", b"3"], self.connection.frames)
        self.assertEqual("producing", self.wire.socket.producerState)

    def test_pausing_and_resuming_within_a_frame_delivers_each_once(self) -> None:
        transport = self.connection.transport

        def pause_and_resume(payload: bytes) -> None:
            transport.pause_reading()
            transport.resume_reading()

        self.connection.at_frame = pause_and_resume
        frames = [b"%d" % number for number in range(4_000)]
        self.wire.receive(self.wire.encode(*frames[:2_000]))
        transport.pause_reading()
        self.wire.receive(self.wire.encode(*frames[2_000:]))
        transport.resume_reading()
        self.assertEqual(frames, self.connection.frames)
        self.assertEqual("producing", self.wire.socket.producerState)

    def test_frames_that_wait_are_dropped_by_a_close_which_reads_on(self) -> None:
        self.connection.transport.pause_reading()
        self.wire.receive(self.wire.encode(b"1", b"2"))
        self.connection.transport.close()
        self.connection.transport.resume_reading()
        self.assertEqual([], self.connection.frames)
        self.assertEqual("producing", self.wire.socket.producerState)

    def test_a_full_queue_is_told_once_and_so_is_its_end(self) -> None:
        producer: Any = self.wire.socket.producer
        producer.pauseProducing()
        for _ in range(20):
            self.connection.transport.send(b"x" * 10_000)
            self.wire.sent()
        self.assertEqual(["paused"], self.connection.writing)
        producer.resumeProducing()
        self.assertEqual(["paused", "resumed"], self.connection.writing)

    def test_a_queue_within_its_bound_is_not_spoken_of(self) -> None:
        producer: Any = self.wire.socket.producer
        producer.pauseProducing()
        self.connection.transport.send(b"x" * 10_000)
        self.wire.sent()
        producer.resumeProducing()
        self.assertEqual([], self.connection.writing)

    def test_a_peer_that_does_not_end_is_aborted_after_a_deadline(self) -> None:
        self.connection.transport.close()
        self.clock.advance(CLOSE_SECONDS - 0.1)
        self.assertEqual([], self.connection.lost)
        self.clock.advance(0.2)
        self.assertEqual(["aborted: the peer did not end in time"], self.connection.lost)

    def test_a_close_waits_for_no_blocked_queue(self) -> None:
        producer: Any = self.wire.socket.producer
        producer.pauseProducing()
        self.connection.transport.close()
        self.wire.sent()
        self.assertIsNone(self.wire.socket.producer)

    def test_the_end_is_told_once_and_leaves_no_timer(self) -> None:
        self.connection.transport.close()
        self.connection.transport.close()
        self.wire.sent()
        self.wire.socket.end()
        self.assertEqual(["closed here"], self.connection.lost)
        self.clock.advance(0)
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_a_peer_that_leaves_is_told_as_such(self) -> None:
        self.wire.leave()
        self.assertEqual(["closed by the peer"], self.connection.lost)

    def test_an_abort_ends_at_once(self) -> None:
        self.connection.transport.abort()
        self.assertEqual(["aborted here"], self.connection.lost)

    def test_after_the_end_nothing_raises(self) -> None:
        transport = self.connection.transport
        self.wire.socket.end()
        for call in (transport.close, transport.pause_reading, transport.resume_reading):
            call()
        transport.send(b"late")
        self.assertEqual(1, len(self.connection.lost))

    def test_a_refused_client_hears_why_and_is_closed(self) -> None:
        self.connections.is_full = True
        wire = self.open()
        wire.receive(wire.encode(b"hello?"))
        self.assertEqual([b"too many"], wire.sent())
        self.assertTrue(wire.socket.is_closing)
        self.clock.advance(CLOSE_SECONDS + 1)
        self.assertTrue(wire.socket.is_ended)
