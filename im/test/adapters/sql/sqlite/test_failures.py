"""What the store does when the database can't: nothing is acknowledged, nothing half done."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from im.adapters.sql.runners import T, inline_runners
from im.adapters.sql.sqlite import FileDatabase, MemoryDatabase, Runners, SqliteStore, StorePolicy
from im.adapters.sql.sqlite.database import commit
from im.adapters.sql.sqlite.writer import BrokenStoreError
from im.core.commands import Login, Result, SetDisabled, Write
from im.core.errors import Code, Refused
from im.core.limits import Limits
from im.core.messages import Pull, PullPage, Sent, Sync, SyncPage
from im.ports import UnavailableError
from im.test.adapters.sql.sqlite.support import StoreTestCase
from im.testing.contracts.store import DIRECT, a_send


def database_error(code: int) -> sqlite3.OperationalError:
    """What the driver raises for a result code of SQLite."""
    error = sqlite3.OperationalError(f"code {code}")
    error.sqlite_errorcode = code
    return error


class HeldCommitTests(SynchronousTestCase):
    def test_a_store_whose_commit_is_held_acknowledges_nothing(self) -> None:
        """The commit is the last thing before the answer: while it is not done, there is none."""
        answered: list[list[Result]] = []
        at_commit: list[int] = []

        def hold(connection: sqlite3.Connection) -> None:
            at_commit.append(len(answered))
            commit(connection)
            at_commit.append(len(answered))

        database = MemoryDatabase(commit=hold)
        self.addCleanup(database.close)
        store = SqliteStore(database, inline_runners(), lambda: 1, StorePolicy(Limits(), True), self.fail)
        store.write([a_send(1)]).addCallback(answered.append)
        self.assertEqual([0, 0], at_commit)
        self.assertEqual(1, len(answered))

    def test_an_answer_waits_for_its_thread(self) -> None:
        held: list[Deferred[None]] = []

        def later(work: Callable[[], T]) -> "Deferred[T]":
            gate: Deferred[None] = Deferred()
            held.append(gate)

            def run(_: None) -> T:
                return work()

            return gate.addCallback(run)

        database = MemoryDatabase()
        self.addCleanup(database.close)
        runners = Runners(later, inline_runners().read)
        store = SqliteStore(database, runners, lambda: 1, StorePolicy(Limits(), True), self.fail)
        outcome = store.write([a_send(1)])
        self.assertNoResult(outcome)
        page = self.successResultOf(store.read(Sync("bob", None, "")))
        assert isinstance(page, SyncPage)
        self.assertEqual([], page.heads)
        held[0].callback(None)
        (sent,) = self.successResultOf(outcome)
        self.assertIsInstance(sent, Sent)


class CommitErrorTests(StoreTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.error: sqlite3.Error | None = None
        self.database = MemoryDatabase(commit=self.commit)
        self.addCleanup(self.database.close)
        self.store = self.make_store(self.database)
        self.write(self.store, a_send(1))

    def commit(self, connection: sqlite3.Connection) -> None:
        if self.error is not None:
            raise self.error
        commit(connection)

    def head(self) -> int:
        page = self.read(self.store, Pull(DIRECT, "bob", 1, False, 0))
        assert isinstance(page, PullPage)
        self.assertEqual(page.head_seq, len(page.entries))
        return page.head_seq

    def test_what_may_pass_is_rolled_back_and_heals(self) -> None:
        for code in (
            sqlite3.SQLITE_BUSY,
            sqlite3.SQLITE_LOCKED,
            sqlite3.SQLITE_FULL,
            sqlite3.SQLITE_BUSY_SNAPSHOT,
        ):
            self.error = database_error(code)
            before = self.head()
            batch: list[Write] = [a_send(10 + code), Login("new", "d", "phone", 1)]
            text = self.failure_of(self.store.write(batch), UnavailableError)
            self.assertEqual((before, text, []), (self.head(), self.store.problem(), self.fatal))
            self.assertIn(f"code {code}", text)
            self.error = None
            sent, _ = self.write(self.store, *batch)
            assert isinstance(sent, Sent)
            self.assertEqual((before + 1, False, ""), (sent.seq, sent.duplicate, self.store.problem()))

    def test_a_disabling_that_was_rolled_back_shuts_nobody_out(self) -> None:
        self.write(self.store, SetDisabled("eve", True))
        self.error = database_error(sqlite3.SQLITE_FULL)
        changes = [SetDisabled("bob", True), SetDisabled("eve", False), SetDisabled("bob", True)]
        self.failure_of(self.store.write(changes), UnavailableError)
        self.error = None
        bob, eve = self.write(self.store, a_send(2, "bob"), a_send(3, "eve", "d~bob~eve"))
        assert isinstance(bob, Sent)
        assert isinstance(eve, Refused)
        self.assertEqual(Code.DISABLED, eve.code)

    def test_a_batch_whose_caller_went_away_is_no_problem_and_its_end_is_not_missed(self) -> None:
        gate: Deferred[None] = Deferred()

        def later(work: Callable[[], T]) -> "Deferred[T]":
            started: Deferred[T] = Deferred()
            gate.addCallback(lambda _: started.callback(work())).addErrback(started.errback)
            return started

        runners = Runners(later, inline_runners().read)
        store = SqliteStore(self.database, runners, lambda: 1, StorePolicy(Limits(), True), self.fatal.append)
        outcome = store.write([a_send(2)])
        outcome.cancel()
        self.failureResultOf(outcome, CancelledError)
        self.assertEqual(("", []), (store.problem(), self.fatal))
        self.error = database_error(sqlite3.SQLITE_IOERR)
        gate.callback(None)
        self.assertEqual([store.problem()], self.fatal)

    def test_any_other_error_at_commit_is_fatal(self) -> None:
        self.error = database_error(sqlite3.SQLITE_IOERR)
        text = self.failure_of(self.store.write([a_send(2)]), BrokenStoreError)
        self.assertEqual([text], self.fatal)
        self.assertEqual(text, self.store.problem())

    def test_after_a_fatal_error_nothing_more_is_written(self) -> None:
        self.error = database_error(sqlite3.SQLITE_IOERR_FSYNC)
        self.failure_of(self.store.write([a_send(2)]), BrokenStoreError)
        self.error = None
        self.failure_of(self.store.write([a_send(3)]), BrokenStoreError)
        self.failure_of(self.store.beat("n1"), BrokenStoreError)
        self.assertEqual(1, self.head())

    def test_a_batch_that_is_no_batch_leaves_nothing_behind(self) -> None:
        outcome = self.store.write([a_send(2), "no command"])  # type: ignore[list-item]
        self.failureResultOf(outcome, KeyError)
        self.assertEqual(1, self.head())
        (sent,) = self.write(self.store, a_send(2))
        assert isinstance(sent, Sent)
        self.assertEqual((2, False), (sent.seq, sent.duplicate))


class DiskTests(StoreTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = Path(self.mktemp())
        self.database = FileDatabase(self.path, busy_ms=1)
        self.database.open()
        self.addCleanup(self.database.close)

    def test_a_full_disk_refuses_and_heals(self) -> None:
        connection = self.database.connect_writer()
        self.database.connect_writer = lambda: connection  # type: ignore[method-assign]
        store = self.make_store(self.database)
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 4}")
        large = [a_send(number, content=b"x" * 8_000) for number in range(1, 9)]
        self.failure_of(store.write(large), UnavailableError)
        self.assertIn("full", store.problem())
        self.assertEqual([], self.fatal)
        connection.execute(f"PRAGMA max_page_count = {pages + 400}")
        results = self.write(store, *large)
        self.assertEqual(list(range(1, 9)), [sent.seq for sent in results if isinstance(sent, Sent)])
        self.assertEqual("", store.problem())

    def test_a_beat_alone_does_not_prove_that_there_is_room_again(self) -> None:
        connection = self.database.connect_writer()
        self.database.connect_writer = lambda: connection  # type: ignore[method-assign]
        store = self.make_store(self.database)
        self.write(store, a_send(1))
        self.successResultOf(store.beat("n1"))
        connection.execute("PRAGMA max_page_count = 1")
        large = a_send(2, content=b"x" * 30_000)
        for _ in range(2):
            self.failure_of(store.write([large]), UnavailableError)
            self.successResultOf(store.beat("n1"))
            self.assertIn("full", store.problem())
        self.successResultOf(store.beat("n1"))
        self.assertEqual("", store.problem())

    def test_a_locked_database_refuses_and_heals(self) -> None:
        store = self.make_store(self.database)
        other = sqlite3.connect(self.path, isolation_level=None)
        self.addCleanup(other.close)
        other.execute("BEGIN IMMEDIATE")
        self.failure_of(store.write([a_send(1)]), UnavailableError)
        self.assertIn("locked", store.problem())
        other.execute("ROLLBACK")
        self.assertIsInstance(self.write(store, a_send(1))[0], Sent)
        self.assertEqual("", store.problem())

    def test_a_database_that_can_not_be_read_is_unavailable(self) -> None:
        store = self.make_store(self.database)
        other = sqlite3.connect(self.path, isolation_level=None)
        self.addCleanup(other.close)
        other.execute("ALTER TABLE member RENAME TO gone")
        text = self.failure_of(store.read(Sync("bob", None, "")), UnavailableError)
        self.assertIn("no such table", text)

    def test_a_database_that_can_not_be_opened_is_unavailable(self) -> None:
        store = self.make_store(self.database)
        self.database.path = self.path / "nowhere"
        self.failure_of(store.read(Sync("bob", None, "")), UnavailableError)
