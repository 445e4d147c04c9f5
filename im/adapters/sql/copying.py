"""Carries an embedded node's data into the PostgreSQL of a cluster, whole and verified, or not at all.

The store epoch and all positions are kept, so that clients go on from their cursors: what PostgreSQL
stamps from then on is above all that SQLite ever did, since `meta.changes` is added to each stamp.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import psycopg2
import sqlalchemy as sa

from im.adapters.sql.operations.statements import RowsInsert
from im.adapters.sql.postgres.connection import PostgresConnection, UnstorableError
from im.adapters.sql.postgres.database import PostgresDatabase, sentence
from im.adapters.sql.schema import UnusableDatabaseError
from im.adapters.sql.sqlite.database import FileDatabase
from im.adapters.sql.tables import metadata
from im.ports import UnavailableError

_OWN = frozenset({"meta", "shard", "outbox"})
"""What a cluster has of its own, or is carried in another way."""

_ROWS_AT_ONCE = 1_000
_DIGEST_BYTES = 16
_DIGESTS = 1 << (8 * _DIGEST_BYTES)
_META = ("store_epoch", "changes", "online_zone")

Told = Callable[["Copied"], None]


class Copied(NamedTuple):
    """A table that is carried over: how many rows, and their checksum, the same on both sides."""

    table: str
    rows: int
    checksum: str


def copy(source: Path, url: str, tell: Told = lambda copied: None) -> list[Copied]:
    """Copy all of a node's database file to empty tables; `tell` hears of each one. Blocks.

    Raises `UnusableDatabaseError` while a node uses the file, if the tables are not empty, or what
    arrived is not what was sent, and `UnavailableError`; nothing is copied then.
    """
    if not source.is_file():
        raise UnusableDatabaseError(f"{source} is not there")
    target = PostgresDatabase(url)
    target.require()
    file = FileDatabase(source)
    file.open()
    try:
        reading = file.connect_reader()
        writing = target.connect()
        try:
            return _copy(reading, writing, target.place, tell)
        except sqlite3.Error as error:
            raise UnusableDatabaseError(f"{source} can't be read: {error}") from error
        except UnstorableError as error:
            raise UnusableDatabaseError(f"{source} holds what PostgreSQL can't: {error}") from error
        except psycopg2.Error as error:
            raise UnavailableError(f"{target.place} can't be written: {sentence(error)}") from error
        finally:
            writing.close()
    finally:
        file.close()


def _copy(reading: sqlite3.Connection, writing: PostgresConnection, place: str, tell: Told) -> list[Copied]:
    tables = [table for table in metadata.sorted_tables if table.name not in _OWN]
    writing.run("BEGIN")
    writing.run(f"LOCK TABLE {', '.join(table.name for table in tables)} IN EXCLUSIVE MODE")
    for table in tables:
        if writing.run(f"SELECT 1 FROM {table.name} LIMIT 1").fetchone() is not None:
            raise UnusableDatabaseError(
                f"{place} is in use: {table.name} is not empty; copy into a new database"
            )
    copied = []
    for table in tables:
        copied.append(_copy_table(reading, writing, table))
        tell(copied[-1])
    row = reading.execute(f"SELECT {', '.join(_META)} FROM meta").fetchone()
    writing.execute(f"UPDATE meta SET {' = ?, '.join(_META)} = ?", row)
    writing.run("COMMIT")
    return copied


def _copy_table(reading: sqlite3.Connection, writing: PostgresConnection, table: sa.Table) -> Copied:
    columns = [column.name for column in table.columns]
    select = f"SELECT {', '.join(columns)} FROM {table.name}"
    insert = RowsInsert(table.name, columns, "", is_new=True)
    sent = _Sum()
    for rows in _pages(reading.execute(select)):
        insert.execute(writing, rows)
        writing.run("SELECT 1")
        sent.add(rows)
    writing.run(f"DECLARE arrived NO SCROLL CURSOR FOR {select}")
    arrived = _Sum()
    while rows := writing.run(f"FETCH {_ROWS_AT_ONCE} FROM arrived").fetchall():
        arrived.add(rows)
    writing.run("CLOSE arrived")
    if sent != arrived:
        raise UnusableDatabaseError(
            f"{table.name} did not arrive as it was sent: {arrived.rows} of {sent.rows} rows,"
            f" checksum {arrived.text} for {sent.text}; nothing is copied"
        )
    return Copied(table.name, sent.rows, sent.text)


def _pages(cursor: sqlite3.Cursor) -> Iterator[list[tuple[Any, ...]]]:
    while rows := cursor.fetchmany(_ROWS_AT_ONCE):
        yield rows


class _Sum:
    """Counts rows and adds up their digests, in whatever order they come."""

    def __init__(self) -> None:
        self.rows = 0
        self._digest = 0

    def add(self, rows: Sequence[Sequence[Any]]) -> None:
        self.rows += len(rows)
        for row in rows:
            digest = blake2b(repr(tuple(row)).encode("utf-8", "backslashreplace"), digest_size=_DIGEST_BYTES)
            self._digest = (self._digest + int.from_bytes(digest.digest(), "big")) % _DIGESTS

    @property
    def text(self) -> str:
        return f"{self._digest:0{2 * _DIGEST_BYTES}x}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Sum) and (self.rows, self.text) == (other.rows, other.text)
