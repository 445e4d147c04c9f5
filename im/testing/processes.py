"""The clock of one simulated process: it can be stalled as a whole, and it can be killed."""

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.base import DelayedCall
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import Clock
from zope.interface import implementer


@implementer(IReactorTime)
class ProcessClock:
    """The world's time, as one process sees it.

    While the process is stalled none of its calls is made; they come, late, when it goes on. Once
    it is killed none is made for ever.
    """

    def __init__(self, world: Clock) -> None:
        self._world = world
        self._is_alive = True
        self._stalled_until = 0.0

    def seconds(self) -> float:
        """The world's time."""
        return self._world.rightNow

    def callLater(self, delay: float, callable: Callable[..., object], *args: Any, **kw: Any) -> IDelayedCall:
        """See `IReactorTime`."""
        late = max(delay, self._stalled_until - self._world.rightNow)
        return self._world.callLater(late, self._call, callable, args, kw)

    def getDelayedCalls(self) -> Sequence[IDelayedCall]:
        """See `IReactorTime`."""
        return self._calls()

    @property
    def is_alive(self) -> bool:
        """Whether the process was not killed."""
        return self._is_alive

    def stall(self, seconds: float) -> None:
        """Make no call for a while."""
        until = self.seconds() + seconds
        if self._is_alive and until > self._stalled_until:
            self._stalled_until = until
            for call in self._calls():
                if call.getTime() < until:
                    call.reset(seconds)

    def wake(self) -> None:
        """End a stall: what is late comes now."""
        if self._stalled_until > self.seconds():
            for call in self._calls():
                if call.getTime() <= self._stalled_until:
                    call.reset(0)
            self._stalled_until = 0.0

    def kill(self) -> None:
        """Make no call any more: kill -9."""
        self._is_alive = False
        for call in self._calls():
            call.cancel()

    def _calls(self) -> list[DelayedCall]:
        return [call for call in self._world.calls if getattr(call.func, "__self__", None) is self]

    def _call(self, callable: Callable[..., object], args: tuple[Any, ...], kw: dict[str, Any]) -> None:
        if self._is_alive:
            callable(*args, **kw)
