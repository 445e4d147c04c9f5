from functools import cache
from pathlib import Path
from struct import pack, unpack
from tempfile import TemporaryDirectory
from typing import cast

from OpenSSL import SSL
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.trial.unittest import SynchronousTestCase

from im.core.errors import Code
from im.gateway.endpoints import ReloadableContext
from im.gateway.stream import StreamSettings, address_text
from im.gateway.tcp import TcpFactory
from im.test.gateway import transports
from im.test.gateway.certificates import write_certificate
from im.test.gateway.transports import FRAME_BYTES, FakeSocket, Wire


class Framed:
    """Length-prefixed payloads, as a client writes and reads them."""

    def __init__(self) -> None:
        self._unread = b""

    def encode(self, *payloads: bytes) -> bytes:
        return b"".join(pack("!I", len(payload)) + payload for payload in payloads)

    def oversized(self) -> bytes:
        return pack("!I", FRAME_BYTES + 1)

    def decode(self, data: bytes) -> list[bytes]:
        self._unread += data
        payloads = []
        while len(self._unread) >= 4:
            (length,) = unpack("!I", self._unread[:4])
            if len(self._unread) < 4 + length:
                break
            payloads.append(self._unread[4 : 4 + length])
            self._unread = self._unread[4 + length :]
        return payloads


class TcpWire(Framed):
    def __init__(self, settings: StreamSettings, peer: str = "192.0.2.7") -> None:
        super().__init__()
        self.socket = FakeSocket(peer)
        self.socket.protocol = TcpFactory(settings).buildProtocol(None)
        self.socket.protocol.makeConnection(self.socket)

    def receive(self, data: bytes) -> None:
        self.socket.protocol.dataReceived(data)

    def sent(self) -> list[bytes]:
        return self.decode(self.socket.take())

    def leave(self) -> None:
        self.socket.end()


class TlsWire(Framed):
    """The same with TLS between; the client's side is OpenSSL on memory buffers."""

    def __init__(self, settings: StreamSettings, context: ReloadableContext) -> None:
        super().__init__()
        self._clock = cast(Clock, settings.clock)
        factory = TLSMemoryBIOFactory(context, False, TcpFactory(settings), clock=settings.clock)
        self.socket = FakeSocket()
        self.socket.protocol = cast(Protocol, factory.buildProtocol(None))
        self.socket.protocol.makeConnection(self.socket)
        self._client = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD), None)
        self._client.set_connect_state()
        self._received = b""
        self._is_told_goodbye = False
        self._read()
        self._pump()

    def receive(self, data: bytes) -> None:
        self._client.sendall(data)
        self._pump()

    def sent(self) -> list[bytes]:
        self._pump()
        if self._is_told_goodbye:
            self._client.shutdown()
            self._pump()
        received, self._received = self._received, b""
        return self.decode(received)

    def leave(self) -> None:
        self._client.shutdown()
        self._pump()
        self.socket.end()

    def _pump(self) -> None:
        """Carry bytes both ways until neither side has any."""
        is_moving = True
        while is_moving:
            self._clock.advance(0)
            written = self.socket.take()
            if written:
                self._client.bio_write(written)
                self._read()
            is_moving = self._flush() or bool(written)

    def _flush(self) -> bool:
        try:
            self.socket.protocol.dataReceived(self._client.bio_read(65_536))
        except SSL.WantReadError:
            return False
        return True

    def _read(self) -> None:
        try:
            while True:
                self._received += self._client.recv(65_536)
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError:
            self._is_told_goodbye = True


class TcpTests(transports.TransportSuite):
    def make_wire(self, settings: StreamSettings) -> Wire:
        return TcpWire(settings)

    def test_a_frame_is_written_in_one_piece(self) -> None:
        writes: list[bytes] = []
        self.patch(self.wire.socket, "write", writes.append)
        self.connection.transport.send(b"hello")
        self.assertEqual([b"\0\0\0\5hello"], writes)

    def test_an_announced_length_is_judged_before_any_of_the_frame_comes(self) -> None:
        self.wire.receive(pack("!I", 0xFFFFFFFF))
        self.assertEqual([Code.TOO_LARGE], [code for code, _ in self.connection.refusals])


@cache
def a_context() -> ReloadableContext:
    with TemporaryDirectory() as folder:
        files = write_certificate(Path(folder))
        return ReloadableContext(str(files.cert), str(files.key))


class TlsTests(transports.TransportSuite):
    def make_wire(self, settings: StreamSettings) -> Wire:
        return TlsWire(settings, a_context())


class AddressTests(SynchronousTestCase):
    def test_an_address_is_told_the_same_way_over_both_protocols(self) -> None:
        self.assertEqual("192.0.2.7", address_text(IPv4Address("TCP", "192.0.2.7", 1)))
        self.assertEqual("192.0.2.7", address_text(IPv6Address("TCP", "::ffff:192.0.2.7", 1)))
        self.assertEqual("2001:db8::1", address_text(IPv6Address("TCP", "2001:DB8:0::1", 1)))

    def test_what_has_no_host_is_told_as_unix(self) -> None:
        self.assertEqual("unix", address_text(UNIXAddress(None)))

    def test_a_host_that_is_no_address_is_told_as_it_is(self) -> None:
        self.assertEqual("fe80::1%eth0", address_text(IPv6Address("TCP", "fe80::1%eth0", 1)))
        self.assertEqual("localhost", address_text(IPv4Address("TCP", "localhost", 1)))
