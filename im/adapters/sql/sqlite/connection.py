"""SQLite's connection as the shared operations use it."""

import sqlite3
from collections.abc import Sequence
from itertools import chain
from typing import Any

from im.adapters.sql.operations.dialect import Dialect
from im.adapters.sql.operations.statements import RowsInsert


class SqliteConnection(sqlite3.Connection):
    """A connection that inserts many rows by few statements.

    Each statement gives up the interpreter's lock at least once, so that a row each would let the
    reactor's thread in between any two rows. Texts exist for powers of two rows only, so that the
    driver's cache of prepared statements holds them all.
    """

    def insert_rows(self, insert: RowsInsert, rows: Sequence[Sequence[Any]], /) -> int:
        """See `Connection.insert_rows`."""
        done = count = 0
        for size, text in insert.texts:
            while len(rows) - done >= size:
                values = list(chain.from_iterable(rows[done : done + size]))
                count += self.execute(text, values).rowcount
                done += size
        return count


def _is_damage(error: Exception) -> bool:
    """Whether a row, not the moment, is at fault: undecodable text (no code) or a corrupt page."""
    if not isinstance(error, sqlite3.DatabaseError):
        return False
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF == sqlite3.SQLITE_CORRUPT


SQLITE = Dialect(sqlite3.Error, _is_damage, "BEGIN", "SELECT store_epoch, changes FROM meta")
