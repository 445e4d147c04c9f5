"""Embedded mode: WAL and FULL, one process a database, and no retry on an unknown outcome."""

import sqlite3
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from im.adapters.sql.schema import UnusableDatabaseError
from im.adapters.sql.sqlite import writer
from im.adapters.sql.sqlite.database import FileDatabase, commit
from im.adapters.sql.sqlite.lock import FileLock
from im.adapters.sql.sqlite.memory import MemoryDatabase
from im.test.without.support import RuleTests, settled
from im.testing.world import World


class PragmaTests(RuleTests, SynchronousTestCase):
    """Embedded: each connection writes ahead, and waits for the disk at each COMMIT."""

    def schedule(self) -> Sequence[str]:
        database = FileDatabase(Path(self.mktemp()))
        database.open()
        self.addCleanup(database.close)
        connection = database.connect_writer()
        (journal,) = connection.execute("PRAGMA journal_mode").fetchone()
        (synchronous,) = connection.execute("PRAGMA synchronous").fetchone()
        return [] if (journal, synchronous) == ("wal", 2) else [f"{journal}, synchronous {synchronous}"]

    def without(self) -> AbstractContextManager[object]:
        def connect(path: Path, busy_ms: int) -> sqlite3.Connection:
            return sqlite3.connect(path)

        return mock.patch("im.adapters.sql.sqlite.database.connect", connect)


class LockTests(RuleTests, SynchronousTestCase):
    """Embedded: a second process gets no access to the database."""

    def schedule(self) -> Sequence[str]:
        path = Path(self.mktemp())
        first, second = FileDatabase(path), FileDatabase(path)
        first.open()
        self.addCleanup(first.close)
        self.addCleanup(second.close)
        try:
            second.open()
        except UnusableDatabaseError:
            return []
        return ["two processes write one database"]

    def without(self) -> AbstractContextManager[object]:
        return mock.patch.object(FileLock, "acquire", lambda self: None)


class CommitErrorTests(RuleTests, SynchronousTestCase):
    """Embedded: an I/O error at COMMIT ends the process.

    What it wrote is visible to it and not on the disk, so a retry would be told of as stored.
    """

    def schedule(self) -> Sequence[str]:
        world = World(1)
        alice = world.client("alice")
        world.run_until(lambda: alice.is_online)
        on_disk = MemoryDatabase(world.database.backup())

        def lose(connection: sqlite3.Connection) -> None:
            world.database.commit = commit
            connection.execute("COMMIT")
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
            raise error

        world.database.commit = lose
        alice.send("bob", b"hello")
        world.run(1)
        world.kill_node()
        world.put_database(on_disk)
        return settled(world)

    def without(self) -> AbstractContextManager[object]:
        return mock.patch.object(writer, "is_transient", lambda error: True)
