"""A database file: its PRAGMAs, its lock, its versions, where it may lie."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

from twisted.trial.unittest import SynchronousTestCase

from im.adapters.sql.schema import SCHEMA_VERSION
from im.adapters.sql.sqlite import FileDatabase, UnusableDatabaseError
from im.adapters.sql.sqlite import database as database_module
from im.adapters.sql.sqlite.lock import network_file_system

MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/export /srv nfs4 rw 0 0
/dev/sdb1 /srv/local xfs rw 0 0
server:/music /srv/my\\040music cifs rw 0 0
"""


class DatabaseTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp())

    def open(self) -> FileDatabase:
        database = FileDatabase(self.path)
        database.open()
        self.addCleanup(database.close)
        return database

    def refusal(self) -> str:
        error = self.assertRaises(UnusableDatabaseError, self.open)
        assert isinstance(error, UnusableDatabaseError)
        return str(error)


class PragmaTests(DatabaseTestCase):
    def test_every_connection_is_durable(self) -> None:
        database = self.open()
        for connection in (database.connect_writer(), database.connect_reader()):
            pragmas = ("journal_mode", "synchronous", "wal_autocheckpoint")
            values = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas]
            self.assertEqual(["wal", 2, 8_000], values)

    def test_a_connection_that_can_not_be_durable_is_refused(self) -> None:
        error = self.assertRaises(UnusableDatabaseError, database_module.connect, Path(":memory:"), 1)
        self.assertIn("journal_mode", str(error))

    def test_readers_can_not_write(self) -> None:
        reader = self.open().connect_reader()
        self.assertRaises(sqlite3.OperationalError, reader.execute, "UPDATE meta SET changes = 7")


class LockTests(DatabaseTestCase):
    def test_a_second_user_is_refused_and_told_who_is_there(self) -> None:
        self.open()
        self.assertEqual(
            f"{self.path} is in use by process {os.getpid()}: stop that one first", self.refusal()
        )

    def test_a_closed_database_can_be_opened_again(self) -> None:
        database = self.open()
        database.close()
        database.close()
        self.open()

    def test_a_killed_process_holds_no_lock(self) -> None:
        code = (
            "import sys, pathlib, im.adapters.sql.sqlite as s\n"
            "s.FileDatabase(pathlib.Path(sys.argv[1])).open(); print('open', flush=True); sys.stdin.read()"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(self.path.absolute())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(database_module.__file__).parents[4],
        )
        assert process.stdin is not None
        assert process.stdout is not None
        with process.stdin, process.stdout:
            process.stdout.readline()
            self.assertIn(f"process {process.pid}:", self.refusal())
            process.kill()
            process.wait()
        self.open()

    def test_a_folder_that_is_not_there_is_one_sentence(self) -> None:
        self.path = self.path / "nowhere" / "im.db"
        self.assertIn("make its folder", self.refusal())


class PlaceTests(DatabaseTestCase):
    def test_network_file_systems_are_told(self) -> None:
        for path, kind in (
            ("/var/lib/im.db", ""),
            ("/srv/im.db", "nfs4"),
            ("/srv/local/im.db", ""),
            ("/srv/localized/im.db", "nfs4"),
            ("/srv/my music/im.db", "cifs"),
        ):
            self.assertEqual(kind, network_file_system(Path(path), MOUNTS), path)

    def test_a_network_file_system_is_refused(self) -> None:
        with patch.object(database_module, "network_file_system", return_value="nfs4"):
            self.assertIn("network file system (nfs4)", self.refusal())
        self.assertFalse(self.path.exists())


class VersionTests(DatabaseTestCase):
    def set_versions(self, schema: int, compatible: int) -> None:
        self.open().close()
        connection = sqlite3.connect(self.path)
        versions = (schema, compatible)
        with connection:
            connection.execute("UPDATE meta SET schema_version = ?, compatible_version = ?", versions)
        connection.close()

    def test_an_incompatible_newer_database_is_refused(self) -> None:
        newer = SCHEMA_VERSION + 1
        self.set_versions(newer, newer)
        self.assertIn(
            f"version {newer}, made by a newer im-gateway (this one knows version {SCHEMA_VERSION})",
            self.refusal(),
        )

    def test_a_compatible_newer_database_is_used_as_it_is(self) -> None:
        newer = SCHEMA_VERSION + 1
        self.set_versions(newer, 1)
        connection = self.open().connect_reader()
        self.assertEqual((newer,), connection.execute("SELECT schema_version FROM meta").fetchone())

    def test_a_file_that_is_no_database_is_refused(self) -> None:
        self.path.write_bytes(b"no database at all " * 100)
        self.assertIn("can't be used as a database", self.refusal())

    def test_a_refused_database_is_not_kept_locked(self) -> None:
        self.path.write_bytes(b"no database at all " * 100)
        self.refusal()
        self.path.unlink()
        self.open()
