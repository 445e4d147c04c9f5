"""Copies of a database, and the way back under a new epoch."""

import os
import stat
from pathlib import Path

from im.adapters.sql.sqlite import FileDatabase, SqliteStore, UnusableDatabaseError, backup, restore
from im.core.messages import Pull, PullPage, Sync, SyncPage
from im.test.adapters.sql.sqlite.support import StoreTestCase
from im.testing.contracts.store import DIRECT, a_send


class BackupTests(StoreTestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = Path(self.mktemp())
        folder.mkdir()
        self.path, self.file = folder / "im.db", folder / "copy.db"
        self.open()
        self.write(self.store, a_send(1), a_send(2))

    def open(self) -> None:
        self.database = FileDatabase(self.path)
        self.database.open()
        self.addCleanup(self.database.close)
        self.store: SqliteStore = self.make_store(self.database)

    def texts(self) -> list[bytes]:
        page = self.read(self.store, Pull(DIRECT, "bob", 0, False, 0))
        assert isinstance(page, PullPage)
        return [entry.content for entry in page.entries]

    def sync(self) -> SyncPage:
        page = self.read(self.store, Sync("bob", None, ""))
        assert isinstance(page, SyncPage)
        return page

    def test_a_backup_of_a_running_node_is_restored_under_a_new_epoch(self) -> None:
        before = self.sync().cursor.epoch
        backup(self.path, self.file)
        self.write(self.store, a_send(3))
        self.database.close()
        restore(self.path, self.file)
        self.open()
        self.assertEqual([b"text 1", b"text 2"], self.texts())
        page = self.sync()
        self.assertNotEqual(before, page.cursor.epoch)
        self.assertEqual(2, page.heads[0].epoch_seq)
        self.assertEqual({"im.db", "im.db.lock", "copy.db"}, self.names() - {"im.db-wal", "im.db-shm"})

    def names(self) -> set[str]:
        return {path.name for path in self.path.parent.iterdir()}

    def test_a_backup_replaces_the_one_before(self) -> None:
        backup(self.path, self.file)
        self.write(self.store, a_send(3))
        backup(self.path, self.file)
        self.database.close()
        restore(self.path, self.file)
        self.open()
        self.assertEqual(3, len(self.texts()))

    def test_only_their_owner_may_read_a_backup_and_a_restored_database(self) -> None:
        self.addCleanup(os.umask, os.umask(0o022))
        self.file.touch(mode=0o644)
        backup(self.path, self.file)
        self.database.close()
        for path in self.path.parent.glob("im.db*"):
            path.unlink()
        restore(self.path, self.file)
        self.assertEqual(
            [0o600, 0o600], [stat.S_IMODE(each.stat().st_mode) for each in (self.file, self.path)]
        )

    def test_a_restore_makes_a_database_where_there_is_none(self) -> None:
        backup(self.path, self.file)
        self.database.close()
        self.path = self.path.with_name("other.db")
        restore(self.path, self.file)
        self.open()
        self.assertEqual(2, len(self.texts()))

    def test_a_restore_under_a_running_node_is_refused(self) -> None:
        backup(self.path, self.file)
        error = self.assertRaises(UnusableDatabaseError, restore, self.path, self.file)
        self.assertIn("is in use by process", str(error))

    def test_what_is_no_backup_is_refused_and_changes_nothing(self) -> None:
        self.database.close()
        self.assertRaises(UnusableDatabaseError, restore, self.path, self.file)
        for content in (b"", b"no database " * 200):
            self.file.write_bytes(content)
            self.assertRaises(UnusableDatabaseError, restore, self.path, self.file)
        self.open()
        self.assertEqual(2, len(self.texts()))

    def test_a_backup_that_can_not_be_written_leaves_nothing(self) -> None:
        nowhere = self.path.parent / "nowhere" / "copy.db"
        self.assertRaises(UnusableDatabaseError, backup, self.path, nowhere)
        self.assertRaises(UnusableDatabaseError, backup, self.path.with_name("none.db"), self.file)
        self.assertFalse(self.file.exists())
