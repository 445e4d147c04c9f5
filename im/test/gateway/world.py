"""One node on a fake clock; its transports, business layer and authenticator are scripted by the test."""

from collections.abc import Callable
from random import Random
from typing import Any, TypeVar, cast

from google.protobuf.message import Message
from twisted.internet.defer import Deferred, execute, fail, succeed
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from im.adapters.memory.bus import MemoryNodeBus
from im.adapters.memory.registry import MemoryRegistry
from im.core.commands import Command, LoggedIn, Login, Request, Result
from im.core.errors import Code, Refused, RefusedError
from im.core.grouping import GetMemberships, Memberships
from im.core.ledger import LEDGER_WRITES, LedgerWrite, SessionNoted
from im.core.limits import Limits
from im.core.messages import Sync, SyncCursor, SyncPage
from im.core.sessions import ClassPolicy
from im.gateway.connection import Connection
from im.gateway.node import Node
from im.gateway.runs import Run
from im.gateway.settings import Alternate, NodeIdentity, NodePorts, NodeSettings, PresenceSettings, nowhere
from im.gateway.ticker import TICK_SECONDS
from im.handler import MessageHandler, Owner
from im.isolation import HandlerCounters, Handlers
from im.ports import Delivery, IAuthenticator, IBusinessBridge, Identity, ISessionRegistry, NodeBatch
from im.proto import base_pb2, session_pb2
from im.wire import hot
from im.wire.codec import pack, unpack, unpack_body

M = TypeVar("M", bound=Message)
DIRECT = "d~alice~bob"
START_MS = 1_700_000_000_000


class FakeTransport:
    """Keeps what was sent; the test is the network."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.is_paused = False
        self.is_closing = False
        self.is_aborted = False

    def send(self, payload: bytes) -> None:
        assert not self.is_closing, "sent after close"
        self.frames.append(payload)

    def send_run(self, run: Run) -> None:
        for _, payload in run.entries:
            self.send(payload)

    def close(self) -> None:
        self.is_closing = True

    def abort(self) -> None:
        self.is_aborted = True

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False


@implementer(IBusinessBridge)
class FakeBridge:
    """Keeps requests; answers logins and syncs by itself unless `is_manual`.

    Groups are those of `memberships`, unless `is_deaf_to_groups`.

    What is written into the ledger is kept apart in `ledger`, and answered unless `is_ledger_down`.
    """

    def __init__(self, bus: MemoryNodeBus) -> None:
        self._bus = bus
        self.requests: list[Request] = []
        self.is_manual = False
        self.is_deaf_to_groups = False
        self.memberships: dict[str, tuple[tuple[str, int], ...]] = {}
        self.ledger: list[LedgerWrite] = []
        self.is_ledger_down = False

    def submit(self, request: Request) -> None:
        command = request.command
        if isinstance(command, LEDGER_WRITES):
            if self.is_ledger_down:
                self.answer(request, Refused(Code.UNAVAILABLE, "down"))
            else:
                self.ledger.append(command)
                self.answer(request, SessionNoted(True))
        elif isinstance(command, Login) and not self.is_manual:
            has_groups = command.user in self.memberships
            self.answer(request, LoggedIn(command.user, command.device, command.attempt, has_groups))
        elif isinstance(command, GetMemberships) and not self.is_deaf_to_groups:
            self.answer(request, Memberships(command.user, self.memberships.get(command.user, ())))
        elif isinstance(command, Sync) and not self.is_manual:
            self.answer(request, SyncPage(SyncCursor("e1", 5), [], ""))
        else:
            self.requests.append(request)

    def answer(self, request: Request, result: Result) -> None:
        self._bus.publish(request.node, NodeBatch(results=[(request.id, result)]))

    def take(self, result: Result) -> Command:
        """Answer the oldest request."""
        request = self.requests.pop(0)
        self.answer(request, result)
        return request.command


@implementer(IAuthenticator)
class FakeAuthenticator:
    """A token is `user[:expiry[:issue]]`; "bad…" and "old…" are refused, "hang" never answers."""

    def authenticate(self, token: str) -> Deferred[Identity]:
        if token == "hang":
            return Deferred()
        if token.startswith(("bad", "old")):
            code = Code.UNAUTHENTICATED if token.startswith("bad") else Code.EXPIRED
            return fail(RefusedError(Refused(code, "no")))
        user, expires_at, issued_at, *_ = [*token.split(":"), "", ""]
        times = (float(expires_at or 0), float(issued_at or 0))
        return succeed(Identity(user, times[0], frozenset({"user"}), times[1]))


class Client:
    """The far end of one connection."""

    def __init__(self, transport: FakeTransport, connection: Connection) -> None:
        self.transport = transport
        self.connection = connection

    def send(self, body: Message, request_id: int = 0) -> None:
        self.connection.frame_received(pack(body, request_id))

    def received(self) -> list[tuple[int, Message]]:
        """What came since the last look: ids and bodies."""
        frames, self.transport.frames = self.transport.frames, []
        envelopes = [unpack(frame) for frame in frames]
        return [(envelope.id, unpack_body(envelope)) for envelope in envelopes]

    def bodies(self) -> list[Message]:
        return [body for _, body in self.received()]

    def only(self, kind: type[M]) -> M:
        """The one body that came, of this class."""
        (body,) = self.bodies()
        assert isinstance(body, kind), body
        return body

    def last(self, kind: type[M]) -> M:
        body = self.bodies()[-1]
        assert isinstance(body, kind), body
        return body

    @property
    def session_id(self) -> str:
        session = self.connection.session
        assert session is not None
        return session.id


def online(**fields: Any) -> session_pb2.OnlineMessage:
    """A right login of alice's phone, but for `fields`."""
    right: dict[str, Any] = {
        "min_version": 1,
        "max_version": 1,
        "token": "alice",
        "device_id": "a1",
        "device_class": "phone",
        "attempt": 1,
    }
    return session_pb2.OnlineMessage(**(right | fields))


def delivery(seq: int, users: tuple[str, ...] = ("alice",), but: str = "", text: bytes = b"hi") -> Delivery:
    """A message of bob to the direct conversation."""
    frame = hot.deliver(DIRECT, "e1", seq, seq, 1, "bob", b"i" * 16, 1, text)
    return Delivery(users, DIRECT, seq, frame, but)


class World:
    """A started node, named n1, and how to use it."""

    def __init__(
        self,
        limits: Limits | None = None,
        policy: ClassPolicy = ClassPolicy.COEXIST,
        handlers: tuple[MessageHandler, ...] = (),
        registry: ISessionRegistry | None = None,
        alternate: Alternate = nowhere,
        presence: PresenceSettings | None = None,
    ) -> None:
        owners = [Owner(f"handler{number}", handler) for number, handler in enumerate(handlers)]
        self.handlers = Handlers(owners, lambda owner: execute, HandlerCounters())
        self.clock = Clock()
        self.bus = MemoryNodeBus()
        self.bridge = FakeBridge(self.bus)
        self.registry: Any = registry if registry is not None else MemoryRegistry()
        self.node = Node(
            NodeIdentity("n1", "g1"),
            NodePorts(self.registry, self.bus, self.bridge, FakeAuthenticator()),
            NodeSettings(limits or Limits(), policy, self.handlers, presence, alternate=alternate),
            self.clock,
            self.now_ms,
            Random(1),
        )
        self.node.start()

    def now_ms(self) -> int:
        return START_MS + round(self.clock.seconds() * 1000)

    def connect(self, address: str = "192.0.2.1") -> Client:
        transport = FakeTransport()
        connection = self.node.build_connection(transport, address)
        assert connection is not None
        return Client(transport, connection)

    def log_in(self, **fields: Any) -> Client:
        """A client that is online and has read its login answer."""
        client = self.connect()
        client.send(online(**fields), 1)
        client.only(session_pb2.OnlineResult)
        return client

    def pass_seconds(self, seconds: float, each: Callable[[], None] | None = None) -> None:
        """Let time pass tick by tick."""
        for _ in range(round(seconds / TICK_SECONDS)):
            self.clock.advance(TICK_SECONDS)
            if each is not None:
                each()

    def deliver(self, *deliveries: Delivery) -> None:
        self.bus.publish("n1", NodeBatch(deliveries=deliveries))


def logged(case: SynchronousTestCase) -> list[dict[str, Any]]:
    """The events that are logged from now on, until the test ends."""
    events: list[dict[str, Any]] = []

    def observe(event: dict[str, Any]) -> None:
        events.append(event)

    globalLogPublisher.addObserver(cast(ILogObserver, observe))
    case.addCleanup(globalLogPublisher.removeObserver, cast(ILogObserver, observe))
    return events


def close_of(client: Client) -> base_pb2.Close:
    """The close frame, which must be the last thing that came; the transport is closing."""
    close = client.last(base_pb2.Close)
    assert client.transport.is_closing
    return close
