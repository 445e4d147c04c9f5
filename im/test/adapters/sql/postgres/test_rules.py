"""Rules of delivery on PostgreSQL, each by its schedule."""

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any
from unittest import mock

import psycopg2
from psycopg2.errorcodes import DEADLOCK_DETECTED

from im.adapters.sql.operations.online import Almanac
from im.adapters.sql.operations.steps import StepRules
from im.adapters.sql.policy import StorePolicy
from im.adapters.sql.postgres import PostgresDatabase, PostgresStore, ShardLostError, outbox
from im.adapters.sql.postgres import loading as loading_module
from im.adapters.sql.postgres import store as store_module
from im.adapters.sql.postgres import writer as writer_module
from im.adapters.sql.postgres.connection import POSTGRES, PostgresConnection
from im.adapters.sql.postgres.writer import ShardWriter
from im.core.calendars import UTC
from im.core.commands import CreateUser, Write
from im.core.custom import Conclude, CustomReply, Post
from im.core.errors import Refused
from im.core.ledger import OpenSession
from im.core.limits import Limits
from im.core.messages import MoveRead, Sent, Sync, SyncPage
from im.test.adapters.sql.postgres.support import PostgresTestCase, execute
from im.test.without.support import RuleTests, a_send

WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"
WAIT_SECONDS = 20.0


class Paused:
    """A writer that works in a thread of its own and stands still before its COMMIT until it may go on."""

    def __init__(self, writer: ShardWriter, *batch: Write) -> None:
        self.outcome: object = None
        self._arrived, self._go_on = threading.Event(), threading.Event()
        run = writer._connection.run

        def pause(text: str) -> Any:
            if text == "COMMIT":
                self._arrived.set()
                self._go_on.wait(WAIT_SECONDS)
            return run(text)

        writer._connection.run = pause  # type: ignore[method-assign]
        self._thread = threading.Thread(target=self._work, args=(writer, batch))
        self._thread.start()
        assert self._arrived.wait(WAIT_SECONDS)

    def _work(self, writer: ShardWriter, batch: Sequence[Write]) -> None:
        self.outcome = writer.execute(batch).results

    def end(self) -> object:
        """Let it commit; its results."""
        self._go_on.set()
        self._thread.join(WAIT_SECONDS)
        return self.outcome


class WriterTestCase(PostgresTestCase):
    """Schedules with writers on threads of their own."""

    def writer(self, shard: int = 0, owner: str = "one", is_own: bool = True) -> ShardWriter:
        policy = StorePolicy(Limits(), users_open=True)
        almanac = Almanac(UTC, lambda: 1_000)
        rules = StepRules(policy, almanac, is_alone=False, is_own=lambda conversation: is_own)
        writer = ShardWriter(PostgresDatabase(self.url), shard, owner, lambda: 1_000, rules)
        self.addCleanup(writer.close)
        return writer

    def beside(self, work: Callable[[], Any]) -> threading.Thread:
        """Begin work that will have to wait for a lock; returns once it waits, or is done."""
        thread = threading.Thread(target=work)
        thread.start()
        while thread.is_alive() and execute(self.url, WAITING) == [(0,)]:
            thread.join(0.005)
        return thread

    def stored(self) -> list[tuple[object, ...]]:
        return execute(self.url, "SELECT conversation_id, seq FROM message ORDER BY 1, 2")


class OutboxTests(RuleTests, WriterTestCase):
    """A1: what is committed and not announced has a row, written in the same transaction."""

    def schedule(self) -> Sequence[str]:
        self.writer().execute([a_send(1)])  # and its worker dies at once
        (row,) = self.writer(owner="two").waiting or (None,)
        return [] if row is not None and row.conversations == ("d~alice~bob",) else ["nobody is told"]

    def without(self) -> AbstractContextManager[object]:
        return mock.patch.object(outbox, "added", lambda connection, row, now_ms: "SELECT 1")


class ZombieTests(RuleTests, WriterTestCase):
    """A2: each transaction checks whose the shard is; who wakes up without it commits nothing."""

    def schedule(self) -> Sequence[str]:
        sleeper = self.writer()
        self.writer(owner="two")
        try:
            sleeper.execute([a_send(1)])
        except ShardLostError:
            return [f"{row} is stored" for row in self.stored()]
        return ["a worker that lost its shard has committed"]

    def without(self) -> AbstractContextManager[object]:
        begin = loading_module.begin

        def trust(connection: PostgresConnection, shard: int, *rest: Any) -> Any:
            return begin(connection, shard, *rest)._replace(owner="one", epoch=1)  # type: ignore[union-attr]

        return mock.patch.object(writer_module, "begin", trust)


class ClaimTests(RuleTests, WriterTestCase):
    """A2: a claim waits for the batch that its owner before is in, and then finds its outbox row."""

    def schedule(self) -> Sequence[str]:
        paused = Paused(self.writer(), a_send(1))
        claimed: list[ShardWriter] = []
        claiming = self.beside(lambda: claimed.append(self.writer(owner="two")))
        paused.end()
        claiming.join(WAIT_SECONDS)
        return [] if claimed[0].waiting else ["what the owner before committed is found by nobody"]

    def without(self) -> AbstractContextManager[object]:
        return mock.patch.object(loading_module, "_LOCK_SHARD", "SELECT {shard}")


class SweepTests(RuleTests, WriterTestCase):
    """A3: a row that nobody announces is found by any worker."""

    def schedule(self) -> Sequence[str]:
        self.writer().execute([a_send(1)])
        self.now_ms = 1_000 + 2_000
        store = self.make_store()
        taken = self.successResultOf(store.overdue())
        again = self.successResultOf(store.overdue())
        self.successResultOf(store.announced(taken))
        problems = [] if [row.conversations for row in taken] == [("d~alice~bob",)] else ["nobody finds it"]
        return problems + [f"{row} is taken twice" for row in again] + [f"{row} stays" for row in self.rows()]

    def without(self) -> AbstractContextManager[object]:
        return mock.patch.object(outbox, "take_overdue", lambda *_: ())


class CursorTests(RuleTests, WriterTestCase):
    """L5: a sync's cursor is before all that may commit later, in whatever order it was stamped."""

    def schedule(self) -> Sequence[str]:
        known = [CreateUser(user) for user in ("alice", "bob", "eve")]
        self.writer(1).execute(known)
        paused = Paused(self.writer(0), a_send(1, conversation="d~alice~bob"))
        self.writer(1).execute([a_send(2, conversation="d~alice~eve")])
        store = self.make_store()
        first = self.page(store, None)
        paused.end()
        second = self.page(store, first)
        seen = {head.conversation for page in (first, second) for head in page.heads}
        return [f"{name} is never seen" for name in {"d~alice~bob", "d~alice~eve"} - seen]

    def page(self, store: PostgresStore, before: SyncPage | None) -> SyncPage:
        page = self.read(store, Sync("alice", before and before.cursor, ""))
        assert isinstance(page, SyncPage)
        return page

    def without(self) -> AbstractContextManager[object]:
        by_stamp = "SELECT store_epoch, (SELECT max(changed) FROM conversation) FROM meta"
        return mock.patch.object(store_module, "POSTGRES", POSTGRES._replace(position=by_stamp))


class LockTests(RuleTests, WriterTestCase):
    """S4: a conversation is locked before anything is decided; what others post there is not undone."""

    def schedule(self) -> Sequence[str]:
        owner = self.writer(0)
        owner.execute([a_send(1)])
        other = self.writer(1, is_own=False)
        paused = Paused(owner, MoveRead("d~alice~bob", "bob", 1))
        posting = self.beside(lambda: other.execute([a_post("d~alice~bob")]))
        paused.end()
        posting.join(WAIT_SECONDS)
        head = execute(self.url, "SELECT last_seq FROM conversation")
        return [] if head == [(2,)] else [f"the head is at {head}"]

    def without(self) -> AbstractContextManager[object]:
        return mock.patch.object(loading_module, "_LOCK_CONVERSATIONS", "SELECT {ids}")


class MemoryTests(RuleTests, WriterTestCase):
    """S4: what an owner remembers of a conversation holds only while nobody else changed it."""

    def schedule(self) -> Sequence[str]:
        owner = self.writer(0)
        owner.execute([a_send(1)])
        self.writer(1, is_own=False).execute([a_post("d~alice~bob")])
        owner.execute([MoveRead("d~alice~bob", "bob", 1)])
        head = execute(self.url, "SELECT last_seq FROM conversation")
        return [] if head == [(2,)] else [f"the head is at {head}"]

    def without(self) -> AbstractContextManager[object]:
        trusting = loading_module._STATE.replace("IS DISTINCT FROM a.stamp", "IS NULL")
        return mock.patch.object(loading_module, "_STATE", trusting)


class OrderTests(RuleTests, WriterTestCase):
    """S4: conversations are locked in the order of their ids, so that no two writers wait crosswise."""

    def schedule(self) -> Sequence[str]:
        names = [f"d~alice~u{number:02}" for number in range(10)]
        writers = [self.writer(shard, is_own=False) for shard in (0, 1)]
        writers[0].execute([a_post(*names)])
        codes: list[str | None] = []
        failure = ShardWriter._failure

        def note(self: ShardWriter, error: psycopg2.Error) -> Exception:
            codes.append(error.pgcode)
            return failure(self, error)

        threads = [
            threading.Thread(target=self.post, args=(writer, names[::step]))
            for writer, step in zip(writers, (1, -1), strict=True)
        ]
        slow = loading_module._LOCK_CONVERSATIONS.replace("SELECT 1", "SELECT pg_sleep(0.002)")
        with (
            mock.patch.object(ShardWriter, "_failure", note),
            mock.patch.object(loading_module, "_LOCK_CONVERSATIONS", slow),
        ):
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(WAIT_SECONDS)
        expected = [(name, seq) for name in names for seq in range(1, 6)]
        problems = [] if self.stored() == expected else ["posts are missing"]
        return problems + ["two writers waited for each other" for code in codes if code == DEADLOCK_DETECTED]

    def post(self, writer: ShardWriter, names: Sequence[str]) -> None:
        for _ in range(2):
            writer.execute([a_post(*names)])

    def without(self) -> AbstractContextManager[object]:
        anyhow = loading_module._LOCK_CONVERSATIONS.replace("BY conversation_id", "BY random()")
        return mock.patch.object(loading_module, "_LOCK_CONVERSATIONS", anyhow)


class BadNeighbourTests(RuleTests, WriterTestCase):
    """S5: one write that the database can't hold stops none of its neighbours, nor their order."""

    def schedule(self) -> Sequence[str]:
        bad = OpenSession("s", "alice", "phone", "phone", "n1", 2**63, True, 30_000)
        batch: list[Write] = [
            a_send(1),
            bad,
            a_send(2),
            bad._replace(session="nul\0", opened_ms=1),
            a_send(3),
        ]
        results = self.writer().execute(batch).results
        seqs = [result.seq if isinstance(result, Sent) else 0 for result in results]
        refused = [result for result in results if isinstance(result, Refused)]
        return [] if seqs == [1, 0, 2, 0, 3] and len(refused) == 2 else [f"the results are {results}"]

    def without(self) -> AbstractContextManager[object]:
        return mock.patch.object(ShardWriter, "_first_bad", lambda self, batch: 0)


_posts = iter(range(1, 1_000_000))


def a_post(*conversations: str) -> Conclude:
    """A handler's message to each of some conversations, in the app's name."""
    number = next(_posts)
    posts = tuple(Post(name, "", b"%016d" % number, 100, b"post") for name in conversations)
    return Conclude("handler", "alice", b"%d" % number, (), (), posts, CustomReply(10_001, b""))
