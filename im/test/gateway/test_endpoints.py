import socket
import ssl
from pathlib import Path
from typing import cast

from twisted.internet import reactor as global_reactor
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import clientFromString
from twisted.internet.interfaces import (
    IAddress,
    IListeningPort,
    IReactorTCP,
    ITransport,
)
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase, TestCase

from im.gateway.endpoints import TlsEndpoint, listen_endpoint, listening_address
from im.gateway.stream import StreamSettings
from im.gateway.tcp import TcpFactory
from im.test.gateway.certificates import write_certificate
from im.test.gateway.transports import Connections, FakeSocket

reactor = cast(IReactorTCP, global_reactor)


class Listening:
    """Protocols for a test: echo what comes, remember who came."""

    def __init__(self) -> None:
        self.peers: list[IAddress] = []


class Echo(Protocol):
    def __init__(self, seen: Listening) -> None:
        self._seen = seen

    def connectionMade(self) -> None:
        self._seen.peers.append(cast(ITransport, self.transport).getPeer())

    def dataReceived(self, data: bytes) -> None:
        cast(ITransport, self.transport).write(data)


class AddressTextTests(SynchronousTestCase):
    def test_what_is_listened_on_is_told_as_a_client_can_use_it(self) -> None:
        four = IPv4Address("TCP", "127.0.0.1", 7222)
        for description, address, text in (
            ("tcp:0:interface=127.0.0.1", four, "tcp:127.0.0.1:7222"),
            ("haproxy:tcp:0", four, "tcp:127.0.0.1:7222"),
            ("tls:0:cert=c:key=k", four, "tls:127.0.0.1:7222"),
            ("haproxy:tls:0:cert=c:key=k", four, "tls:127.0.0.1:7222"),
            ("tcp:7222", IPv4Address("TCP", "0.0.0.0", 7222), "tcp:127.0.0.1:7222"),
            ("tcp:7222", IPv6Address("TCP", "::", 7222), "tcp:\\:\\:1:7222"),
            ("unix:/run/im.sock", UNIXAddress(b"/run/im.sock"), "unix:/run/im.sock"),
        ):
            self.assertEqual(text, listening_address(description, address))

    def test_twisted_reads_the_text_as_a_client_endpoint(self) -> None:
        for text in ("tcp:127.0.0.1:7222", "tcp:\\:\\:1:7222", "unix:/run/im.sock"):
            clientFromString(MemoryReactorClock(), text)


class DescriptionTests(SynchronousTestCase):
    def test_what_cannot_be_read_is_said_in_one_sentence(self) -> None:
        files = write_certificate(Path(self.mktemp()))
        other = write_certificate(Path(self.mktemp()))
        for description, part in (
            ("", "no endpoint"),
            ("7222", "no endpoint"),
            ("tcp:x", "no endpoint"),
            ("tcp", "no endpoint"),
            ("carrier-pigeon:1", "no endpoint"),
            ("haproxy:7222", "no endpoint"),
            ("systemd:domain=INET:index=9", "systemd"),
            ("tls:1", "cert="),
            (f"tls:1:cert={files.cert}", "key="),
            (f"tls:x:cert={files.cert}:key={files.key}", "port"),
            (f"tls:65536:cert={files.cert}:key={files.key}", "port"),
            (f"tls:1:cert={files.cert}:key={files.key}:speed=5", "speed"),
            (f"tls:1:cert=/missing.pem:key={files.key}", "/missing.pem"),
            (f"tls:1:cert={files.cert}:key=/missing.pem", "/missing.pem"),
            (f"tls:1:cert={files.key}:key={files.key}", "certificate"),
            (f"tls:1:cert={files.cert}:key={files.cert}", "private key"),
            (f"tls:1:cert={files.cert}:key={other.key}", "private key"),
        ):
            error = self.assertRaises(ValueError, listen_endpoint, description, MemoryReactorClock())
            self.assertIn(part, str(error), description)
            self.assertNotIn("\n", str(error))

    def test_a_colon_in_a_file_name_is_escaped(self) -> None:
        files = write_certificate(Path(self.mktemp()) / "a:b")
        cert, key = (str(path).replace(":", "\\:") for path in files)
        self.assertIsInstance(
            listen_endpoint(f"tls:0:cert={cert}:key={key}", MemoryReactorClock()), TlsEndpoint
        )

    def test_tls_listens_on_the_interface_it_was_told(self) -> None:
        files = write_certificate(Path(self.mktemp()))
        for interface in ("127.0.0.1", "\\:\\:1"):
            memory = MemoryReactorClock()
            description = f"tls:7223:interface={interface}:cert={files.cert}:key={files.key}"
            self.successResultOf(listen_endpoint(description, memory).listen(Factory()))
            port, _, _, listened = memory.tcpServers[0]
            self.assertEqual((7223, interface.replace("\\", "")), (port, listened))


class ProxiedTests(SynchronousTestCase):
    """`haproxy:tcp:`, from the accepted socket on."""

    def setUp(self) -> None:
        self.memory = MemoryReactorClock()
        self.connections = Connections()
        settings = StreamSettings(self.connections.build, Clock(), 1_000, 100_000)
        endpoint = listen_endpoint("haproxy:tcp:7222", self.memory)
        self.successResultOf(endpoint.listen(TcpFactory(settings)))
        self.socket = FakeSocket("198.51.100.1")
        factory = self.memory.tcpServers[0][1]
        self.socket.protocol = cast(Protocol, factory.buildProtocol(self.socket.getPeer()))
        self.socket.protocol.makeConnection(self.socket)

    def receive(self, data: bytes) -> None:
        self.socket.protocol.dataReceived(data)

    def test_the_connection_begins_with_the_address_of_the_client(self) -> None:
        self.receive(b"PROXY TCP4 203.0.113.9 198.51.100.1 1000 2000\r\n")
        self.receive(b"\0\0\0\2hi")
        self.assertEqual("203.0.113.9", self.connections.last.address)
        self.assertEqual([b"hi"], self.connections.last.frames)

    def test_header_and_first_frame_may_come_together(self) -> None:
        self.receive(b"PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n\0\0\0\2hi")
        self.assertEqual("2001:db8::1", self.connections.last.address)
        self.assertEqual([b"hi"], self.connections.last.frames)

    def test_the_binary_header_counts_too(self) -> None:
        addresses = bytes((203, 0, 113, 9, 198, 51, 100, 1)) + b"\x03\xe8\x07\xd0"
        self.receive(b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + addresses + b"\0\0\0\2hi")
        self.assertEqual("203.0.113.9", self.connections.last.address)

    def test_without_a_header_no_connection_begins(self) -> None:
        self.receive(b"\0\0\0\2hi\0\0\0\2hi")
        self.assertEqual([], self.connections.built)
        self.assertTrue(self.socket.is_closing)

    def test_who_sends_nothing_is_aborted(self) -> None:
        self.memory.advance(9.9)
        self.assertFalse(self.socket.is_ended)
        self.memory.advance(0.2)
        self.assertTrue(self.socket.is_ended)
        self.assertEqual([], self.connections.built)

    def test_the_end_is_passed_on_and_leaves_no_timer(self) -> None:
        self.receive(b"PROXY TCP4 203.0.113.9 198.51.100.1 1000 2000\r\n\0\0\0\0")
        self.socket.end()
        self.assertEqual(["closed by the peer"], self.connections.last.lost)
        self.assertEqual([], self.memory.getDelayedCalls())

    def test_the_end_before_the_first_byte_leaves_no_timer(self) -> None:
        self.socket.end()
        self.assertEqual([], self.memory.getDelayedCalls())


class LoopbackTests(TestCase):
    """Real sockets, since TLS on a real one has turns of its own."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).resolve()
        self.files = write_certificate(self.folder)
        self.seen = Listening()

    async def listen(self, description: str, factory: Factory) -> tuple[TlsEndpoint, int]:
        endpoint = listen_endpoint(description, reactor)
        port: IListeningPort = await endpoint.listen(factory)
        self.addCleanup(port.stopListening)
        return cast(TlsEndpoint, endpoint), cast(IPv4Address, port.getHost()).port

    def tls(self) -> str:
        return f"tls:0:interface=127.0.0.1:cert={self.files.cert}:key={self.files.key}"

    def echo(self) -> Factory:
        return Factory.forProtocol(lambda: Echo(self.seen))

    async def test_new_connections_get_the_reloaded_certificate(self) -> None:
        endpoint, port = await self.listen(self.tls(), self.echo())
        first = await deferToThread(ssl.get_server_certificate, ("127.0.0.1", port), timeout=30)
        self.assertEqual(self.files.cert.read_text().strip(), first.strip())
        write_certificate(self.folder, "renewed")
        endpoint.reload()
        second = await deferToThread(ssl.get_server_certificate, ("127.0.0.1", port), timeout=30)
        self.assertEqual(self.files.cert.read_text().strip(), second.strip())
        self.assertNotEqual(first, second)

    async def test_a_bad_reload_is_said_and_keeps_the_old_certificate(self) -> None:
        endpoint, port = await self.listen(self.tls(), self.echo())
        good = self.files.cert.read_text()
        self.files.cert.write_text("rubbish")
        self.assertRaises(ValueError, endpoint.reload)
        served = await deferToThread(ssl.get_server_certificate, ("127.0.0.1", port), timeout=30)
        self.assertEqual(good.strip(), served.strip())

    async def test_old_versions_of_tls_are_refused(self) -> None:
        _, port = await self.listen(self.tls(), self.echo())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")

        def shake_hands() -> None:
            with socket.create_connection(("127.0.0.1", port), timeout=30) as plain:
                context.wrap_socket(plain)

        await self.assertFailure(deferToThread(shake_hands), ssl.SSLError, ConnectionResetError)

    async def test_a_balancer_speaks_before_tls_begins(self) -> None:
        _, port = await self.listen("haproxy:" + self.tls(), self.echo())

        def talk() -> bytes:
            context = ssl.create_default_context(cafile=str(self.files.cert))
            with socket.create_connection(("127.0.0.1", port), timeout=30) as plain:
                plain.sendall(b"PROXY TCP4 203.0.113.9 198.51.100.1 1000 2000\r\n")
                with context.wrap_socket(plain, server_hostname="localhost") as wrapped:
                    wrapped.sendall(b"hello")
                    return wrapped.recv(100)

        self.assertEqual(b"hello", await deferToThread(talk))
        self.assertEqual(["203.0.113.9"], [getattr(each, "host", "") for each in self.seen.peers])

    async def test_a_client_that_still_sends_hears_why_it_is_closed(self) -> None:
        connections = Connections()
        connections.last_word = b"bye"
        settings = StreamSettings(connections.build, cast(Clock, reactor), 1_000, 100_000)
        _, port = await self.listen("tcp:0:interface=127.0.0.1", TcpFactory(settings))

        def send_on() -> bytes:
            with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
                client.sendall(b"\0\xff\xff\xff" + b"x" * 5_000_000)
                return client.recv(100) + client.recv(100)

        self.assertEqual(b"\0\0\0\3bye", await deferToThread(send_on))
        while not connections.last.lost:
            await self.turn()
        self.assertEqual(["closed here"], connections.last.lost)

    def turn(self) -> "Deferred[None]":
        done: Deferred[None] = Deferred()
        cast(Clock, reactor).callLater(0.001, done.callback, None)
        return done
