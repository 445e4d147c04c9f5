"""A node's data, carried into a cluster: all of it, and clients go on from their cursors."""

import sqlite3
from contextlib import closing
from pathlib import Path
from unittest import mock

from im.adapters.sql import copying
from im.adapters.sql.copying import copy
from im.adapters.sql.policy import StorePolicy
from im.adapters.sql.postgres import renew_epoch
from im.adapters.sql.runners import inline_runners
from im.adapters.sql.schema import UnusableDatabaseError
from im.adapters.sql.sqlite import FileDatabase, SqliteStore
from im.core.commands import Login, SetProfile, Write
from im.core.grouping import CreateGroup
from im.core.groups import group_conversation
from im.core.ledger import OpenSession
from im.core.limits import Limits
from im.core.looking import Changed, WhatChanged
from im.core.messages import MoveRead, Pull, Sent, Sync, SyncCursor, SyncPage
from im.core.relations import AskFriend
from im.test.adapters.sql.postgres.support import PostgresTestCase, execute
from im.testing.contracts.store import a_send

USERS = ("alice", "bob", "eve")
GROUP_KEY = b"k" * 16
GROUP = group_conversation("alice", GROUP_KEY)


class CopyTestCase(PostgresTestCase):
    """A node that has seen some use, and an empty cluster."""

    def setUp(self) -> None:
        super().setUp()
        self.path = Path(self.mktemp())
        self.database = FileDatabase(self.path)
        self.database.open()
        self.addCleanup(self.database.close)
        policy = StorePolicy(Limits(), True)
        self.node = SqliteStore(self.database, inline_runners(), lambda: self.now_ms, policy, self.fail)
        self.use(*(a_send(number) for number in range(1, 8)))
        self.use(a_send(8, "eve", "d~bob~eve", content="quoted ' \\ \" {}, 漢字".encode()))
        self.use(MoveRead("d~alice~bob", "bob", 3), Login("alice", "a1", "phone", 4))
        self.use(CreateGroup(GROUP, "alice", GROUP_KEY, "alice", "Friends", members=("bob",)))
        self.use(AskFriend("eve", "alice", "it's me"), SetProfile("bob", "Bob", None, {"a": "1"}))
        self.use(OpenSession("s1", "alice", "a1", "phone", "n1", self.now_ms, True, 30_000))

    def use(self, *writes: Write) -> None:
        self.successResultOf(self.node.write(writes))

    def sync(self, store: object, user: str, cursor: SyncCursor | None = None) -> SyncPage:
        page = self.successResultOf(store.read(Sync(user, cursor, "")))  # type: ignore[attr-defined]
        assert isinstance(page, SyncPage)
        return page


class CopyTests(CopyTestCase):
    def copied(self) -> None:
        self.database.close()
        copy(self.path, self.url)

    def test_everything_is_as_it_was(self) -> None:
        before = [self.sync(self.node, user).heads for user in USERS]
        pull = Pull("d~bob~eve", "bob", 0, False, 0)
        entries = self.successResultOf(self.node.read(pull))
        self.copied()
        store = self.claim(self.make_store())
        self.assertEqual(before, [self.sync(store, user).heads for user in USERS])
        self.assertEqual(entries, self.read(store, pull))

    def test_every_table_is_told_of_with_its_rows(self) -> None:
        self.database.close()
        told: list[copying.Copied] = []
        self.assertEqual(copy(self.path, self.url, told.append), told)
        rows = {each.table: each.rows for each in told}
        self.assertEqual((10, 3, 1), (rows["message"], rows["users"], rows["device"]))
        self.assertGreater(len(set(each.checksum for each in told)), 5)

    def test_clients_go_on_from_their_cursors_and_miss_nothing(self) -> None:
        cursors = {user: self.sync(self.node, user).cursor for user in USERS}
        self.use(a_send(9, "eve", "d~bob~eve"))
        self.copied()
        store = self.claim(self.make_store())
        missed = [
            [head.conversation for head in self.sync(store, user, cursors[user]).heads] for user in USERS
        ]
        self.assertEqual([[], ["d~bob~eve"], ["d~bob~eve"]], missed)
        cursor = self.sync(store, "alice", cursors["alice"]).cursor
        (sent,) = self.write(store, a_send(10))
        assert isinstance(sent, Sent)
        for since in (cursor, cursors["alice"]):
            (head,) = self.sync(store, "alice", since).heads
            self.assertEqual(("d~alice~bob", sent.seq), (head.conversation, head.head_seq))
        changed = self.read(store, WhatChanged("n1", USERS, cursor.epoch, cursor.position + 1))
        assert isinstance(changed, Changed)
        self.assertEqual({"alice", "bob"}, set(changed.users))

    def test_a_cursor_beyond_the_transactions_of_a_new_server_misses_nothing(self) -> None:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute("UPDATE meta SET changes = changes + 1000000000")
            connection.execute("UPDATE conversation SET changed = changed + 1000000000")
        cursor = self.sync(self.node, "alice").cursor
        self.copied()
        store = self.claim(self.make_store())
        self.assertEqual([], self.sync(store, "alice", cursor).heads)
        self.write(store, a_send(11))
        self.assertEqual(1, len(self.sync(store, "alice", cursor).heads))

    def test_after_a_new_epoch_stamps_are_above_all_that_stand(self) -> None:
        self.copied()
        execute(self.url, "UPDATE conversation SET changed = changed + 1000000000")
        renew_epoch(self.url)
        store = self.claim(self.make_store())
        page = self.sync(store, "alice")
        self.assertEqual([], self.sync(store, "alice", page.cursor).heads)
        self.write(store, a_send(11))
        self.assertEqual(1, len(self.sync(store, "alice", page.cursor).heads))
        self.assertEqual({head.head_seq for head in page.heads}, {head.epoch_seq for head in page.heads})


class RefusalTests(CopyTestCase):
    def assert_refused(self, mention: str) -> None:
        error = self.assertRaises(UnusableDatabaseError, copy, self.path, self.url)
        self.assertIn(mention, str(error))
        self.assertEqual([(0,)], execute(self.url, "SELECT count(*) FROM message"))

    def test_a_node_that_runs_is_not_copied(self) -> None:
        self.assert_refused("in use")

    def test_tables_in_use_are_not_copied_to(self) -> None:
        self.database.close()
        execute(self.url, "INSERT INTO users (user_id) VALUES ('zoe')")
        self.assert_refused("users is not empty")

    def test_what_arrives_otherwise_is_not_kept(self) -> None:
        self.database.close()
        execute(self.url, "CREATE RULE lose AS ON INSERT TO device DO INSTEAD NOTHING")
        self.addCleanup(execute, self.url, "DROP RULE lose ON device")
        self.assert_refused("device did not arrive as it was sent: 0 of 1 rows")

    def test_what_postgresql_cannot_hold_is_told(self) -> None:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute("UPDATE users SET name = 'nul' || char(0) WHERE user_id = 'eve'")
        self.database.close()
        self.assert_refused("holds what PostgreSQL can't")

    def test_a_file_that_is_not_there_is_told(self) -> None:
        self.path = self.path.with_name("nowhere")
        self.assert_refused("is not there")

    def test_a_file_is_free_again_after_a_failure(self) -> None:
        self.database.close()
        with mock.patch.object(copying, "_copy", side_effect=sqlite3.OperationalError("broken")):
            self.assert_refused("can't be read: broken")
        copy(self.path, self.url)
