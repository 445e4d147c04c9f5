"""A SQLite database as the store sees it: where connections come from, and how a COMMIT is made."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from im.adapters.sql.schema import SCHEMA_VERSION, UnusableDatabaseError, check_version, upgrade
from im.adapters.sql.sqlite.connection import SqliteConnection
from im.adapters.sql.sqlite.lock import FileLock, network_file_system

Commit = Callable[[sqlite3.Connection], None]

_TRANSIENT = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL})

_FULL = 2
_IN_MEMORY = 2
"""Statements of many rows keep an undo journal: as a file, made and removed in each batch, 3 µs a message."""

_WAL_PAGES = 8_000
_WAL_BYTES = 67_108_864
_CACHE_KIB = 16_384
_STATEMENTS = 256


def commit(connection: sqlite3.Connection) -> None:
    """End the transaction; it is on the disk when this returns."""
    connection.execute("COMMIT")


def is_transient(error: sqlite3.Error) -> bool:
    """Whether nothing was stored and the same may succeed later: disk full, or locked by another."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _TRANSIENT


class Database(Protocol):
    """Where a store gets its connections. `commit` is a seam: tests hold it, break it, or die in it."""

    commit: Commit

    def connect_writer(self) -> SqliteConnection:
        """The connection that writes."""

    def connect_reader(self) -> SqliteConnection:
        """Another connection that reads."""


def connect(path: Path, busy_ms: int) -> SqliteConnection:
    """Open a database file with the PRAGMAs that durability rests on, each of them asserted."""
    connection = sqlite3.connect(
        path,
        timeout=busy_ms / 1000,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=_STATEMENTS,
        factory=SqliteConnection,
    )
    pragmas = (
        ("journal_mode", "WAL", "wal"),
        ("synchronous", "FULL", _FULL),
        ("wal_autocheckpoint", _WAL_PAGES, _WAL_PAGES),
        ("journal_size_limit", _WAL_BYTES, _WAL_BYTES),
        ("cache_size", -_CACHE_KIB, -_CACHE_KIB),
        ("temp_store", "MEMORY", _IN_MEMORY),
    )
    for name, value, expected in pragmas:
        connection.execute(f"PRAGMA {name} = {value}")
        (actual,) = connection.execute(f"PRAGMA {name}").fetchone()
        if actual != expected:
            connection.close()
            raise UnusableDatabaseError(
                f"{path}: SQLite keeps {name} at {actual} and not {expected}, so that nothing stored there"
                " would be safe: move the state folder to a local disk"
            )
    return connection


class FileDatabase:
    """A database file that this process alone uses, from `open` to `close`.

    `open` raises `UnusableDatabaseError`. `busy_ms` is how long a transaction waits for a lock that
    some other program holds on the file.
    """

    def __init__(self, path: Path, commit: Commit = commit, busy_ms: int = 2_000) -> None:
        self.path = path
        self.commit = commit
        self._busy_ms = busy_ms
        self._lock = FileLock(path)
        self._connections: list[sqlite3.Connection] = []

    def open(self) -> None:
        """Lock the file and bring its tables to this version, making it where there is none."""
        self.lock()
        try:
            prepare(self.path)
        except BaseException:
            self._lock.release()
            raise

    def lock(self) -> None:
        """Take the file for this process, whatever it holds."""
        kind = network_file_system(self.path, Path("/proc/self/mounts").read_text())
        if kind:
            raise UnusableDatabaseError(
                f"{self.path} is on a network file system ({kind}), which loses data under SQLite:"
                " move the state folder to a local disk"
            )
        self._lock.acquire()

    def connect_writer(self) -> SqliteConnection:
        """The connection that writes; the one before is no longer used."""
        connection = connect(self.path, self._busy_ms)
        self._connections.append(connection)
        return connection

    def connect_reader(self) -> SqliteConnection:
        """Another connection, that can't write."""
        connection = self.connect_writer()
        connection.execute("PRAGMA query_only = ON")
        return connection

    def close(self) -> None:
        """Close all connections and give the file up. Idempotent."""
        while self._connections:
            self._connections.pop().close()
        self._lock.release()


def prepare(path: Path) -> None:
    """Check the version of the tables and migrate them; only a locked file may be prepared."""
    if _version(path) >= SCHEMA_VERSION:
        return
    import sqlalchemy as sa

    engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.NullPool)
    with engine.begin() as connection:
        upgrade(connection)


def _version(path: Path) -> int:
    """The version of the tables, 0 for none. Raises `UnusableDatabaseError` if it is too new."""
    try:
        connection = sqlite3.connect(path)
        try:
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
                return 0
            row = connection.execute("SELECT schema_version, compatible_version FROM meta").fetchone()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise UnusableDatabaseError(f"{path} can't be used as a database: {error}") from error
    check_version(str(path), *row)
    return max(int(row[0]), 0)
