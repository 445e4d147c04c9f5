"""The store port on PostgreSQL: any process reads, the owner of a shard writes what belongs to it."""

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import psycopg2
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure
from zope.interface import implementer

from im.adapters.sql.operations.online import Almanac
from im.adapters.sql.operations.reader import Reader
from im.adapters.sql.operations.steps import REMEMBERED_CONVERSATIONS, StepRules
from im.adapters.sql.policy import StorePolicy
from im.adapters.sql.postgres import outbox
from im.adapters.sql.postgres.connection import POSTGRES, PostgresConnection, UnstorableError
from im.adapters.sql.postgres.database import PostgresDatabase, sentence
from im.adapters.sql.postgres.outbox import OutboxRow
from im.adapters.sql.postgres.writer import Committed, ShardWriter
from im.adapters.sql.runners import Runner, SerialRunner
from im.core.commands import Query, Result, Write
from im.core.errors import invalid
from im.core.shards import shard_of
from im.ports import IStore, UnavailableError

T = TypeVar("T")

OVERDUE_MS = 2_000
OVERDUE_AT_ONCE = 100
ANNOUNCED_SECONDS = 1.0
"""So long a row of what is announced waits for a batch that removes it along."""


class StoreClock(NamedTuple):
    """Where a store has its time from: the reactor's clock, and Unix ms."""

    clock: IReactorTime
    now_ms: Callable[[], int]


class PostgresStore:
    """The tables on PostgreSQL. `run` runs works in threads, several at once; `shards` is the cluster's."""

    def __init__(
        self, database: PostgresDatabase, run: Runner, time: StoreClock, policy: StorePolicy, shards: int
    ) -> None:
        self._database = database
        self._run = run
        self._time = time
        self._policy = policy
        self._shards = shards
        self._almanac = Almanac(ZoneInfo(policy.time_zone), time.now_ms)
        self._idle: deque[tuple[PostgresConnection, Reader]] = deque()
        self._problem = ""

    def claim(self, shard: int, owner: str) -> "Deferred[ShardStore]":
        """Make a shard `owner`'s, whoever has it now, and its store. Fails with `UnavailableError`.

        First announce what its `waiting` rows name, then write.
        """

        def is_own(conversation: str) -> bool:
            return shard_of(conversation, self._shards) == shard

        rules = StepRules(self._policy, self._almanac, REMEMBERED_CONVERSATIONS, False, is_own)

        def make() -> ShardWriter:
            return ShardWriter(self._database, shard, owner, self._time.now_ms, rules)

        claimed = self._run(make)
        return claimed.addCallback(
            lambda writer: ShardStore(self, writer, SerialRunner(self._run), self._time.clock)
        )

    def read(self, query: Query) -> "Deferred[Result]":
        """See `IStore.read`."""
        return self._watched(lambda: self._read(query))

    def overdue(
        self, older_ms: int = OVERDUE_MS, most: int = OVERDUE_AT_ONCE
    ) -> "Deferred[tuple[OutboxRow, ...]]":
        """Take rows that nobody announced in time, of any shard: nobody else gets them for as long again."""

        def take(connection: PostgresConnection) -> tuple[OutboxRow, ...]:
            return outbox.take_overdue(connection, self._time.now_ms(), older_ms, most)

        return self._watched(lambda: self._with_reader(lambda connection, _: take(connection)))

    def announced(self, rows: Sequence[OutboxRow]) -> "Deferred[None]":
        """Remove rows that `overdue` gave, or that waited for a claim, once they are announced."""

        def remove(connection: PostgresConnection) -> None:
            if rows:
                connection.run(outbox.removal(rows))

        return self._watched(lambda: self._with_reader(lambda connection, _: remove(connection)))

    def problem(self) -> str:
        """See `IStore.problem`: of reading."""
        return self._problem

    def close(self) -> None:
        """Close the connections that read. Give no more work."""
        with suppress(IndexError):  # threads that read take from it, too
            while True:
                self._idle.pop()[0].close()

    def _watched(self, work: Callable[[], T]) -> "Deferred[T]":
        return self._run(work).addCallbacks(self._done, self._failed)

    def _done(self, outcome: T) -> T:
        self._problem = ""
        return outcome

    def _failed(self, failure: Failure) -> Failure:
        if failure.check(UnavailableError) is not None:
            self._problem = failure.getErrorMessage()
        return failure

    def _read(self, query: Query) -> Result:
        try:
            return self._with_reader(lambda _, reader: reader.read(query))
        except UnstorableError:
            return invalid("", "this asks for something that PostgreSQL can't store")

    def _with_reader(self, work: Callable[[PostgresConnection, Reader], T]) -> T:
        """Work on a connection that reads; one that died idle is replaced once."""
        connection, reader, is_new = self._reader()
        try:
            return self._work(connection, reader, work)
        except UnavailableError:
            if is_new or not connection.is_dead:
                raise
        self.close()  # the others died along
        connection, reader, _ = self._reader()
        return self._work(connection, reader, work)

    def _work(
        self, connection: PostgresConnection, reader: Reader, work: Callable[[PostgresConnection, Reader], T]
    ) -> T:
        try:
            return work(connection, reader)
        except psycopg2.Error as error:
            raise UnavailableError(f"{self._database.place} can't be used: {sentence(error)}") from error
        finally:
            if not connection.is_dead:
                self._idle.append((connection, reader))

    def _reader(self) -> tuple[PostgresConnection, Reader, bool]:
        try:
            return *self._idle.pop(), False
        except IndexError:
            connection = self._database.connect()
            return connection, Reader(connection, POSTGRES, self._policy.limits, self._almanac), True


@implementer(IStore)
class ShardStore:
    """A shard that was claimed: writes what belongs to it, and reads everything.

    `waiting` is what its owners before may not have announced. A write that fails with
    `ShardLostError` is not to be acknowledged: whoever owns the shard now gets it again.
    """

    def __init__(self, store: PostgresStore, writer: ShardWriter, write: Runner, clock: IReactorTime) -> None:
        self._store = store
        self._writer = writer
        self._write = write
        self._clock = clock
        self.waiting = writer.waiting
        self._announced: list[OutboxRow] = []
        self._removal: IDelayedCall | None = None
        self._problem = ""

    def commit(self, batch: Sequence[Write]) -> "Deferred[Committed]":
        """As `IStore.write`, with the outbox row of the batch beside the results."""
        rows, self._announced = self._announced, []

        def failed(failure: Failure) -> Failure:
            self._announced = rows + self._announced
            self._problem = failure.getErrorMessage()
            return failure

        waiting: Deferred[Committed] = Deferred()
        writing = self._write(lambda: self._writer.execute(batch, rows))
        writing.addCallbacks(self._written, failed)
        writing.addCallbacks(waiting.callback, waiting.errback)
        return waiting

    def write(self, batch: Sequence[Write]) -> "Deferred[list[Result]]":
        """See `IStore.write`: for writes that nobody is to be told of, or by whom it finds overdue."""
        return self.commit(batch).addCallback(lambda committed: committed.results)

    def announced(self, rows: Sequence[OutboxRow]) -> None:
        """Remove the rows of what is announced with the next batch, or a little later without one."""
        self._announced += rows
        if self._removal is None:
            self._removal = self._clock.callLater(ANNOUNCED_SECONDS, self._remove)

    def read(self, query: Query) -> "Deferred[Result]":
        """See `IStore.read`."""
        return self._store.read(query)

    def problem(self) -> str:
        """See `IStore.problem`."""
        return self._problem or self._store.problem()

    def close(self) -> "Deferred[None]":
        """Give the shard up after what was given; fires when its connection is closed. Give no more."""
        if self._removal is not None:
            self._removal.cancel()
            self._removal = None
        return self._write(self._writer.close)

    def _written(self, committed: Committed) -> Committed:
        self._problem = ""
        return committed

    def _remove(self) -> None:
        self._removal = None
        rows, self._announced = self._announced, []
        if rows:
            removed = self._write(lambda: self._writer.remove(rows))
            removed.addErrback(lambda failure: failure.trap(UnavailableError))  # they are found overdue
