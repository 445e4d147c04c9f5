"""The requests of a node that wait for the business layer: numbers, answers and time-outs.

No timer for each request: a sweep every quarter of the time-out gives up what was there a whole
time-out ago. Numbers only grow, so what is old is what is small.
"""

from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from twisted.internet.defer import Deferred

from im.core.commands import Command, Request, Result
from im.core.errors import Code, Refused
from im.gateway.counters import Counters
from im.gateway.ticker import Ticker, ticks
from im.ports import IBusinessBridge

SWEEPS = 4
"""In one time-out; a request is given up after 1 to 1 + 1/SWEEPS of it, and some ticks."""

_TIMED_OUT = Refused(Code.UNAVAILABLE, "the business layer did not answer in time; try again")
_FULL = Refused(Code.UNAVAILABLE, "too many requests wait for the business layer", "", 1_000)

Resume = Callable[[Any, Result], None]
"""Continues a request: takes the context it was submitted with, and the result."""

Run = Callable[[Any, Resume, Result], None]
"""Calls a `Resume` within dispatch's error boundary."""


class Asker(Protocol):
    """Who asks, and how many answers it waits for."""

    in_flight: int


class RequestBounds(NamedTuple):
    """At most `in_flight` requests wait, each for at least `seconds`."""

    in_flight: int
    seconds: float


class Requests:
    """The table number -> who waits."""

    def __init__(
        self,
        node: str,
        bridge: IBusinessBridge,
        bounds: RequestBounds,
        ticker: Ticker,
        counters: Counters,
        run: Run,
    ) -> None:
        self._node = node
        self._bridge = bridge
        self._bounds = bounds
        self._sweep_ticks = ticks(bounds.seconds / SWEEPS)
        self._ticker = ticker
        self._counters = counters
        self._run = run
        self._waiting: dict[int, tuple[Asker, Any, Resume]] = {}
        self._last = 0
        self._marks: deque[int] = deque([0] * SWEEPS)
        self._is_sweeping = False

    def __len__(self) -> int:
        return len(self._waiting)

    def submit(self, command: Command, session: str, asker: Asker, context: Any, resume: Resume) -> None:
        """Send a command off; `resume(context, result)` is called once, with `Refused` when nothing came.

        It may be called before this returns.
        """
        if len(self._waiting) >= self._bounds.in_flight:
            self._run(context, resume, _FULL)
            return
        self._last = number = self._last + 1
        self._waiting[number] = (asker, context, resume)
        asker.in_flight += 1
        if not self._is_sweeping:
            self._sweep_later()
        self._bridge.submit(Request(self._node, number, session, command))

    def ask(self, command: Command, session: str, asker: Asker) -> Deferred[Result]:
        """As `submit`, for coroutines. Never fails; a time-out is a `Refused` too."""
        deferred: Deferred[Result] = Deferred()
        self.submit(command, session, asker, deferred, _fire)
        return deferred

    def resolve(self, number: int, result: Result) -> None:
        """The result of a request came; ignored after its time-out."""
        waiting = self._waiting.pop(number, None)
        if waiting is not None:
            asker, context, resume = waiting
            asker.in_flight -= 1
            self._run(context, resume, result)

    def _sweep_later(self) -> None:
        self._is_sweeping = True
        self._ticker.at(self._ticker.now + self._sweep_ticks, self._sweep)

    def _sweep(self) -> None:
        self._is_sweeping = False
        last_of_old = self._marks.popleft()
        self._marks.append(self._last)
        late = []
        for number in self._waiting:
            if number > last_of_old:
                break
            late.append(number)
        self._counters.timeouts += len(late)
        for number in late:
            self.resolve(number, _TIMED_OUT)
        if self._waiting and not self._is_sweeping:
            self._sweep_later()


def _fire(deferred: Deferred[Result], result: Result) -> None:
    deferred.callback(result)
