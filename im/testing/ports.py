"""Ports that fail as their docstrings in `im.ports` allow, by seed, and nothing worse.

Each wraps an adapter. `Rates` say how likely a fault is at each call.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import NamedTuple, TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from im.core.commands import Query, Request, Result, Write
from im.ports import (
    IBusinessBridge,
    INodeBus,
    ISessionRegistry,
    IStore,
    NodeBatch,
    NodeReceiver,
    Session,
    UnavailableError,
)

_T = TypeVar("_T")


class Rates(NamedTuple):
    """How likely each fault is at a call, 0 to 1, and the longest delay in seconds."""

    drop: float = 0.0
    fail: float = 0.0
    repeat: float = 0.0
    delay: float = 0.0
    max_delay: float = 1.0


class Faults:
    """Draws faults, and carries calls that are late. One for each port."""

    def __init__(self, clock: IReactorTime, random: Random, rates: Rates) -> None:
        self._clock = clock
        self._random = random
        self.rates = rates
        self._is_dead = False
        self.late = 0
        """How many calls are to be made later."""

    def die(self) -> None:
        """The process ends: what is late never happens."""
        self._is_dead = True

    def drops(self) -> bool:
        """Whether this call is lost."""
        return self._random.random() < self.rates.drop

    def fails(self) -> bool:
        """Whether this call fails."""
        return self._random.random() < self.rates.fail

    def repeats(self) -> bool:
        """Whether this call happens twice."""
        return self._random.random() < self.rates.repeat

    def seconds(self) -> float:
        """How late this call is; 0: not at all."""
        late = self._random.random() < self.rates.delay
        return self._random.uniform(0, self.rates.max_delay) if late else 0.0

    def later(self, seconds: float, call: Callable[[], object]) -> None:
        """Make a call, late unless `seconds` is 0."""
        if seconds:
            self.late += 1
            self._clock.callLater(seconds, self._make_late, call)
        elif not self._is_dead:
            call()

    def _make_late(self, call: Callable[[], object]) -> None:
        self.late -= 1
        if not self._is_dead:
            call()

    def ask(self, call: "Callable[[], Deferred[_T]]") -> "Deferred[_T]":
        """Make a call that may fail or be late before and after it happens."""
        if self.fails():
            return fail(UnavailableError("a fault of this test"))
        answered: Deferred[_T] = Deferred()
        self.later(self.seconds(), lambda: self._ask(call, answered))
        return answered

    def _ask(self, call: "Callable[[], Deferred[_T]]", answered: "Deferred[_T]") -> None:
        seconds = self.seconds()
        call().addCallbacks(
            lambda result: self.later(seconds, lambda: answered.callback(result)),
            lambda failure: self.later(seconds, lambda: answered.errback(failure)),
        )


class Line:
    """Makes late calls in the order in which they were asked for."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._waiting: deque[Callable[[], object]] = deque()

    def add(self, call: Callable[[], object]) -> None:
        """Make a call, perhaps late, after all that were added before."""
        seconds = self._faults.seconds()
        if not self._waiting and not seconds:
            call()
            return
        self._waiting.append(call)
        if len(self._waiting) == 1:
            self._faults.later(seconds, self._drain)

    def _drain(self) -> None:
        while self._waiting:
            self._waiting[0]()
            self._waiting.popleft()


@implementer(ISessionRegistry)
class FaultySessionRegistry:
    """Calls fail or are late, each for itself; `lose_everything` is a flush."""

    def __init__(self, build: Callable[[], ISessionRegistry], faults: Faults) -> None:
        self._build = build
        self._registry = build()
        self._faults = faults
        self._audiences = Line(faults)

    def lose_everything(self) -> None:
        """Forget all sessions, as the port's docstring allows at any time."""
        self._registry = self._build()

    def register(self, session: Session) -> "Deferred[list[Session]]":
        """See `ISessionRegistry`."""
        return self._faults.ask(lambda: self._registry.register(session))

    def unregister(self, session: Session) -> "Deferred[None]":
        """See `ISessionRegistry`."""
        return self._faults.ask(lambda: self._registry.unregister(session))

    def locate(self, users: Iterable[str]) -> "Deferred[Mapping[str, Sequence[str]]]":
        """See `ISessionRegistry`."""
        asked = list(users)
        return self._faults.ask(lambda: self._registry.locate(asked))

    def sessions(self, user: str | None) -> "Deferred[list[Session]]":
        """See `ISessionRegistry`."""
        return self._faults.ask(lambda: self._registry.sessions(user))

    def join(self, node: str, audiences: Iterable[str]) -> "Deferred[None]":
        """See `ISessionRegistry`."""
        asked = list(audiences)
        return self._ask_audiences(lambda: self._registry.join(node, asked))

    def leave(self, node: str, audiences: Iterable[str]) -> "Deferred[None]":
        """See `ISessionRegistry`."""
        asked = list(audiences)
        return self._ask_audiences(lambda: self._registry.leave(node, asked))

    def holding(self, audiences: Iterable[str]) -> "Deferred[Mapping[str, Sequence[str]]]":
        """See `ISessionRegistry`."""
        asked = list(audiences)
        return self._faults.ask(lambda: self._registry.holding(asked))

    def _ask_audiences(self, call: "Callable[[], Deferred[None]]") -> "Deferred[None]":
        """A call that may fail, or be late, in its place after the earlier ones."""
        if self._faults.fails():
            return fail(UnavailableError("a fault of this test"))
        answered: Deferred[None] = Deferred()
        self._audiences.add(lambda: call().chainDeferred(answered))
        return answered


@implementer(INodeBus)
class FaultyNodeBus:
    """Batches are lost or late; to one node they keep their order and none comes twice."""

    def __init__(self, bus: INodeBus, faults: Faults) -> None:
        self._bus = bus
        self._faults = faults
        self._lines: dict[str, Line] = {}

    def attach(self, node: str, receiver: NodeReceiver) -> None:
        """See `INodeBus`."""
        self._bus.attach(node, receiver)

    def detach(self, node: str) -> None:
        """See `INodeBus`."""
        self._bus.detach(node)

    def publish(self, node: str, batch: NodeBatch) -> None:
        """See `INodeBus`."""
        if not self._faults.drops():
            line = self._lines.setdefault(node, Line(self._faults))
            line.add(lambda: self._bus.publish(node, batch))


@implementer(IBusinessBridge)
class FaultyBridge:
    """Requests are lost or late. Those of one conversation keep their order, others overtake them."""

    def __init__(self, bridge: IBusinessBridge, faults: Faults) -> None:
        self._bridge = bridge
        self._faults = faults
        self._lines: dict[str, Line] = {}

    def submit(self, request: Request) -> None:
        """See `IBusinessBridge`."""
        if not self._faults.drops():
            line = self._lines.setdefault(getattr(request.command, "conversation", ""), Line(self._faults))
            line.add(lambda: self._bridge.submit(request))


@implementer(IStore)
class FaultyStore:
    """Batches fail with nothing stored, are late before or after their commit, or are written twice."""

    def __init__(self, store: IStore, faults: Faults) -> None:
        self._store = store
        self._faults = faults
        self._line = Line(faults)

    def write(self, batch: Sequence[Write]) -> "Deferred[list[Result]]":
        """See `IStore`."""
        if self._faults.fails():
            return fail(UnavailableError("a fault of this test"))
        answered: Deferred[list[Result]] = Deferred()
        self._line.add(lambda: self._write(batch, answered))
        return answered

    def _write(self, batch: Sequence[Write], answered: "Deferred[list[Result]]") -> None:
        seconds = self._faults.seconds()
        written = self._store.write(batch)
        written.addCallbacks(
            lambda results: self._faults.later(seconds, lambda: answered.callback(results)),
            lambda failure: self._faults.later(seconds, lambda: answered.errback(failure)),
        )
        if self._faults.repeats():
            self._store.write(batch).addErrback(lambda failure: failure.trap(UnavailableError))

    def read(self, query: Query) -> "Deferred[Result]":
        """See `IStore`."""
        return self._faults.ask(lambda: self._store.read(query))

    def problem(self) -> str:
        """See `IStore`."""
        return str(self._store.problem())
