"""The store port on SQLite: hands batches to the writer and queries to the readers."""

import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeVar
from zoneinfo import ZoneInfo

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from zope.interface import implementer

from im.adapters.sql.operations.online import Almanac
from im.adapters.sql.operations.reader import Reader
from im.adapters.sql.operations.steps import REMEMBERED_CONVERSATIONS, StepRules
from im.adapters.sql.policy import StorePolicy
from im.adapters.sql.runners import Runners
from im.adapters.sql.schema import UnusableDatabaseError
from im.adapters.sql.sqlite.connection import SQLITE
from im.adapters.sql.sqlite.database import Database
from im.adapters.sql.sqlite.writer import BrokenStoreError, Writer
from im.core.commands import Query, Result, Write
from im.ports import IStore, UnavailableError

T = TypeVar("T")


@implementer(IStore)
class SqliteStore:
    """The tables on SQLite.

    `on_fatal` is called with a sentence when the outcome of a COMMIT is unknown: the process must
    end, and the store takes no more writes. A batch that failed for a full disk or a lock is the
    `problem` until another one succeeds, or from one beat to the next none has failed: on a disk
    that is almost full a beat finds room where a batch doesn't.
    """

    def __init__(
        self,
        database: Database,
        runners: Runners,
        now_ms: Callable[[], int],
        policy: StorePolicy,
        on_fatal: Callable[[str], None],
    ) -> None:
        self._database = database
        self._runners = runners
        self._limits = policy.limits
        self._on_fatal = on_fatal
        self._almanac = Almanac(ZoneInfo(policy.time_zone), now_ms)
        rules = StepRules(policy, self._almanac, REMEMBERED_CONVERSATIONS)
        self._writer = Writer(database, now_ms, rules)
        self._idle_readers: deque[Reader] = deque()
        self._problem = ""
        self._has_failed_since_beat = False

    def write(self, batch: Sequence[Write]) -> "Deferred[list[Result]]":
        """See `IStore.write`. Who cancels it waits no more; the batch and its outcome go on."""
        waiting: Deferred[list[Result]] = Deferred()
        writing = self._runners.write(lambda: self._writer.execute(batch))
        writing.addCallbacks(self._on_written, self._on_batch_failed)
        writing.addCallbacks(waiting.callback, waiting.errback)
        return waiting

    def read(self, query: Query) -> "Deferred[Result]":
        """See `IStore.read`."""
        return self._runners.read(lambda: self._read(query))

    def problem(self) -> str:
        """See `IStore.problem`."""
        return self._problem

    def beat(self, node: str) -> "Deferred[None]":
        """Note in the tables that the node lives now. Fails as a write does."""
        has_failed, self._has_failed_since_beat = self._has_failed_since_beat, False
        beating = self._runners.write(lambda: self._writer.beat(node))
        return beating.addCallbacks(lambda _: None if has_failed else self._on_written(None), self._on_failed)

    def _read(self, query: Query) -> Result:
        reader = self._reader()
        try:
            return reader.read(query)
        finally:
            self._idle_readers.append(reader)

    def _reader(self) -> Reader:
        try:
            return self._idle_readers.pop()
        except IndexError:
            pass
        try:
            return Reader(self._database.connect_reader(), SQLITE, self._limits, self._almanac)
        except (sqlite3.Error, UnusableDatabaseError) as error:
            raise UnavailableError(f"the database can't be opened for reading: {error}") from error

    def _on_written(self, outcome: T) -> T:
        self._problem = ""
        return outcome

    def _on_batch_failed(self, failure: Failure) -> Failure:
        self._has_failed_since_beat = True
        return self._on_failed(failure)

    def _on_failed(self, failure: Failure) -> Failure:
        self._problem = failure.getErrorMessage()
        if failure.check(BrokenStoreError) is not None:
            self._on_fatal(self._problem)
        return failure
