"""A store whose batches are measured."""

from collections.abc import Sequence

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from zope.interface import implementer

from im.core.commands import Query, Result, Write
from im.core.histogram import Histogram
from im.ports import IStore

_REQUESTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


@implementer(IStore)
class TimedStore:
    """Passes everything on to another store.

    `requests`: how many a batch had; `seconds`: from its call to its commit, failed ones left out;
    `failures`: batches that failed; `reads`: queries.
    """

    def __init__(self, store: IStore, clock: IReactorTime) -> None:
        self._store = store
        self._clock = clock
        self.requests = Histogram(_REQUESTS)
        self.seconds = Histogram(_SECONDS)
        self.failures = 0
        self.reads = 0

    def write(self, batch: Sequence[Write]) -> "Deferred[list[Result]]":
        """See `IStore.write`."""
        began = self._clock.seconds()
        self.requests.observe(len(batch))
        writing: Deferred[list[Result]] = self._store.write(batch)
        return writing.addCallbacks(self._written, self._failed, callbackArgs=(began,))

    def read(self, query: Query) -> "Deferred[Result]":
        """See `IStore.read`."""
        self.reads += 1
        reading: Deferred[Result] = self._store.read(query)
        return reading

    def problem(self) -> str:
        """See `IStore.problem`."""
        return str(self._store.problem())

    def _written(self, results: list[Result], began: float) -> list[Result]:
        self.seconds.observe(self._clock.seconds() - began)
        return results

    def _failed(self, failure: Failure) -> Failure:
        self.failures += 1
        return failure
