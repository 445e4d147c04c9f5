"""Runs what others wrote so that nobody else notices when it hangs, fails or is flooded.

Each handler has its own: so many calls at once, so many that wait, a time for each, and a breaker
that refuses for a while what failed again and again.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from im.core.errors import Code, Refused, RefusedError
from im.handler import Named, Owner
from im.ports import UnavailableError

BREAKER_FAILURES = 5
"""In a row; then calls are refused for `BREAKER_SECONDS`, and one is tried."""

BREAKER_SECONDS = 10.0

USER_SHARE = 10
"""A tenth of a handler's waiting places, at least one, are for one user, with however many sessions."""

_FULL = Refused(Code.RATE_LIMITED, "too many requests of this type wait", "", 1_000)
_SHARE_FULL = Refused(Code.RATE_LIMITED, "too many of your requests of this type wait", "", 1_000)
_LATE = Refused(Code.UNAVAILABLE, "the handler of this type did not answer in time; try again")
_OPEN = Refused(Code.UNAVAILABLE, "the handler of this type fails; try again later", "", 5_000)


class HandlerCounters:
    """What is counted, by the handler's name. `seconds` is the time from a call's begin to its end."""

    def __init__(self) -> None:
        self.calls: dict[str, int] = {}
        self.failures: dict[str, int] = {}
        self.timeouts: dict[str, int] = {}
        self.refused: dict[str, int] = {}
        self.reruns: dict[str, int] = {}
        self.breaker_opened: dict[str, int] = {}
        self.seconds: dict[str, float] = {}

    def add(self, name: str) -> None:
        """Show a handler from the start on."""
        for counts in vars(self).values():
            counts[name] = 0


InThread = Callable[[Callable[[], Any]], "Deferred[Any]"]
"""Runs a call on a thread."""


def no_threads(owner: Named) -> InThread:
    """For where no handler is."""
    raise RuntimeError(f"no threads for handler {owner.name}")


class Handlers(NamedTuple):
    """The handlers of one layer. `threads` makes, for each, what runs its blocking calls."""

    owners: Sequence[Owner]
    threads: Callable[[Named], InThread]
    counters: HandlerCounters


NO_HANDLERS = Handlers((), no_threads, HandlerCounters())


class _Call(NamedTuple):
    lane: str
    user: str
    since: float
    work: Callable[[], Awaitable[Any]]
    done: Deferred[Any]


class _Run(NamedTuple):
    call: _Call
    began: float
    timer: IDelayedCall


class _TimedOutError(Exception):
    """A call's time is over."""


class Isolation:
    """The calls of one handler. Calls of one lane are made one at a time, in order."""

    def __init__(self, owner: Named, clock: IReactorTime, counters: HandlerCounters) -> None:
        self._name = owner.name
        self._handler = owner.handler
        self._clock = clock
        self._counters = counters
        self._lanes: dict[str, deque[_Call]] = {}
        self._ready: deque[_Call] = deque()
        self._running: dict[Deferred[Any], _Run] = {}
        self._waiting = 0
        self._waiting_of: dict[str, int] = {}
        self._is_starting = False
        self._failures_in_a_row = 0
        self._opens_at = 0.0
        counters.add(owner.name)

    @property
    def is_open(self) -> bool:
        """Whether the breaker refuses calls now."""
        return self._clock.seconds() < self._opens_at

    def waiting_in(self, lane: str) -> int:
        """How many calls of a lane wait behind the one that is made or about to be."""
        return len(self._lanes.get(lane, ()))

    def run(self, lane: str, work: Callable[[], Awaitable[Any]], user: str = "") -> Deferred[Any]:
        """Call `work` when it is its turn; fires with what it gives.

        It takes a place of the user's share; "": of nobody's.

        Fails with what it raises, or with `RefusedError` where it was not called or not done in time.
        """
        if self.is_open:
            return self._refused(_OPEN)
        if self._waiting >= self._handler.waiting:
            return self._refused(_FULL)
        if user:
            of_user = self._waiting_of.get(user, 0)
            if of_user >= max(1, self._handler.waiting // USER_SHARE):
                return self._refused(_SHARE_FULL)
            self._waiting_of[user] = of_user + 1
        done: Deferred[Any] = Deferred()
        call = _Call(lane, user, self._clock.seconds(), work, done)
        self._waiting += 1
        if lane in self._lanes:
            self._lanes[lane].append(call)
        else:
            self._lanes[lane] = deque()
            self._ready.append(call)
            self._start()
        return done

    def stop(self) -> None:
        """Cancel what runs and forget what waits; the clients try again."""
        self._ready.clear()
        self._lanes.clear()
        self._waiting = 0
        self._waiting_of.clear()
        running, self._running = self._running, {}
        for each, run in running.items():
            run.timer.cancel()
            each.cancel()

    def _refused(self, refused: Refused) -> Deferred[Any]:
        self._counters.refused[self._name] += 1
        refusal: Deferred[Any] = Deferred()
        refusal.errback(RefusedError(refused))
        return refusal

    def _start(self) -> None:
        """Begin as many calls as may run. One that ends at once comes back here, and finds it at work."""
        if self._is_starting:
            return
        self._is_starting = True
        while self._ready and len(self._running) < self._handler.concurrency:
            call = self._ready.popleft()
            self._waits_no_more(call.user)
            if self.is_open or self._clock.seconds() - call.since >= self._handler.timeout_seconds:
                self._next_of(call.lane)
                self._counters.refused[self._name] += 1
                call.done.errback(RefusedError(_OPEN if self.is_open else _LATE))
            else:
                self._call(call)
        self._is_starting = False

    def _waits_no_more(self, user: str) -> None:
        self._waiting -= 1
        if user:
            self._waiting_of[user] -= 1
            if not self._waiting_of[user]:
                del self._waiting_of[user]

    def _call(self, call: _Call) -> None:
        self._counters.calls[self._name] += 1
        began = self._clock.seconds()
        running: Deferred[Any] = Deferred.fromCoroutine(_awaited(call.work))
        timer = self._clock.callLater(self._handler.timeout_seconds, self._timed_out, running)
        self._running[running] = _Run(call, began, timer)
        running.addBoth(self._ended, running)

    def _timed_out(self, running: Deferred[Any]) -> None:
        """Give a call up, whatever it makes of that."""
        self._end(running, Failure(_TimedOutError()))
        running.cancel()

    def _ended(self, outcome: Any, running: Deferred[Any]) -> None:
        if running in self._running:
            self._end(running, outcome)

    def _end(self, running: Deferred[Any], outcome: Any) -> None:
        call, began, timer = self._running.pop(running)
        self._counters.seconds[self._name] += self._clock.seconds() - began
        if timer.active():
            timer.cancel()
        self._next_of(call.lane)
        if isinstance(outcome, Failure):
            self._note(outcome)
            call.done.errback(RefusedError(_LATE) if outcome.check(_TimedOutError) else outcome)
        else:
            self._failures_in_a_row = 0
            call.done.callback(outcome)
        self._start()

    def _next_of(self, lane: str) -> None:
        waiting = self._lanes.get(lane)
        if waiting:
            self._ready.append(waiting.popleft())
        else:
            self._lanes.pop(lane, None)

    def _note(self, failure: Failure) -> None:
        """A refusal is an answer, and what is unavailable is no fault of the handler."""
        if failure.check(UnavailableError):
            return
        if failure.check(RefusedError):
            self._failures_in_a_row = 0
            return
        counts = self._counters.timeouts if failure.check(_TimedOutError) else self._counters.failures
        counts[self._name] += 1
        self._failures_in_a_row += 1
        if self._failures_in_a_row >= BREAKER_FAILURES:
            self._opens_at = self._clock.seconds() + BREAKER_SECONDS
            self._failures_in_a_row = BREAKER_FAILURES - 1  # the next one alone decides
            self._counters.breaker_opened[self._name] += 1


async def _awaited(work: Callable[[], Awaitable[Any]]) -> Any:
    return await work()
