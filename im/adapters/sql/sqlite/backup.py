"""Copies of a database file, and the way back."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from im.adapters.sql.schema import UnusableDatabaseError
from im.adapters.sql.sqlite.database import FileDatabase, prepare
from im.adapters.sql.sqlite.epoch import begin_epoch, new_epoch


def backup(database: Path, file: Path) -> None:
    """Copy all that is committed to `file`, its owner's only, whole or not at all; a node may be running.

    Raises `UnusableDatabaseError` if there is no database, or `file` can't be written.
    """
    _require_file(database)
    part = file.with_name(f"{file.name}.part")
    try:
        _make_private(part)
        _copy(database, part)
        _sync(part)
        os.replace(part, file)
        _sync(file.absolute().parent)
    except (OSError, sqlite3.Error) as error:
        raise UnusableDatabaseError(f"{database} can't be copied to {file}: {error}") from error
    finally:
        part.unlink(missing_ok=True)


def restore(database: Path, file: Path) -> None:
    """Replace all that the database holds by a copy of `file`, under a new store epoch.

    Raises `UnusableDatabaseError` while a node uses the database, if `file` is no database of ours,
    or the copy fails; the database then is as it was.
    """
    _require_file(file)
    part = database.with_name(f"{database.name}.restore")
    target = FileDatabase(database)
    target.lock()
    try:
        _make_private(part)
        _copy(file, part)
        _require_ours(part, file)
        prepare(part)
        with closing(sqlite3.connect(part, isolation_level=None)) as source:
            begin_epoch(source, new_epoch())
            if not database.exists():
                _make_private(database)
            connection = target.connect_writer()
            source.backup(connection)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except (OSError, sqlite3.Error) as error:
        raise UnusableDatabaseError(
            f"{file} can't be restored to {database}: {error}; if that one is damaged, move it away first"
        ) from error
    finally:
        target.close()
        part.unlink(missing_ok=True)


def _make_private(path: Path) -> None:
    """An empty file in place of what is there, for its owner only: it will hold everybody's messages."""
    path.unlink(missing_ok=True)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _copy(source: Path, target: Path) -> None:
    """One consistent copy, in one file that needs no other beside it."""
    with (
        closing(sqlite3.connect(source)) as reading,
        closing(sqlite3.connect(target, isolation_level=None)) as writing,
    ):
        reading.backup(writing)
        writing.execute("PRAGMA journal_mode = DELETE")


def _require_file(path: Path) -> None:
    if not path.is_file():
        raise UnusableDatabaseError(f"{path} is not there")


def _require_ours(copy: Path, file: Path) -> None:
    with closing(sqlite3.connect(copy)) as connection:
        (damage,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone()
    if damage != "ok" or found is None:
        raise UnusableDatabaseError(f"{file} is no intact backup of an im-gateway database")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
