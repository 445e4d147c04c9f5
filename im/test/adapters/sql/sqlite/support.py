"""Stores on SQLite for tests, and their outcomes at once."""

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from im.adapters.sql.runners import T
from im.adapters.sql.sqlite import SqliteStore, StorePolicy, inline_runners
from im.adapters.sql.sqlite.database import Database
from im.core.commands import Query, Result, Write
from im.core.limits import Limits


class StoreTestCase(SynchronousTestCase):
    """Tests with stores whose work is done at once. `fatal` holds what would have ended the process."""

    def setUp(self) -> None:
        self.fatal: list[str] = []

    def make_store(
        self, database: Database, limits: Limits | None = None, now_ms: Callable[[], int] = lambda: 1_000
    ) -> SqliteStore:
        policy = StorePolicy(limits or Limits(), True)
        return SqliteStore(database, inline_runners(), now_ms, policy, self.fatal.append)

    def write(self, store: SqliteStore, *batch: Write) -> list[Result]:
        return self.successResultOf(store.write(batch))

    def read(self, store: SqliteStore, query: Query) -> Result:
        return self.successResultOf(store.read(query))

    def failure_of(self, outcome: "Deferred[T]", kind: type[Exception]) -> str:
        return str(self.failureResultOf(outcome, kind).value)
