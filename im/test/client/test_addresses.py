"""Addresses as people write them."""

from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.testing import MemoryReactorClock
from twisted.protocols.tls import TLSMemoryBIOProtocol
from twisted.trial.unittest import SynchronousTestCase

from im.client import Client, ClientSettings
from im.client.addresses import Address, is_safe_alternate, parse_address
from im.client.links import StreamLink, WebSocketLink


class AddressTests(SynchronousTestCase):
    """Parsing, and what is dialled for an address."""

    def test_every_kind_is_understood(self) -> None:
        for text, address in (
            ("tcp:127.0.0.1:7222", Address("tcp", "127.0.0.1", 7222)),
            ("tcp://127.0.0.1:7222", Address("tcp", "127.0.0.1", 7222)),
            ("tls:im.example:443", Address("tls", "im.example", 443)),
            ("tcp:[::1]:7222", Address("tcp", "::1", 7222)),
            ("ws://im.example:7280/ws", Address("ws", "im.example", 7280)),
            ("wss://im.example/ws", Address("wss", "im.example", 443)),
        ):
            self.assertEqual(parse_address(text), address)

    def test_anything_else_is_refused_in_a_sentence(self) -> None:
        for text in (
            "",
            "im.example",
            "tcp:7222",
            "tcp:a:0",
            "tcp:a:99999",
            "tcp:a:x",
            "ftp://a/ws",
            "ws:a",
        ):
            error = self.assertRaises(ValueError, parse_address, text)
            self.assertIn("it should look like tcp:HOST:PORT", str(error))

    def test_an_alternate_is_never_less_safe(self) -> None:
        self.assertTrue(is_safe_alternate("tls:b:1", "tcp:a:1"))
        self.assertTrue(is_safe_alternate("tcp:b:1", "tcp:a:1"))
        self.assertFalse(is_safe_alternate("tcp:b:1", "wss://a/ws"))
        self.assertFalse(is_safe_alternate("nonsense", "tcp:a:1"))

    def dial(self, address: str) -> tuple[str, int, object]:
        """The host and port that are dialled for an address, and the protocol that waits for it."""
        reactor = MemoryReactorClock()
        client = Client(ClientSettings(addresses=(address,), token="t"), reactor)
        client.start()
        host, port, factory, _, _ = reactor.tcpClients[0]
        protocol: Any = factory.buildProtocol(IPv4Address("TCP", host, port))
        client.stop()
        reactor.advance(0)
        self.assertEqual(reactor.getDelayedCalls(), [])
        return host, port, protocol._wrappedProtocol

    def test_a_stream_address_is_dialled_over_tcp(self) -> None:
        host, port, protocol = self.dial("tcp:127.0.0.1:7222")
        self.assertEqual((host, port), ("127.0.0.1", 7222))
        self.assertIsInstance(protocol, StreamLink)

    def test_a_websocket_address_is_dialled_over_tcp(self) -> None:
        host, port, protocol = self.dial("ws://127.0.0.1:7280/ws")
        self.assertEqual((host, port), ("127.0.0.1", 7280))
        self.assertIsInstance(protocol, WebSocketLink)

    def test_an_encrypted_address_is_dialled_with_tls(self) -> None:
        _, port, protocol = self.dial("tls:127.0.0.1:7443")
        self.assertEqual(port, 7443)
        self.assertIsInstance(protocol, TLSMemoryBIOProtocol)

    def test_a_wrong_address_is_refused_before_anything_is_dialled(self) -> None:
        settings = ClientSettings(addresses=("im.example",), token="t")
        self.assertRaises(ValueError, Client, settings, MemoryReactorClock())
        self.assertRaises(ValueError, ClientSettings, addresses=(), token="t")
