"""The ledger's upkeep, now and then and in small steps, so that no other write waits long."""

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from im.core.commands import Result
from im.core.ledger import KeepLedger, LedgerKept
from im.ports import IStore, UnavailableError

ROWS_A_STEP = 16
REST_SECONDS = 0.1
"""Between two steps while there is more to do."""

PAUSE_SECONDS = 60.0
"""From the end of the work to the next look."""


class LedgerUpkeep:
    """Has the store enter closed sessions into their days and purge old rows, from `start` to `stop`."""

    _log = Logger()

    def __init__(self, clock: IReactorTime, store: IStore) -> None:
        self._clock = clock
        self._store = store
        self._call: IDelayedCall | None = None
        self._is_stopped = False

    def start(self) -> None:
        """Begin after a pause: a start has other things to do."""
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
        kept: Deferred[list[Result]] = self._store.write([KeepLedger(ROWS_A_STEP)])
        kept.addCallbacks(self._kept, self._failed)

    def _kept(self, results: list[Result]) -> None:
        (kept,) = results
        self._next(REST_SECONDS if isinstance(kept, LedgerKept) and kept.more else PAUSE_SECONDS)

    def _failed(self, failure: Failure) -> None:
        if not failure.check(UnavailableError):
            self._log.failure("the upkeep of the ledger failed", failure)
        self._next(PAUSE_SECONDS)
