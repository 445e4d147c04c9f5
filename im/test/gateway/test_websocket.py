from typing import Any, cast

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from websockets.client import ClientProtocol
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import SEND_EOF
from websockets.typing import Origin, Subprotocol
from websockets.uri import parse_uri

from im.core.errors import Code
from im.gateway.keepalive import Keepalive
from im.gateway.stream import StreamSettings
from im.gateway.websocket import WebSocketSettings, WebSocketTransport
from im.test.gateway import transports
from im.test.gateway.transports import CLOSE_SECONDS, FRAME_BYTES, QUEUE_BYTES, Connections, FakeSocket, Wire

ROUND_SECONDS = 20.0


class WebSocketWire:
    """A client of websockets' own, against our transport."""

    def __init__(
        self, settings: WebSocketSettings, origin: str | None = None, protocols: tuple[str, ...] = ("im.v1",)
    ) -> None:
        self.socket = FakeSocket()
        self.socket.protocol = WebSocketTransport(settings)
        self.socket.protocol.makeConnection(self.socket)
        self.client = ClientProtocol(
            parse_uri("ws://im.example/ws"),
            origin=None if origin is None else Origin(origin),
            subprotocols=[Subprotocol(each) for each in protocols],
            max_size=None,
        )
        self.events: list[Any] = []
        self.client.send_request(self.client.connect())

    def shake_hands(self, *headers: tuple[str, str]) -> "WebSocketWire":
        (request,) = self.client.data_to_send()
        extra = "".join(f"{name}: {value}\r\n" for name, value in headers)
        self.receive(request.replace(b"\r\n\r\n", b"\r\n" + extra.encode() + b"\r\n"))
        self.pump()
        return self

    @property
    def response(self) -> Response:
        return cast(Response, self.events[0])

    def encode(self, *payloads: bytes) -> bytes:
        return b"".join(self.frame(Opcode.BINARY, payload) for payload in payloads)

    def frame(self, opcode: Opcode, data: bytes, fin: bool = True) -> bytes:
        return Frame(opcode, data, fin).serialize(mask=True)

    def oversized(self) -> bytes:
        return self.encode(b"x" * (FRAME_BYTES + 1))[:14]

    def receive(self, data: bytes) -> None:
        self.socket.protocol.dataReceived(data)

    def pump(self) -> None:
        """Carry bytes both ways; the client answers pings and closes by itself."""
        written = self.socket.take()
        if written:
            self.client.receive_data(written)
        self.events += self.client.events_received()
        answer = b"".join(each for each in self.client.data_to_send() if each != SEND_EOF)
        if answer:
            self.receive(answer)

    def sent(self) -> list[bytes]:
        self.pump()
        frames = [each for each in self.events if isinstance(each, Frame)]
        self.events = []
        return [bytes(each.data) for each in frames if each.opcode is Opcode.BINARY]

    def leave(self) -> None:
        self.client.send_close(CloseCode.GOING_AWAY)
        self.pump()
        self.pump()
        self.socket.end()

    @property
    def close_code(self) -> int | None:
        self.pump()
        return self.client.close_rcvd.code if self.client.close_rcvd else None


class WebSocketTests(transports.TransportSuite):
    def make_wire(self, settings: StreamSettings) -> Wire:
        return self.wire_of(settings)

    def wire_of(self, settings: StreamSettings) -> WebSocketWire:
        web = WebSocketSettings(settings, Keepalive(settings.clock, ROUND_SECONDS))
        return WebSocketWire(web).shake_hands()


class WebSocketOnlyTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.connections = Connections()
        stream = StreamSettings(self.connections.build, self.clock, FRAME_BYTES, QUEUE_BYTES, CLOSE_SECONDS)
        self.settings = WebSocketSettings(stream, Keepalive(self.clock, ROUND_SECONDS))

    def wire(self, **changes: Any) -> WebSocketWire:
        return WebSocketWire(self.settings._replace(**changes)).shake_hands()

    def status(self, origin: str | None, origins: tuple[str, ...] = ()) -> int:
        return (
            WebSocketWire(self.settings._replace(origins=origins), origin).shake_hands().response.status_code
        )

    def pass_rounds(self, wire: WebSocketWire, rounds: float, is_answering: bool) -> None:
        for _ in range(int(rounds * ROUND_SECONDS / 0.25)):
            self.clock.advance(0.25)
            if is_answering:
                wire.pump()

    def test_the_subprotocol_is_agreed_and_nothing_is_compressed(self) -> None:
        wire = self.wire()
        self.assertEqual(101, wire.response.status_code)
        self.assertEqual("im.v1", wire.client.subprotocol)
        self.assertEqual([], wire.client.extensions)

    def test_another_subprotocol_is_refused_and_makes_no_connection(self) -> None:
        wire = WebSocketWire(self.settings, protocols=("im.v9",)).shake_hands()
        self.assertEqual(400, wire.response.status_code)
        self.assertEqual([], self.connections.built)
        self.assertTrue(wire.socket.is_closing)

    def test_what_is_no_request_is_answered_and_closed(self) -> None:
        wire = WebSocketWire(self.settings)
        wire.receive(b"GET /ws HTTP/1.1\r\nno header\r\n\r\n")
        self.assertTrue(wire.socket.take().startswith(b"HTTP/1.1 400 "))
        self.assertTrue(wire.socket.is_closing)
        self.clock.advance(CLOSE_SECONDS)
        self.assertTrue(wire.socket.is_ended)

    def test_pages_of_the_same_host_and_what_is_no_page_may_connect(self) -> None:
        for origin in (None, "http://im.example", "https://im.example"):
            self.assertEqual(101, self.status(origin), origin)

    def test_pages_of_other_hosts_may_not_connect(self) -> None:
        for origin in ("https://evil.example", "https://im.example.evil.example", "null", ""):
            self.assertEqual(403, self.status(origin), origin)
        self.assertEqual([], self.connections.built)

    def test_listed_origins_may_connect_and_no_others(self) -> None:
        self.assertEqual(101, self.status("https://app.example", ("https://app.example",)))
        self.assertEqual(403, self.status("http://app.example", ("https://app.example",)))
        self.assertEqual(101, self.status("https://im.example", ("https://app.example",)))

    def test_a_star_lets_every_origin_connect(self) -> None:
        self.assertEqual(101, self.status("https://evil.example", ("*",)))

    def test_the_client_address_comes_from_the_headers_where_they_are_trusted(self) -> None:
        wire = WebSocketWire(
            self.settings._replace(client_address=lambda peer, header: f"{peer} {header('X-Hop')}")
        )
        wire.shake_hands(("X-Hop", "one"), ("X-Hop", "two"))
        self.assertEqual("192.0.2.7 ['one', 'two']", self.connections.last.address)

    def test_frames_sent_with_the_request_are_received(self) -> None:
        wire = WebSocketWire(self.settings)
        (request,) = wire.client.data_to_send()
        wire.receive(request + wire.encode(b"early"))
        self.assertEqual([b"early"], self.connections.last.frames)

    def test_fragments_are_assembled_around_control_frames(self) -> None:
        wire = self.wire()
        wire.receive(wire.frame(Opcode.BINARY, b"ab", False))
        wire.receive(wire.frame(Opcode.PING, b"?"))
        wire.receive(wire.frame(Opcode.CONT, b"cd", False))
        self.assertEqual([], self.connections.last.frames)
        wire.receive(wire.frame(Opcode.CONT, b"ef"))
        self.assertEqual([b"abcdef"], self.connections.last.frames)

    def test_fragments_without_end_are_refused_at_the_limit(self) -> None:
        wire = self.wire()
        wire.receive(wire.frame(Opcode.BINARY, b"x" * 30_000, False))
        wire.receive(wire.frame(Opcode.CONT, b"x" * 30_000, False))
        wire.receive(wire.frame(Opcode.CONT, b"x" * 30_000, False))
        self.assertEqual([Code.TOO_LARGE], [code for code, _ in self.connections.last.refusals])
        self.assertEqual(CloseCode.MESSAGE_TOO_BIG, wire.close_code)

    def test_empty_fragments_without_end_take_no_room(self) -> None:
        wire = self.wire()
        wire.receive(wire.frame(Opcode.BINARY, b"", False))
        empty = wire.frame(Opcode.CONT, b"", False)
        for _ in range(100):
            wire.receive(empty * 100)
        wire.receive(wire.frame(Opcode.CONT, b"end"))
        self.assertEqual([b"end"], self.connections.last.frames)

    def test_what_breaks_the_protocol_is_refused_with_its_close_code(self) -> None:
        for data, close_code in (
            (Frame(Opcode.BINARY, b"unmasked").serialize(mask=False), CloseCode.PROTOCOL_ERROR),
            (b"\xf2\x80\0\0\0\0", CloseCode.PROTOCOL_ERROR),
            (b"\x83\x80\0\0\0\0", CloseCode.PROTOCOL_ERROR),
            (b"\x80\x80\0\0\0\0", CloseCode.PROTOCOL_ERROR),
            (Frame(Opcode.TEXT, b"text").serialize(mask=True), CloseCode.UNSUPPORTED_DATA),
            (Frame(Opcode.TEXT, b"te", False).serialize(mask=True), CloseCode.UNSUPPORTED_DATA),
        ):
            wire = self.wire()
            connection = self.connections.last
            connection.last_word = b"why"
            wire.receive(data)
            wire.receive(wire.encode(b"after"))
            self.assertEqual(close_code, wire.close_code, data)
            self.assertEqual([b"why"], wire.sent())
            self.assertEqual([Code.UNDECODABLE], [code for code, _ in connection.refusals])
            self.assertEqual([], connection.frames)
            self.assertTrue(wire.socket.is_closing)

    def test_a_close_of_ours_says_goodbye_and_ends_when_the_peer_does(self) -> None:
        wire = self.wire()
        self.connections.last.transport.close()
        self.assertFalse(wire.socket.is_closing)
        self.assertEqual(CloseCode.NORMAL_CLOSURE, wire.close_code)
        self.assertTrue(wire.socket.is_closing)

    def test_a_close_of_the_peer_is_answered(self) -> None:
        wire = self.wire()
        wire.leave()
        self.assertEqual(CloseCode.GOING_AWAY, wire.close_code)
        self.assertEqual(["closed by the peer"], self.connections.last.lost)

    def test_pings_are_answered(self) -> None:
        wire = self.wire()
        wire.receive(wire.frame(Opcode.PING, b"there?"))
        wire.pump()
        self.assertEqual([(Opcode.PONG, b"there?")], [(e.opcode, e.data) for e in wire.events[1:]])

    def test_pings_of_a_peer_that_does_not_read_are_not_answered(self) -> None:
        wire = self.wire()
        producer: Any = wire.socket.producer
        producer.pauseProducing()
        wire.socket.clear()
        wire.receive(wire.frame(Opcode.PING, b"x" * 100) * 10)
        self.assertEqual(b"", wire.socket.take())

    def test_a_flood_of_control_frames_ends_the_connection(self) -> None:
        wire = self.wire()
        wire.receive(wire.frame(Opcode.PONG, b"") * 101)
        self.assertEqual([Code.RATE_LIMITED], [code for code, _ in self.connections.last.refusals])
        self.assertEqual(CloseCode.POLICY_VIOLATION, wire.close_code)

    def test_a_silent_peer_that_answers_pings_stays(self) -> None:
        wire = self.wire()
        self.pass_rounds(wire, 10, is_answering=True)
        self.assertEqual([], self.connections.last.lost)
        self.assertLess(3, sum(each.opcode is Opcode.PING for each in wire.events[1:]))

    def test_a_half_open_peer_ends_within_three_rounds(self) -> None:
        wire = self.wire()
        self.pass_rounds(wire, 3.1, is_answering=False)
        self.assertEqual(["the peer does not answer pings"], self.connections.last.lost)
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_a_peer_that_talks_is_not_pinged(self) -> None:
        wire = self.wire()
        for _ in range(400):
            self.clock.advance(0.25)
            wire.receive(wire.encode(b"hello"))
        wire.pump()
        self.assertEqual([], wire.events[1:])

    def test_a_stall_of_our_own_ends_nobody(self) -> None:
        wire = self.wire()
        self.pass_rounds(wire, 3 - 1 / 80, is_answering=False)
        self.clock.advance(1_000)
        self.assertEqual([], self.connections.last.lost)
        wire.pump()  # what the peer answered meanwhile
        self.pass_rounds(wire, 3, is_answering=True)
        self.assertEqual([], self.connections.last.lost)
        wire.socket.end()

    def test_nothing_is_told_from_silence_while_reading_or_writing_is_held_up(self) -> None:
        wire = self.wire()
        self.connections.last.transport.pause_reading()
        self.pass_rounds(wire, 10, is_answering=False)
        self.assertEqual([], self.connections.last.lost)
        wire.socket.end()

    def test_no_timer_runs_without_connections(self) -> None:
        wires = [self.wire() for _ in range(3)]
        for wire in wires:
            wire.socket.end()
        self.assertEqual([], self.clock.getDelayedCalls())
