"""Back-pressure and clients of other makers, over real sockets: what a fake one cannot show."""

import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import cast

from twisted.internet import reactor as global_reactor
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IProtocolFactory, IReactorTCP, IReactorTime
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from im.gateway.endpoints import listen_endpoint
from im.gateway.keepalive import Keepalive
from im.gateway.stream import StreamSettings
from im.gateway.tcp import TcpFactory
from im.gateway.websocket import WebSocketSettings, WebSocketTransport
from im.http.port import HttpPort, HttpPortSettings, public_root
from im.http.site import QuietSite
from im.test.gateway.certificates import write_certificate
from im.test.gateway.transports import Connections, RecordingConnection

reactor = cast(IReactorTCP, global_reactor)
clock = cast(IReactorTime, global_reactor)

PIECE = b"x" * 10_000
EVIL = Origin("https://evil.example")
IM = [Subprotocol("im.v1")]


class LoopbackCase(TestCase):
    timeout = 60

    def setUp(self) -> None:
        self.connections = Connections()
        self.streams = StreamSettings(self.connections.build, clock, 65_536, 262_144)
        self.files = write_certificate(Path(self.mktemp()).resolve())
        self.trust = ssl.create_default_context(cafile=str(self.files.cert))

    async def listen(self, kind: str, factory: IProtocolFactory) -> int:
        description = f"{kind}:0:interface=127.0.0.1"
        if kind == "tls":
            description += f":cert={self.files.cert}:key={self.files.key}"
        port = await listen_endpoint(description, reactor).listen(factory)
        self.addCleanup(port.stopListening)
        return cast(IPv4Address, port.getHost()).port

    async def until(self, is_so: Callable[[], object]) -> None:
        while not is_so():
            later: Deferred[None] = Deferred()
            clock.callLater(0.005, later.callback, None)
            await later

    async def leave(self, *clients: socket.socket) -> None:
        for client in clients:
            client.close()
        await self.until(lambda: all(each.lost for each in self.connections.built))


class BackPressureTests(LoopbackCase):
    async def connected(self, kind: str) -> tuple[socket.socket, RecordingConnection]:
        port = await self.listen(kind, TcpFactory(self.streams))

        def open_socket() -> socket.socket:
            plain = socket.create_connection(("127.0.0.1", port), timeout=30)
            return self.trust.wrap_socket(plain, server_hostname="localhost") if kind == "tls" else plain

        client = await deferToThread(open_socket)
        await self.until(lambda: self.connections.built)
        return client, self.connections.last

    async def check_slow_reader(self, kind: str) -> None:
        client, connection = await self.connected(kind)
        written = 0
        while not connection.writing:
            for _ in range(10):
                connection.transport.send(PIECE)
                written += 4 + len(PIECE)
            self.assertLess(written, 100_000_000, "the queue is never full")

        def read_all() -> int:
            got = 0
            while got < written:
                got += len(client.recv(65_536))
            return got

        self.assertEqual(written, await deferToThread(read_all))
        await self.until(lambda: connection.writing[-1] == "resumed")
        self.assertEqual(["paused", "resumed"], connection.writing)
        await self.leave(client)

    async def check_flood(self, kind: str) -> None:
        client, connection = await self.connected(kind)
        connection.at_frame = lambda _: connection.transport.pause_reading()
        frames = [b"%06d" % number for number in range(20_000)]
        sending = deferToThread(client.sendall, b"".join(b"\0\0\0\6" + frame for frame in frames))
        await self.until(lambda: connection.frames)
        self.assertEqual(1, len(connection.frames))
        connection.at_frame = lambda _: None
        connection.transport.resume_reading()
        await self.until(lambda: len(connection.frames) == len(frames))
        await sending
        self.assertEqual(frames, connection.frames)
        await self.leave(client)

    async def test_a_slow_reader_is_told_and_gets_everything_over_tcp(self) -> None:
        await self.check_slow_reader("tcp")

    async def test_a_slow_reader_is_told_and_gets_everything_over_tls(self) -> None:
        await self.check_slow_reader("tls")

    async def test_a_flood_waits_and_then_arrives_whole_over_tcp(self) -> None:
        await self.check_flood("tcp")

    async def test_a_flood_waits_and_then_arrives_whole_over_tls(self) -> None:
        await self.check_flood("tls")


class WebSocketClientTests(LoopbackCase):
    async def listen_http(self, kind: str) -> int:
        settings = WebSocketSettings(self.streams, Keepalive(clock))
        site = QuietSite(public_root(), clock)
        return await self.listen(
            kind, HttpPort(site, lambda: WebSocketTransport(settings), HttpPortSettings(clock))
        )

    async def check_echo(self, kind: str, scheme: str) -> None:
        port = await self.listen_http(kind)
        sizes = (0, 5, 200, 60_000)

        def talk() -> list[int]:
            url = f"{scheme}://localhost:{port}/ws"
            trust = self.trust if kind == "tls" else None
            with connect(url, subprotocols=IM, ssl=trust, compression=None) as client:
                client.send(b"first")
                client.recv(30)
                for size in sizes:
                    client.send([b"y" * (size // 2), b"y" * (size - size // 2)])
                return [len(client.recv(30)) for _ in sizes]

        talking = deferToThread(talk)
        await self.until(lambda: self.connections.built)
        connection = self.connections.last
        connection.at_frame = connection.transport.send
        for early in connection.frames:
            connection.transport.send(early)
        self.assertEqual(list(sizes), await talking)
        await self.leave()

    async def test_another_makers_client_talks_over_ws(self) -> None:
        await self.check_echo("tcp", "ws")

    async def test_another_makers_client_talks_over_wss(self) -> None:
        await self.check_echo("tls", "wss")

    async def test_another_origin_is_forbidden(self) -> None:
        port = await self.listen_http("tcp")

        def status() -> int:
            try:
                with connect(f"ws://127.0.0.1:{port}/ws", subprotocols=IM, origin=EVIL):
                    return 101
            except InvalidStatus as error:
                return error.response.status_code

        self.assertEqual(403, await deferToThread(status))

    async def test_many_clients_come_and_go(self) -> None:
        port = await self.listen_http("tcp")

        def come_and_go() -> None:
            with connect(f"ws://127.0.0.1:{port}/ws", subprotocols=IM) as client:
                client.send(b"hello")

        await gatherResults([deferToThread(come_and_go) for _ in range(20)])
        await self.leave()
        self.assertEqual([[b"hello"]] * 20, [each.frames for each in self.connections.built])
