"""What a store on PostgreSQL does beside its contract: announcing, failing, coming back."""

from collections.abc import Callable
from typing import Any
from unittest import mock

import psycopg2
from twisted.internet.defer import Deferred

from im.adapters.sql.postgres import PostgresDatabase, PostgresStore, ShardLostError, ShardStore, StoreClock
from im.adapters.sql.postgres import writer as writer_module
from im.adapters.sql.postgres.connection import PostgresConnection
from im.adapters.sql.postgres.naming import NAMING
from im.adapters.sql.runners import SerialRunner, inline_runners
from im.core.backends import REMEMBERED_MS, Remember
from im.core.commands import WRITES, CreateUser, GetProfile, Login, SetDisabled, Write
from im.core.errors import Code, Refused
from im.core.messages import MoveRead, Sent, Sync
from im.core.pushing import FindUsers, UsersFound
from im.core.seeing import FindShards, ShardsFound, TracedEntry, TraceEntry
from im.ports import UnavailableError
from im.test.adapters.sql.postgres.support import PostgresTestCase, execute
from im.testing.contracts.store import DIRECT, a_send

KILL = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE application_name = 'im' AND datname = current_database()"
)


class NamingTests(PostgresTestCase):
    def test_it_is_said_of_every_write_what_it_is_about(self) -> None:
        self.assertEqual(set(WRITES), set(NAMING))


class AnnouncingTests(PostgresTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.shard = self.claim(self.make_store())

    def test_a_batch_leaves_one_row_with_the_conversations_that_it_changed(self) -> None:
        batch: list[Write] = [a_send(1), a_send(2, "eve", "d~bob~eve"), a_send(3), CreateUser("zoe")]
        committed = self.successResultOf(self.shard.commit(batch))
        assert committed.row is not None
        self.assertEqual((DIRECT, "d~bob~eve"), committed.row.conversations)
        self.assertEqual((committed.row,), self.rows())

    def test_a_batch_that_changes_no_conversation_leaves_none(self) -> None:
        self.write(self.shard, a_send(1))
        committed = self.successResultOf(self.shard.commit([CreateUser("zoe"), MoveRead(DIRECT, "alice", 0)]))
        self.assertIsNone(committed.row)
        self.assertEqual(1, len(self.rows()))

    def test_what_is_announced_goes_with_the_next_batch(self) -> None:
        first = self.successResultOf(self.shard.commit([a_send(1)])).row
        assert first is not None
        self.shard.announced([first])
        self.assertEqual((first,), self.rows())
        second = self.successResultOf(self.shard.commit([a_send(2)])).row
        self.assertEqual((second,), self.rows())

    def test_without_another_batch_it_goes_after_a_second(self) -> None:
        row = self.successResultOf(self.shard.commit([a_send(1)])).row
        assert row is not None
        self.shard.announced([row])
        self.clock.advance(0.9)
        self.assertEqual((row,), self.rows())
        self.clock.advance(0.1)
        self.assertEqual((), self.rows())
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_a_trace_tells_whether_its_conversation_waits_to_be_announced(self) -> None:
        row = self.successResultOf(self.shard.commit([a_send(1)])).row
        assert row is not None
        self.write(self.shard, a_send(2, "eve", "d~bob~eve"))
        self.assertTrue(self.is_waiting())
        self.shard.announced([row])
        self.clock.advance(1.0)
        self.assertFalse(self.is_waiting())

    def is_waiting(self) -> bool:
        traced = self.successResultOf(self.shard.read(TraceEntry(DIRECT, 1)))
        assert isinstance(traced, TracedEntry), traced
        return traced.is_waiting

    def test_a_reader_tells_who_claimed_which_shard(self) -> None:
        self.claim(self.make_store(), owner="two")
        found = self.successResultOf(self.shard.read(FindShards(DIRECT)))
        assert isinstance(found, ShardsFound), found
        self.assertEqual([(each.owner, each.epoch) for each in found.rows], [("two", 2)])

    def test_what_a_failed_batch_should_have_removed_goes_with_the_one_after(self) -> None:
        row = self.successResultOf(self.shard.commit([a_send(1)])).row
        assert row is not None
        self.shard.announced([row])
        refuse = mock.patch.object(writer_module, "begin", side_effect=UnavailableError("not now"))
        with refuse:
            self.failureResultOf(self.shard.commit([a_send(2)]), UnavailableError)
        self.assertEqual("not now", self.shard.problem())
        self.write(self.shard, MoveRead(DIRECT, "bob", 0))
        self.assertEqual(((), ""), (self.rows(), self.shard.problem()))

    def test_a_shard_that_is_given_up_leaves_nothing_behind(self) -> None:
        row = self.successResultOf(self.shard.commit([a_send(1)])).row
        assert row is not None
        self.shard.announced([row])
        self.successResultOf(self.shard.close())
        self.assertEqual([], self.clock.getDelayedCalls())
        self.failureResultOf(self.shard.commit([a_send(2)]), ShardLostError)

    def test_the_next_owner_gets_the_rows_in_order_and_may_remove_them(self) -> None:
        for number in range(1, 4):
            self.write(self.shard, a_send(number))
        store = self.make_store()
        waiting = self.claim(store, owner="two").waiting
        self.assertEqual([1, 2, 3], [row.number for row in waiting])
        self.successResultOf(store.announced(waiting))
        self.successResultOf(store.announced(()))
        self.assertEqual((), self.claim(store, owner="three").waiting)


class SharedUserTests(PostgresTestCase):
    """Users are everybody's: what one shard stores of them, the others see in their next batch."""

    def test_who_is_disabled_by_another_shard_sends_nothing_more(self) -> None:
        store = self.make_store(2)
        one, two = self.claim(store, 0), self.claim(store, 1)
        self.write(one, a_send(1))
        self.write(two, SetDisabled("alice", True))
        (refused,) = self.write(one, a_send(2))
        assert isinstance(refused, Refused)
        self.assertEqual(Code.DISABLED, refused.code)
        self.write(two, SetDisabled("alice", False))
        self.assertIsInstance(self.write(one, a_send(2))[0], Sent)

    def test_the_same_user_made_by_two_is_one(self) -> None:
        store = self.make_store(2)
        self.write(self.claim(store, 0), a_send(1), Login("alice", "a1", "phone", 1))
        self.write(self.claim(store, 1), Login("bob", "b1", "phone", 1), CreateUser("alice"))
        self.assertEqual([(2,)], execute(self.url, "SELECT count(*) FROM users"))

    def test_conversations_of_other_shards_are_not_remembered(self) -> None:
        store = self.make_store(2)
        one, two = self.claim(store, 0), self.claim(store, 1)
        for number, shard in enumerate((one, two, one, two), 1):
            (sent,) = self.write(shard, a_send(number))
            assert isinstance(sent, Sent)
            self.assertEqual(number, sent.seq)


class OutageTests(PostgresTestCase):
    """A connection that breaks: nothing is doubled, nothing stays broken."""

    def test_a_connection_that_died_between_batches_is_replaced(self) -> None:
        store = self.make_store()
        shard = self.claim(store)
        self.write(shard, a_send(1))
        self.read(store, Sync("alice", None, ""))
        execute(self.url, KILL)
        self.assertEqual(2, self.seq(self.write(shard, a_send(2))[0]))
        self.read(store, Sync("alice", None, ""))
        self.assertEqual("", shard.problem())

    def test_a_connection_that_dies_before_the_commit_loses_nothing(self) -> None:
        shard = self.claim(self.make_store())
        self.write(shard, a_send(1))
        steps = shard._writer._steps
        execute_batch = steps.execute

        def die(*arguments: Any) -> Any:
            results = execute_batch(*arguments)
            execute(self.url, KILL)
            steps.users.is_disabled("alice")
            shard._writer._connection.run("SELECT 1")
            return results

        with mock.patch.object(steps, "execute", die):
            (sent,) = self.write(shard, a_send(2))
        self.assertEqual(2, self.seq(sent))

    def lose_commit(self, shard: ShardStore, is_stored: bool) -> None:
        """Have the connection break at the next COMMIT, after or before the server had it."""
        connection = shard._writer._connection
        run: Callable[[str], Any] = connection.run

        def lose(text: str) -> Any:
            if text != "COMMIT":
                return run(text)
            if is_stored:
                run(text)
            execute(self.url, KILL)
            connection.forget()
            return run("SELECT 1")

        connection.run = lose  # type: ignore[method-assign]

    def test_a_commit_of_unknown_outcome_costs_the_shard_and_doubles_nothing(self) -> None:
        for number, is_stored in enumerate((True, False), 1):
            store = self.make_store()
            shard = self.claim(store)
            before = len(shard.waiting)
            self.lose_commit(shard, is_stored)
            text = self.failure_of(shard.commit([a_send(number)]), ShardLostError)
            self.assertIn("unknown", text)
            self.failure_of(shard.commit([a_send(number)]), ShardLostError)
            again = self.claim(store)
            self.assertEqual(is_stored, len(again.waiting) > before)
            (sent,) = self.write(again, a_send(number))
            assert isinstance(sent, Sent)
            self.assertEqual((number, is_stored), (sent.seq, sent.duplicate))

    def test_while_nobody_answers_batches_fail_at_once_and_then_go_on(self) -> None:
        store = self.make_store()
        shard = self.claim(store)
        database = store._database
        connect = database.connect
        calls: list[int] = []

        def refuse() -> PostgresConnection:
            calls.append(1)
            raise UnavailableError("nobody answers")

        seconds = [0.0]
        shard._writer._pause = writer_module._Pause(lambda: seconds[0])
        with mock.patch.object(database, "connect", refuse):
            shard._writer._connection.close()
            for _ in range(3):
                self.failureResultOf(shard.commit([a_send(1)]), UnavailableError)
            self.failureResultOf(store.read(Sync("alice", None, "")), UnavailableError)
        self.assertEqual(2, len(calls))
        self.assertEqual("nobody answers", store.problem())
        with mock.patch.object(database, "connect", connect):
            seconds[0] = 0.2
            self.assertEqual(1, self.seq(self.write(shard, a_send(1))[0]))

    def test_a_claim_that_finds_nobody_may_be_tried_again(self) -> None:
        time = StoreClock(self.clock, lambda: self.now_ms)
        policy = self.make_store()._policy
        away = PostgresStore(
            PostgresDatabase("postgresql://im@127.0.0.1:1/im"), inline_runners().read, time, policy, 1
        )
        self.assertIn("127.0.0.1:1/im", self.failure_of(away.claim(0, "one"), UnavailableError))

    def test_a_statement_that_takes_too_long_fails_its_batch_alone(self) -> None:
        shard = self.claim(self.make_store())
        self.write(shard, a_send(1))
        connection = shard._writer._connection
        connection.run("SET statement_timeout = 1")
        connection.hold("SELECT pg_sleep(1)")
        text = self.failure_of(shard.commit([a_send(2)]), UnavailableError)
        self.assertIn("statement timeout", text)
        connection.run("SET statement_timeout = 0")
        self.assertEqual(2, self.seq(self.write(shard, a_send(2))[0]))

    def test_texts_that_postgresql_cannot_hold_are_no_outage(self) -> None:
        store = self.make_store()
        for query in (FindUsers(("nul\0",)), FindUsers(("surrogate\ud800",)), GetProfile("nul\0")):
            result = self.read(store, query)
            assert isinstance(result, Refused)
            self.assertEqual(Code.INVALID_ARGUMENT, result.code)
        self.assertEqual(UsersFound(frozenset()), self.read(store, FindUsers(("alice",))))
        self.assertEqual("", store.problem())

    def seq(self, result: object) -> int:
        assert isinstance(result, Sent), result
        return result.seq


class SerialTests(PostgresTestCase):
    def test_works_wait_for_the_one_before_and_failures_stop_none(self) -> None:
        begun: list[str] = []
        running: list[Deferred[str]] = []

        def run(work: Callable[[], Any]) -> "Deferred[Any]":
            begun.append(work())
            running.append(Deferred())
            return running[-1]

        serial = SerialRunner(run)
        first, second, third = (serial(lambda name=name: name) for name in ("a", "b", "c"))  # type: ignore[misc]
        self.assertEqual(["a"], begun)
        second.addErrback(lambda failure: None)
        second.cancel()
        running[0].errback(psycopg2.OperationalError("broken"))
        self.failureResultOf(first, psycopg2.OperationalError)
        running[1].callback("b")
        running[2].callback("c")
        self.assertEqual((["a", "b", "c"], "c"), (begun, self.successResultOf(third)))


class UpkeepTests(PostgresTestCase):
    def test_what_is_sought_with_a_limit_is_sought_once(self) -> None:
        shard = self.claim(self.make_store())
        for number in range(20):
            self.write(shard, Remember("o", f"key {number}", b"d", b"t"))
        self.now_ms += REMEMBERED_MS + 1
        self.write(shard, Remember("o", "later", b"d", b"t"))
        self.assertEqual([(20 - 8 + 1,)], execute(self.url, "SELECT count(*) FROM remembered"))

    def test_no_more_rows_are_overdue_at_once_than_asked_for(self) -> None:
        store = self.make_store()
        shard = self.claim(store)
        for number in range(1, 8):
            self.write(shard, a_send(number))
        self.now_ms += 2_000
        taken = [len(self.successResultOf(store.overdue(most=3))) for _ in range(4)]
        self.assertEqual([3, 3, 1, 0], taken)
        self.now_ms += 2_000
        self.assertEqual(7, len(self.successResultOf(store.overdue())))
