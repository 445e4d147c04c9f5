"""What operators see of a cluster's shards, whoever answers."""

from typing import cast

from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from im.adapters.amqp.depths import ShardDepths
from im.adapters.sql.postgres import ShardStore
from im.core.commands import Query, Result
from im.core.errors import Code, Refused
from im.core.seeing import FindShards, ShardRow, ShardsFound, TraceEntry
from im.core.shards import shard_of
from im.http.seeing import ShardStatus
from im.ports import IStore, UnavailableError
from im.tap.cluster.seeing import OWNER_SECONDS, ShardsSeen
from im.tap.cluster.shards import AnnouncedStore

SHARDS = 4
ROWS = tuple(ShardRow(number, f"w{number}", number + 1) for number in range(SHARDS))

BEFORE = tuple(ShardRow(number, "", 0) for number in range(SHARDS))


class Owners:
    """The store as nodes see it: each shard's owner answers as the test says."""

    def __init__(self) -> None:
        self.silent: set[int] = set()
        self.refusing: set[int] = set()
        self.failing: set[int] = set()
        self.early: set[int] = set()

    def read(self, query: Query) -> "Deferred[Result]":
        assert isinstance(query, FindShards)
        number = shard_of(query.conversation, SHARDS)
        if number in self.refusing:
            return fail(UnavailableError("gone"))
        if number in self.failing:
            return succeed(Refused(Code.INTERNAL, "the request failed"))
        if number in self.early:
            return succeed(ShardsFound(BEFORE, number, 1_000 + number))
        return Deferred() if number in self.silent else succeed(ShardsFound(ROWS, number, 1_000 + number))


class Depths:
    """RabbitMQ's side."""

    async def waiting(self) -> list[int | None]:
        return [7, 0, None, 0]


class ShardsSeenTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.owners = Owners()
        store, depths = cast(IStore, self.owners), cast(ShardDepths, Depths())
        self.seen = ShardsSeen(store, depths, SHARDS, self.clock)

    def all(self) -> list[ShardStatus]:
        asking = Deferred.fromCoroutine(self.seen.all())
        self.clock.advance(OWNER_SECONDS)
        return [*self.successResultOf(asking)]

    def test_each_owner_tells_since_when_it_is_one(self) -> None:
        self.assertEqual(self.all()[0], ShardStatus(0, "w0", 1, 1_000, 7, True))
        self.assertEqual(self.all()[2], ShardStatus(2, "w2", 3, 1_002, None, True))

    def test_an_owner_that_does_not_answer_is_known_from_the_table(self) -> None:
        self.owners.silent, self.owners.refusing = {1}, {3}
        self.assertEqual(self.all()[1], ShardStatus(1, "w1", 2, 0, 0, False))
        self.assertEqual([each.answers for each in self.all()], [True, False, True, False])

    def test_an_owner_that_fails_is_known_from_the_table(self) -> None:
        self.owners.failing = {1}
        self.assertEqual(self.all()[1], ShardStatus(1, "w1", 2, 0, 0, False))

    def test_of_what_several_owners_read_the_latest_holds(self) -> None:
        self.owners.early = {3}
        self.assertEqual(self.all()[2], ShardStatus(2, "w2", 3, 1_002, None, True))

    def test_an_operator_who_goes_meanwhile_leaves_no_question_open(self) -> None:
        self.owners.silent = {0, 1, 2, 3}
        asking = Deferred.fromCoroutine(self.seen.all())
        asking.cancel()
        self.failureResultOf(asking, CancelledError)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_where_nobody_answers_what_waits_is_told_still(self) -> None:
        self.owners.silent = {0, 1, 2, 3}
        self.assertEqual(self.all()[0], ShardStatus(0, "", 0, 0, 7, False))


class Table:
    """A shard's store that reads only."""

    def __init__(self, found: Result) -> None:
        self.found = found

    def read(self, query: Query) -> "Deferred[Result]":
        return succeed(self.found)


class OwnerTests(SynchronousTestCase):
    def test_an_owner_adds_which_shard_is_its_own_and_since_when(self) -> None:
        store = AnnouncedStore(cast(ShardStore, Table(ShardsFound(ROWS))), 2, 5_000)
        found = self.successResultOf(store.read(FindShards("any")))
        self.assertEqual(found, ShardsFound(ROWS, 2, 5_000))

    def test_anything_else_it_answers_as_the_tables_do(self) -> None:
        store = AnnouncedStore(cast(ShardStore, Table(ShardsFound(ROWS))), 2, 5_000)
        found = self.successResultOf(store.read(TraceEntry("d~a~b", 1)))
        self.assertEqual(found, ShardsFound(ROWS))
