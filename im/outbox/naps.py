"""When a relay does nothing: naps that can be cut short, and pauses while nothing can be delivered."""

from typing import TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

T = TypeVar("T")
LONGEST_PAUSE_MS = 10_000


class Nap:
    """Sleeps until its time is over or somebody wakes it, also just before."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._sleeping: Deferred[None] | None = None
        self._is_woken = False

    def sleep(self, seconds: float) -> "Deferred[None]":
        """Fires when it is over."""
        sleeping: Deferred[None] = Deferred()
        self._sleeping = sleeping
        timer = self._clock.callLater(0 if self._is_woken else seconds, self._end)
        return sleeping.addBoth(self._over, timer)

    def wake(self) -> None:
        """End the nap, or the next one."""
        self._is_woken = True
        self._end()

    def _end(self) -> None:
        sleeping, self._sleeping = self._sleeping, None
        if sleeping is not None:
            sleeping.callback(None)

    def _over(self, result: T, timer: IDelayedCall) -> T:
        self._is_woken = False
        self._sleeping = None
        if timer.active():
            timer.cancel()
        return result


class Pause:
    """Trouble that any row would meet: for a while none is tried, then one."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._until = 0.0
        self.troubles = 0

    @property
    def is_on(self) -> bool:
        """Whether it is too early for another try."""
        return self._clock.seconds() < self._until

    def begin(self, seconds: float) -> None:
        """One more trouble."""
        self.troubles += 1
        self._until = self._clock.seconds() + seconds

    def end(self) -> None:
        """The trouble is over."""
        self.troubles = 0
        self._until = 0.0
