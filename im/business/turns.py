"""Work that is done over and over: one turn after the other, each so long after the last as that one says."""

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

Take = Callable[[], Coroutine[Any, Any, float | None]]
"""Takes a turn; returns the seconds to the next one, None: it was the last."""


class Turns:
    """Turns from `start` to `stop`; `failed` tells the seconds to the next after one that failed."""

    def __init__(self, clock: IReactorTime, take: Take, failed: Callable[[Failure], float]) -> None:
        self._clock = clock
        self._take = take
        self._failed = failed
        self._call: IDelayedCall | None = None
        self._turn: Deferred[float | None] = succeed(None)
        self._is_stopped = False

    def start(self, seconds: float = 0.0) -> None:
        """Take the first turn, so much later."""
        self._next(seconds)

    def hasten(self, at: float) -> None:
        """Take the next turn at this time of the clock, if it would be later and none is under way."""
        if self._call is not None and self._call.getTime() > at:
            self._call.reset(at - self._clock.seconds())

    def stop(self) -> None:
        """Begin no more turns; one that is under way is cancelled."""
        self._is_stopped = True
        if self._call is not None:
            self._call.cancel()
            self._call = None
        self._turn.cancel()

    def _begin(self) -> None:
        self._call = None
        self._turn = Deferred.fromCoroutine(self._take())
        self._turn.addErrback(self._not_taken).addCallback(self._next)

    def _not_taken(self, failure: Failure) -> float | None:
        return None if self._is_stopped else self._failed(failure)

    def _next(self, seconds: float | None) -> None:
        if seconds is not None and not self._is_stopped:
            self._call = self._clock.callLater(seconds, self._begin)
