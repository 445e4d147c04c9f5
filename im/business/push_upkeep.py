"""Pushes whose time is over are taken out of inboxes, now and then and in small steps."""

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from im.core.commands import Result
from im.core.pushing import ExpirePushes, PushesExpired
from im.ports import IStore, UnavailableError

ROWS_A_STEP = 64
REST_SECONDS = 0.05
"""Between two steps while there is more to do."""

PAUSE_SECONDS = 5.0
"""From the end of the work to the next look: so long a push may be shown after its time."""


class PushUpkeep:
    """Has the store expire pushes, from `start` to `stop`."""

    _log = Logger()

    def __init__(self, clock: IReactorTime, store: IStore) -> None:
        self._clock = clock
        self._store = store
        self._call: IDelayedCall | None = None
        self._is_stopped = False

    def start(self) -> None:
        """Begin after a pause."""
        self._next(PAUSE_SECONDS)

    def stop(self) -> None:
        """Begin no more steps."""
        self._is_stopped = True
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _next(self, seconds: float) -> None:
        if not self._is_stopped:
            self._call = self._clock.callLater(seconds, self._step)

    def _step(self) -> None:
        self._call = None
        expired: Deferred[list[Result]] = self._store.write([ExpirePushes(ROWS_A_STEP)])
        expired.addCallbacks(self._expired, self._failed)

    def _expired(self, results: list[Result]) -> None:
        (done,) = results
        is_more = isinstance(done, PushesExpired) and done.rows >= ROWS_A_STEP
        self._next(REST_SECONDS if is_more else PAUSE_SECONDS)

    def _failed(self, failure: Failure) -> None:
        if not failure.check(UnavailableError):
            self._log.failure("the upkeep of pushes failed", failure)
        self._next(PAUSE_SECONDS)
