"""The transport that sends at once: what it does itself, and what it leaves to Twisted's."""

from socket import SO_RCVBUF, SO_SNDBUF, SOL_SOCKET, socket, socketpair
from typing import cast

from twisted.internet.interfaces import IReactorFDSet
from twisted.internet.main import CONNECTION_DONE
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.tcp import Port, Server
from twisted.internet.testing import MemoryReactor, StringTransport
from twisted.trial.unittest import SynchronousTestCase

from im.gateway.direct import DirectServer, send_at_once
from im.gateway.outbox import Outbox


class Reactor(MemoryReactor):
    """Remembers who wants to be told that it may write."""

    def is_armed(self, server: Server) -> bool:
        return server in self.getWriters()


class DirectServerTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.near, self.far = socketpair()
        self.addCleanup(self.far.close)
        self.addCleanup(self.near.close)
        self.far.setblocking(False)
        self.reactor = Reactor()
        self.server = self.make(self.near)

    def make(self, near: socket) -> DirectServer:
        port = Port(0, Factory(), reactor=self.reactor)
        return DirectServer(near, Protocol(), ("127.0.0.1", 1), port, 1, cast(IReactorFDSet, self.reactor))

    def test_what_the_socket_takes_is_sent_within_the_call(self) -> None:
        self.server.write(b"hello")
        self.assertEqual((b"hello", False), (self.far.recv(100), self.reactor.is_armed(self.server)))

    def test_what_it_does_not_take_follows_in_order(self) -> None:
        self.near.setsockopt(SOL_SOCKET, SO_SNDBUF, 4_096)
        self.far.setsockopt(SOL_SOCKET, SO_RCVBUF, 4_096)
        data = bytes(range(256)) * 1_000
        self.server.write(data)
        self.server.write(b"last")
        self.assertTrue(self.reactor.is_armed(self.server))
        got = b""
        while len(got) < len(data) + 4:
            got += self.far.recv(65_536)
            self.server.doWrite()
        self.assertEqual((data + b"last", False), (got, self.reactor.is_armed(self.server)))

    def test_what_comes_is_read_in_pieces(self) -> None:
        class Receiving(Protocol):
            def dataReceived(self, data: bytes) -> None:
                pieces.append(data)

        pieces: list[bytes] = []
        self.server.protocol = Receiving()
        self.far.sendall(b"x" * 10_000)
        self.assertEqual([None, None, None], [self.server.doRead() for _ in range(3)])
        self.assertEqual(([8_192, 1_808], 65_536), ([len(each) for each in pieces], self.server.bufferSize))

    def test_the_end_is_read_as_such(self) -> None:
        self.far.close()
        self.assertIs(CONNECTION_DONE, self.server.doRead())

    def test_a_gone_peer_is_found_by_the_reactor_and_not_by_the_writer(self) -> None:
        self.far.close()
        self.server.write(b"x")
        self.server.write(b"y")
        self.assertTrue(self.reactor.is_armed(self.server))

    def test_after_a_half_close_nothing_is_sent(self) -> None:
        self.server.loseWriteConnection()
        self.server.doWrite()
        self.server.write(b"late")
        self.assertEqual(b"", self.far.recv(100))

    def test_behind_tls_the_protocol_encrypts(self) -> None:
        class Encrypting:
            def write(self, data: bytes) -> None:
                written.append(data)

        written: list[bytes] = []
        self.server.TLS = True
        self.server.protocol = cast(Protocol, Encrypting())
        self.server.write(b"secret")
        self.assertEqual([b"secret"], written)

    def test_the_private_names_that_it_rests_on_are_there(self) -> None:
        self.assertEqual((0, b""), (self.server._tempDataLen, self.server.dataBuffer))

    def test_a_port_accepts_with_it(self) -> None:
        port = Port(0, Factory(), reactor=self.reactor)
        send_at_once(port)
        self.assertIs(DirectServer, port.transport)


class OutboxTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.outbox = Outbox()
        self.sink = StringTransport()

    def test_unheld_it_writes_at_once(self) -> None:
        self.outbox.write(self.sink, b"a")
        self.assertEqual(b"a", self.sink.value())

    def test_held_it_writes_once_a_sink_when_released(self) -> None:
        other = StringTransport()
        self.outbox.hold()
        for sink, data in ((self.sink, b"a"), (other, b"x"), (self.sink, b"b")):
            self.outbox.write(sink, data)
        self.assertEqual((b"", b""), (self.sink.value(), other.value()))
        self.outbox.release()
        self.outbox.write(self.sink, b"c")
        self.assertEqual((b"abc", b"x"), (self.sink.value(), other.value()))

    def test_what_closes_is_written_first(self) -> None:
        self.outbox.hold()
        self.outbox.write(self.sink, b"a")
        self.outbox.flush(self.sink)
        self.assertEqual(b"a", self.sink.value())
        self.outbox.release()
        self.assertEqual(b"a", self.sink.value())
