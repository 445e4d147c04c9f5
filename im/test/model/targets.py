"""The stores that are held against the model, all their work done at once."""

import sqlite3
from collections.abc import Sequence
from typing import Protocol, TypeVar
from unittest.mock import patch

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from im.adapters.sql.policy import StorePolicy
from im.adapters.sql.postgres import PostgresDatabase, PostgresStore, ShardStore, StoreClock
from im.adapters.sql.postgres import store as postgres_module
from im.adapters.sql.runners import inline_runners
from im.adapters.sql.sqlite import MemoryDatabase, SqliteStore
from im.adapters.sql.sqlite import store as sqlite_module
from im.adapters.sql.sqlite.database import commit
from im.core.commands import Query, Result, Write
from im.core.messages import Sync
from im.core.shards import shard_key, shard_of
from im.ports import UnavailableError
from im.test.adapters.sql.postgres.support import emptied, execute, settle
from im.test.model.memory import EPOCH

T = TypeVar("T")

SHARDS = 2


class Target(Protocol):
    """A store, as the model uses it. `now_ms` is its clock."""

    now_ms: int
    may_fail: bool
    """Whether a COMMIT can be made to fail."""

    def parts(self, batch: Sequence[Write]) -> list[list[Write]]:
        """The batches that it makes of one, in their order."""

    def write(self, batch: Sequence[Write]) -> list[Result]:
        """Execute what is one of its `parts`."""

    def fail(self, batch: Sequence[Write]) -> None:
        """Execute a batch whose COMMIT fails."""

    def read(self, query: Query) -> Result:
        """Answer a query; a sync as beside no other work."""

    def crash(self, remembered: int) -> None:
        """Go on as another process, which remembers at most so many conversations."""

    def close(self) -> None:
        """Free everything."""


class OnSqlite:
    """One writer and its readers on a database in memory."""

    may_fail = True

    def __init__(self, policy: StorePolicy) -> None:
        self.now_ms = 1_000_000
        self._policy = policy
        self._database = MemoryDatabase()
        self.crash(1)

    def parts(self, batch: Sequence[Write]) -> list[list[Write]]:
        """See `Target`."""
        return [list(batch)]

    def write(self, batch: Sequence[Write]) -> list[Result]:
        """See `Target`."""
        return fired(self._store.write(batch))

    def fail(self, batch: Sequence[Write]) -> None:
        """See `Target`."""
        failures: list[object] = []
        self._database.commit = _refuse_commit
        self._store.write(batch).addErrback(lambda failure: failures.append(failure.trap(UnavailableError)))
        self._database.commit = commit
        assert len(failures) == 1

    def read(self, query: Query) -> Result:
        """See `Target`."""
        return fired(self._store.read(query))

    def crash(self, remembered: int) -> None:
        """See `Target`."""
        with patch.object(sqlite_module, "REMEMBERED_CONVERSATIONS", remembered):
            self._store = SqliteStore(
                self._database, inline_runners(), lambda: self.now_ms, self._policy, _end
            )

    def close(self) -> None:
        """See `Target`."""
        self._database.close()


class OnPostgres:
    """Two workers, each with a store of its own and a shard."""

    may_fail = False

    def __init__(self, policy: StorePolicy) -> None:
        self.now_ms = 1_000_000
        self._policy = policy
        self._url = emptied()
        execute(self._url, f"UPDATE meta SET store_epoch = '{EPOCH}'")
        self._stores: list[PostgresStore] = []
        self._shards: list[ShardStore] = []
        self._crashes = 0
        self._is_settled = False
        self.crash(1)

    def parts(self, batch: Sequence[Write]) -> list[list[Write]]:
        """See `Target`."""
        shards = [shard_of(shard_key(each), SHARDS) for each in batch]
        pairs = list(zip(shards, batch, strict=True))
        parts = [[each for of, each in pairs if of == shard] for shard in range(SHARDS)]
        return [part for part in parts if part]

    def write(self, batch: Sequence[Write]) -> list[Result]:
        """See `Target`."""
        self._is_settled = False
        return fired(self._shards[shard_of(shard_key(batch[0]), SHARDS)].write(batch))

    def fail(self, batch: Sequence[Write]) -> None:
        """See `Target`."""
        raise NotImplementedError

    def read(self, query: Query) -> Result:
        """See `Target`."""
        if isinstance(query, Sync) and not self._is_settled:
            settle(self._url)
            self._is_settled = True
        return fired(self._stores[0].read(query))

    def crash(self, remembered: int) -> None:
        """See `Target`: the other worker takes each shard over."""
        self.close()
        self._crashes += 1
        time = StoreClock(Clock(), lambda: self.now_ms)
        database = PostgresDatabase(self._url)
        self._stores = [
            PostgresStore(database, inline_runners().read, time, self._policy, SHARDS) for _ in range(2)
        ]
        with patch.object(postgres_module, "REMEMBERED_CONVERSATIONS", remembered):
            self._shards = [
                fired(store.claim((at + self._crashes) % 2, f"worker {at}"))
                for at, store in enumerate(self._stores)
            ]
        if self._crashes % 2:
            self._shards.reverse()

    def close(self) -> None:
        """See `Target`."""
        for shard in self._shards:
            shard.close()
        for store in self._stores:
            store.close()


def fired(outcome: "Deferred[T]") -> T:
    """What a Deferred has fired with; fails if it failed or didn't."""
    results: list[T] = []
    failures: list[Failure] = []
    outcome.addCallbacks(results.append, failures.append)
    for failure in failures:
        failure.raiseException()
    return results[0]


def _end(text: str) -> None:
    raise AssertionError(text)


def _refuse_commit(connection: sqlite3.Connection) -> None:
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    raise error
