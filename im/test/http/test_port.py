import json
from typing import cast

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.server import Request

from im.gateway.keepalive import Keepalive
from im.gateway.stream import StreamSettings
from im.gateway.websocket import WebSocketSettings, WebSocketTransport
from im.http.bodies import SHARE_BYTES
from im.http.forwarded import TrustedProxies
from im.http.port import HttpPort, HttpPortSettings, public_root
from im.http.site import BODY_SECONDS, MAX_BODY_BYTES, QuietSite
from im.test.gateway.transports import CLOSE_SECONDS, FRAME_BYTES, QUEUE_BYTES, Connections, FakeSocket

UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: im.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: im.v1\r\n\r\n"
)


class Lengths(Resource):
    """Answers with the length of the body."""

    isLeaf = True

    def render_POST(self, request: Request) -> bytes:
        assert request.content is not None
        return b"%d" % len(request.content.read())


class HttpPortTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.connections = Connections()
        root = public_root()
        root.putChild(b"length", Lengths())
        stream = StreamSettings(self.connections.build, self.clock, FRAME_BYTES, QUEUE_BYTES, CLOSE_SECONDS)
        proxies = TrustedProxies(["192.0.2.0/24"])
        web = WebSocketSettings(stream, Keepalive(self.clock), proxies.client_address)
        self.site = QuietSite(root, self.clock)
        self.port = HttpPort(
            self.site,
            lambda: WebSocketTransport(web),
            HttpPortSettings(self.clock, connections=3),
        )
        self.socket = self.connect()

    def connect(self) -> FakeSocket:
        socket = FakeSocket()
        socket.protocol = cast(Protocol, self.port.buildProtocol(None))
        socket.protocol.makeConnection(socket)
        return socket

    def receive(self, data: bytes) -> None:
        self.socket.protocol.dataReceived(data)

    def response(self) -> tuple[int, dict[str, str], bytes]:
        head, _, body = self.socket.take().partition(b"\r\n\r\n")
        first, *fields = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}
        return int(first.split()[1]), headers, body

    def error(self, status: int) -> dict[str, object]:
        """The error of a response that must have this status and the one shape."""
        got, headers, body = self.response()
        self.assertEqual((status, "application/json"), (got, headers["content-type"]))
        error = json.loads(body)["error"]
        self.assertEqual({"code", "number", "text", "field", "retryable"}, set(error))
        return cast(dict[str, object], error)

    def test_the_landing_page_says_in_one_line_what_this_is(self) -> None:
        self.receive(b"GET / HTTP/1.1\r\nHost: im.example\r\n\r\n")
        status, headers, body = self.response()
        self.assertEqual((200, "text/plain; charset=utf-8"), (status, headers["content-type"]))
        self.assertEqual(1, body.strip().count(b"\n") + 1)
        self.assertNotIn("access-control-allow-origin", headers)

    def test_several_requests_share_a_connection(self) -> None:
        for _ in range(3):
            self.receive(b"GET / HTTP/1.1\r\nHost: im.example\r\n\r\n")
            self.assertEqual(200, self.response()[0])

    def test_a_path_that_is_not_there_is_a_json_error(self) -> None:
        self.receive(b"GET /nothing/here HTTP/1.1\r\nHost: im.example\r\n\r\n")
        self.assertEqual("not_found", self.error(404)["code"])

    def test_an_upgrade_at_ws_becomes_a_websocket(self) -> None:
        self.receive(UPGRADE)
        status, headers, _ = self.response()
        self.assertEqual((101, "im.v1"), (status, headers["sec-websocket-protocol"]))
        self.receive(b"\x82\x82\0\0\0\0hi")
        self.assertEqual([b"hi"], self.connections.last.frames)

    @settings(derandomize=True, deadline=None, max_examples=30)
    @given(st.lists(st.integers(0, len(UPGRADE)), max_size=10))
    def test_no_split_of_the_request_changes_what_it_is(self, cuts: list[int]) -> None:
        self.socket = self.connect()
        for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(UPGRADE)], strict=True):
            self.receive(UPGRADE[start:end])
        self.assertEqual(101, self.response()[0])
        self.socket.end()

    def test_a_websocket_has_the_address_that_a_trusted_proxy_told(self) -> None:
        self.receive(UPGRADE.replace(b"Host:", b"X-Forwarded-For: 203.0.113.9\r\nHost:"))
        self.assertEqual("203.0.113.9", self.connections.last.address)

    def test_the_end_reaches_the_websocket(self) -> None:
        self.receive(UPGRADE)
        self.socket.end()
        self.assertEqual(["closed by the peer"], self.connections.last.lost)
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_an_upgrade_elsewhere_is_just_a_request(self) -> None:
        self.receive(UPGRADE.replace(b"/ws", b"/other"))
        self.assertEqual("not_found", self.error(404)["code"])

    def test_a_request_at_ws_without_upgrade_is_told_to_upgrade(self) -> None:
        self.receive(b"GET /ws HTTP/1.1\r\nHost: im.example\r\n\r\n")
        self.assertEqual("Upgrade", self.error(426)["field"])

    def test_a_path_with_a_query_is_the_same_path(self) -> None:
        self.receive(UPGRADE.replace(b"/ws", b"/ws?v=1"))
        self.assertEqual(101, self.response()[0])

    def test_an_origin_of_another_host_is_forbidden(self) -> None:
        self.receive(UPGRADE.replace(b"Host:", b"Origin: https://evil.example\r\nHost:"))
        self.assertEqual(403, self.response()[0])
        self.assertEqual([], self.connections.built)

    def test_what_is_no_http_is_refused_at_its_first_bytes(self) -> None:
        for garbage in (
            b"\0\0\0\x10hello",
            b"\x16\x03\x01\x02\0",
            b"hello\r\n",
            b"GET / HTTP/2.0\r\n",
            b"GET /\r\n",
            b"GET  / HTTP/1.1\r\n",
            b"\r\n\r\n",
            b"X" * 17,
            b"GET /\xff HTTP/1.1\r\n",
        ):
            self.socket = self.connect()
            self.receive(garbage)
            self.error(400)
            self.assertTrue(self.socket.is_closing, garbage)
            self.socket.end()

    def test_a_head_that_is_too_large_is_refused_and_not_kept(self) -> None:
        self.receive(b"GET / HTTP/1.1\r\n")
        for _ in range(100):
            self.receive(b"X-Padding: " + b"x" * 1_000 + b"\r\n")
        self.assertEqual("too_large", self.error(431)["code"])
        self.assertTrue(self.socket.is_closing)

    def test_a_large_head_is_refused_also_in_one_piece(self) -> None:
        self.receive(b"GET / HTTP/1.1\r\nX-Padding: " + b"x" * 9_000 + b"\r\n\r\n")
        self.error(431)

    def test_a_head_that_comes_too_slowly_is_refused(self) -> None:
        for byte in b"GET / HTTP":
            self.receive(bytes((byte,)))
            self.clock.advance(0.9)
        self.assertEqual(b"", self.socket.take())
        self.clock.advance(1.1)
        self.error(408)
        self.assertTrue(self.socket.is_closing)

    def test_who_never_ends_a_refused_connection_is_aborted(self) -> None:
        self.receive(b"garbage")
        self.clock.advance(CLOSE_SECONDS - 0.1)
        self.assertFalse(self.socket.is_ended)
        self.clock.advance(0.2)
        self.assertTrue(self.socket.is_ended)

    def test_only_so_many_connections_that_are_no_websockets_are_held(self) -> None:
        second, third, fourth = self.connect(), self.connect(), self.connect()
        self.assertEqual([False, False, True], [each.is_ended for each in (second, third, fourth)])
        self.receive(UPGRADE)
        self.assertFalse(self.connect().is_ended)
        second.end()
        self.assertFalse(self.connect().is_ended)

    def test_the_end_leaves_no_timer_and_no_count(self) -> None:
        self.receive(b"GET / HTTP")
        self.socket.end()
        self.assertEqual([], self.clock.getDelayedCalls())
        self.assertEqual(0, self.port.plain_connections)

    def test_a_body_reaches_its_page(self) -> None:
        self.receive(b"POST /length HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello")
        self.assertEqual(b"5", self.response()[2])

    def test_a_body_that_is_too_large_ends_the_connection(self) -> None:
        size = MAX_BODY_BYTES + 1
        self.receive(b"POST /length HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(size // 1_000 + 1):
            self.receive(b"x" * 1_000)
        self.assertEqual("too_large", self.error(413)["code"])
        self.assertTrue(self.socket.is_closing)

    def test_a_chunked_body_is_bounded_too(self) -> None:
        self.receive(b"POST /length HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(MAX_BODY_BYTES // 50_000 + 1):
            self.receive(b"c350\r\n" + b"x" * 50_000 + b"\r\n")
        self.error(413)
        self.assertTrue(self.socket.is_closing)

    def post(self, peer: str, size: int = MAX_BODY_BYTES) -> FakeSocket:
        """Send a request's head and all of its body but the end."""
        socket = FakeSocket(peer)
        socket.protocol = cast(Protocol, self.site.protocol_for(socket.getPeer()))
        socket.protocol.makeConnection(socket)
        socket.protocol.dataReceived(b"POST /length HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % size)
        socket.protocol.dataReceived(b"x" * (size - 1))
        return socket

    def test_bodies_of_one_address_leave_room_for_those_of_others(self) -> None:
        room = SHARE_BYTES // MAX_BODY_BYTES
        held = [self.post("203.0.113.1") for _ in range(room)]
        self.assertEqual([b""] * room, [each.take() for each in held])
        self.socket = self.post("203.0.113.1")
        self.assertEqual("unavailable", self.error(503)["code"])
        other = self.post("203.0.113.2")
        other.protocol.dataReceived(b"x")
        self.assertIn(b"200 OK", other.take())
        held.pop().end()
        self.assertEqual(b"", self.post("203.0.113.1").take())

    def test_a_body_that_comes_too_slowly_is_refused_and_not_kept(self) -> None:
        self.socket = self.post("203.0.113.1", 1_000)
        self.clock.advance(BODY_SECONDS - 0.1)
        self.assertEqual(b"", self.socket.take())
        self.clock.advance(0.2)
        self.assertEqual("body", self.error(408)["field"])
        self.assertTrue(self.socket.is_closing)
        self.assertEqual(0, self.site.held_bodies.total)

    def test_who_leaves_within_a_body_leaves_no_timer_and_nothing_held(self) -> None:
        self.socket.end()
        self.post("203.0.113.1", 1_000).end()
        self.assertEqual([], self.clock.getDelayedCalls())
        self.assertEqual(0, self.site.held_bodies.total)
