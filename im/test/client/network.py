"""A scripted node behind in-memory connections on a fake clock, for tests of the front."""

from collections.abc import Callable

from google.protobuf.message import Message as Body
from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionDone, ConnectionRefusedError
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from zope.interface import implementer

from im.proto import base_pb2, chat_pb2, session_pb2, sync_pb2
from im.test.client import server
from im.wire.codec import pack
from im.wire.frames import Decoder, frame


class FakeTransport(StringTransport):
    """What the client writes goes to the node at once; a close is told on a later turn."""

    def __init__(self, node: "FakeNode") -> None:
        super().__init__()
        self._node = node
        self.decoder = Decoder(1 << 18)
        self.protocol: IProtocol
        self.is_over = False

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Means nothing here."""

    def write(self, data: bytes) -> None:
        """Let the node have it."""
        if not self.is_over:
            for payload in self.decoder.feed(data):
                self._node.receive(self, payload)

    def loseConnection(self) -> None:
        """Close."""
        self.end()

    def abortConnection(self) -> None:
        """Close at once."""
        self.end()

    def end(self) -> None:
        """Let the protocol hear, on a later turn, that the connection is over."""
        if not self.is_over:
            self.is_over = True
            self._node.clock.callLater(0, self.protocol.connectionLost, Failure(ConnectionDone()))

    def deliver(self, payload: bytes) -> None:
        """Let a payload arrive at the client, on a later turn."""
        self._node.clock.callLater(0, self._arrive, frame(payload))

    def _arrive(self, data: bytes) -> None:
        if not self.is_over:
            self.protocol.dataReceived(data)


class FakeNode:
    """Answers by a table that tests change; remembers what it was asked and where it was dialled."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.dialled: list[str] = []
        self.asked: list[Body] = []
        self.refusing: set[str] = set()
        self.connections: list[FakeTransport] = []
        self.seq = 0
        self.answers: dict[type[Body], Callable[[Body], Body | None]] = {
            session_pb2.OnlineMessage: lambda _: server.online_result(server.sync_result(server.head())),
            chat_pb2.Chat: self._store,
            chat_pb2.Read: lambda body: chat_pb2.Cursor(
                conversation=server.CHAT, user="alice", read_seq=2, delivered_seq=3, unread=1
            ),
            sync_pb2.Sync: lambda _: server.sync_result(server.head(head_seq=0, unread=4), position=2),
            session_pb2.GetProfile: lambda _: session_pb2.Profile(user="bob", name="Bob"),
            session_pb2.SetProfile: lambda _: session_pb2.Profile(user="alice", fields={"a": "b"}),
            session_pb2.Logout: lambda _: base_pb2.Close(name="logged_out"),
        }

    @property
    def connection(self) -> FakeTransport:
        """The newest connection."""
        return self.connections[-1]

    def endpoint(self, address: str) -> IStreamClientEndpoint:
        """An endpoint factory for clients."""
        return _Endpoint(self, address)

    def receive(self, transport: FakeTransport, payload: bytes) -> None:
        """A payload came from a client."""
        number, body = server.read_frame(payload)
        self.asked.append(body)
        answer = self.answers.get(type(body), lambda _: None)(body)
        if answer is not None:
            transport.deliver(pack(answer, number))

    def push(self, *payloads: bytes) -> None:
        """Send payloads on the newest connection, and let them arrive."""
        for payload in payloads:
            self.connection.deliver(payload)
        self.turns()

    def turns(self) -> None:
        """Let everything happen that needs no time."""
        for _ in range(20):
            self.clock.advance(0)

    def wait(self, seconds: float) -> None:
        """Let time pass, in small steps."""
        for _ in range(int(seconds * 10)):
            self.clock.advance(0.1)
        self.turns()

    def times_asked(self, kind: type[Body]) -> int:
        """How many bodies of one kind came."""
        return sum(isinstance(body, kind) for body in self.asked)

    def _store(self, body: Body) -> Body:
        self.seq += 1
        return chat_pb2.SendAck(
            conversation=server.CHAT, epoch=server.EPOCH, seq=self.seq, server_time_ms=self.seq
        )


@implementer(IStreamClientEndpoint)
class _Endpoint:
    def __init__(self, node: FakeNode, address: str) -> None:
        self._node = node
        self._address = address

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect at once, or be refused."""
        self._node.dialled.append(self._address)
        if self._address in self._node.refusing:
            return fail(ConnectionRefusedError())
        transport = FakeTransport(self._node)
        protocol = protocolFactory.buildProtocol(transport.getPeer())
        assert protocol is not None
        transport.protocol = protocol
        self._node.connections.append(transport)
        protocol.makeConnection(transport)
        connected: Deferred[IProtocol] = Deferred()
        connected.callback(protocol)
        return connected
