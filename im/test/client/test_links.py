"""Payloads over streams and over WebSocket, however the network splits them."""

from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from im.client.links import MAX_FRAME_BYTES, SUBPROTOCOL, Link, StreamLink, WebSocketLink
from im.wire.frames import frame


class Transport(StringTransport):
    """A transport that remembers how it was closed."""

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Means nothing here."""


class Owner:
    """Remembers what a link told it."""

    def __init__(self) -> None:
        self.batches: list[list[bytes]] = []
        self.lost: list[Link] = []

    def link_received(self, payloads: list[bytes]) -> None:
        self.batches.append(payloads)

    def link_lost(self, link: Link, reason: Failure) -> None:
        self.lost.append(link)


class StreamLinkTests(SynchronousTestCase):
    """TCP and TLS."""

    def setUp(self) -> None:
        self.owner = Owner()
        self.transport = Transport()
        self.link = StreamLink(self.owner)
        self.link.makeConnection(self.transport)

    def test_it_is_ready_at_once(self) -> None:
        self.assertIs(self.successResultOf(self.link.ready), self.link)

    def test_payloads_come_together_and_in_order(self) -> None:
        self.link.dataReceived(frame(b"one") + frame(b"two") + frame(b"three")[:3])
        self.link.dataReceived(frame(b"three")[3:])
        self.assertEqual(self.owner.batches, [[b"one", b"two"], [b"three"]])

    def test_a_part_of_a_payload_is_told_as_a_sign_of_life(self) -> None:
        self.link.dataReceived(b"\x00")
        self.assertEqual(self.owner.batches, [[]])

    def test_payloads_are_written_in_one_go(self) -> None:
        self.link.send([b"one", b"two"])
        self.assertEqual(self.transport.value(), frame(b"one") + frame(b"two"))

    def test_a_frame_that_is_too_large_ends_the_connection(self) -> None:
        self.link.dataReceived(frame(b"one") + (MAX_FRAME_BYTES + 1).to_bytes(4, "big"))
        self.assertEqual(self.owner.batches, [[b"one"]])
        self.assertTrue(self.transport.disconnected)

    def test_its_end_is_told(self) -> None:
        self.link.connectionLost()
        self.assertEqual(self.owner.lost, [self.link])


class WebSocketLinkTests(SynchronousTestCase):
    """The same payloads, each a binary message, against websockets' own server side."""

    def setUp(self) -> None:
        self.owner = Owner()
        self.transport = Transport()
        self.server = ServerProtocol(subprotocols=[SUBPROTOCOL])
        self.link = WebSocketLink(self.owner, "ws://node.example:7280/ws")
        self.link.makeConnection(self.transport)

    def pump(self) -> list[bytes]:
        """Carry bytes both ways; the binary messages that the server saw."""
        seen = []
        for _ in range(4):
            self.server.receive_data(self.transport.value())
            self.transport.clear()
            for event in self.server.events_received():
                if isinstance(event, Request):
                    self.assertEqual((event.path, event.headers["Host"]), ("/ws", "node.example:7280"))
                    self.server.send_response(self.server.accept(event))
                elif isinstance(event, Frame) and event.opcode is Opcode.BINARY:
                    seen.append(bytes(event.data))
            for data in self.server.data_to_send():
                if data:
                    self.link.dataReceived(data)
        return seen

    def test_it_is_ready_after_the_handshake(self) -> None:
        self.assertNoResult(self.link.ready)
        self.pump()
        self.assertIs(self.successResultOf(self.link.ready), self.link)

    def test_payloads_go_both_ways(self) -> None:
        self.pump()
        self.link.send([b"one", b"two"])
        self.assertEqual(self.pump(), [b"one", b"two"])
        self.server.send_binary(b"three")
        self.pump()
        self.assertIn([b"three"], self.owner.batches)

    def test_a_fragmented_message_is_one_payload(self) -> None:
        self.pump()
        self.server.send_binary(b"on", fin=False)
        self.server.send_continuation(b"e", fin=True)
        self.pump()
        self.assertEqual([batch for batch in self.owner.batches if batch], [[b"one"]])

    def test_a_ping_is_answered(self) -> None:
        self.pump()
        self.server.send_ping(b"there?")
        for data in self.server.data_to_send():
            self.link.dataReceived(data)
        self.assertTrue(self.transport.value())

    def test_a_refused_handshake_fails(self) -> None:
        self.link.dataReceived(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        self.failureResultOf(self.link.ready)
        self.assertTrue(self.transport.disconnected)

    def test_a_connection_lost_in_the_handshake_fails(self) -> None:
        self.link.connectionLost()
        self.failureResultOf(self.link.ready)
        self.assertEqual(self.owner.lost, [])

    def test_a_message_that_is_too_large_ends_the_connection(self) -> None:
        self.pump()
        self.server.send_binary(b"x" * (MAX_FRAME_BYTES + 1))
        self.pump()
        self.assertEqual([batch for batch in self.owner.batches if batch], [])
        self.assertTrue(self.transport.disconnecting)
