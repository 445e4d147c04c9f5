"""A node's time: a timing wheel that is driven by the reactor's clock.

Each tick moves the wheel by at most two tick lengths. So when the whole process stalls, its time
stalls with it, and every deadline of every session is extended by what was lost.
"""

import math
from collections import deque
from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from im.core.clocks import Stalls
from im.core.wheel import Timer, Wheel

TICK_SECONDS = 0.1


def ticks(seconds: float) -> int:
    """The fewest ticks that are at least `seconds`."""
    return max(1, math.ceil(seconds / TICK_SECONDS - 1e-6))


class Ticker:
    """Node time in ticks; `now` is the present one. Deadlines come up to two ticks late, never early."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._wheel = Wheel()
        self.now = self._wheel.now
        self._ticked_at = 0.0
        self._passed = 0.0
        self._started_at = clock.seconds()
        self._stalls = Stalls()
        self._call: IDelayedCall | None = None
        self._expired: deque[Timer] = deque()

    def start(self) -> None:
        """Let time pass."""
        self._ticked_at = self._started_at = self._clock.seconds()
        self._call = self._clock.callLater(TICK_SECONDS, self._tick)

    def stop(self) -> None:
        """Let nothing expire any more. Idempotent."""
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def seconds(self) -> float:
        """What the clock behind it says now."""
        return self._clock.seconds()

    def seconds_at(self, tick: int) -> float:
        """What the clock behind it said at a tick that has passed."""
        return self._started_at + tick * TICK_SECONDS + self._stalls.before(tick)

    def stalled_around(self, tick: int, ticks: int) -> float:
        """For how many seconds the process stood still within so many ticks of a tick, to this moment."""
        stalled = self._stalls.around(tick, ticks)
        if tick + ticks >= self.now:
            stalled += max(0.0, self.seconds() - self.seconds_at(self.now) - 2 * TICK_SECONDS)
        return stalled

    def after(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Call back when at least `seconds` have passed."""
        return self.at(self.now + 1 + ticks(seconds), callback)

    def wait(self, seconds: float) -> Deferred[None]:
        """Fires when at least `seconds` have passed."""
        passed: Deferred[None] = Deferred()
        self.after(seconds, lambda: passed.callback(None))
        return passed

    def at(self, tick: int, callback: Callable[[], None]) -> Timer:
        """Call back at a tick; in the next one if it has passed."""
        return self._wheel.schedule(tick, callback)

    def cancel(self, timer: Timer) -> None:
        """Drop a timer. Idempotent."""
        self._wheel.cancel(timer)

    def _tick(self) -> None:
        # First the next tick: a callback that raises must not stop the time of a whole node. The
        # timers behind it stay queued and come with that tick.
        self._call = self._clock.callLater(TICK_SECONDS, self._tick)
        now = self._clock.seconds()
        passed = min(now - self._ticked_at, 2 * TICK_SECONDS)
        stalled = now - self._ticked_at - passed
        self._passed += passed
        self._ticked_at = now
        self._expired.extend(self._wheel.advance(int(self._passed / TICK_SECONDS + 1e-6)))
        self.now = self._wheel.now
        if stalled > 0.0:
            self._stalls.note(self.now, stalled)
        while self._expired:
            self._expired.popleft().fire()
