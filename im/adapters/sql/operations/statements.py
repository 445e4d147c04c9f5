"""Inserts of many rows in few statements.

Each statement gives up the interpreter's lock at least once, so that a row each would let the
reactor's thread in between any two rows. Texts exist for powers of two rows only, so that the
driver's cache of prepared statements holds them all.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any

from im.adapters.sql.operations.connection import Connection

Row = tuple[Any, ...]

_MOST_ROWS = 64


class RowsInsert:
    """One INSERT, for any number of rows; `tail` is its ON CONFLICT clause."""

    def __init__(self, table: str, columns: Sequence[str], tail: str) -> None:
        row = f"({', '.join('?' * len(columns))})"
        sizes = [1 << power for power in range(_MOST_ROWS.bit_length())]
        self._texts = [
            (size, f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * size)} {tail}")
            for size in reversed(sizes)
        ]

    def execute(self, connection: Connection, rows: Sequence[Row]) -> int:
        """Insert all rows; returns how many were inserted or changed."""
        done = count = 0
        for size, text in self._texts:
            while len(rows) - done >= size:
                values = list(chain.from_iterable(rows[done : done + size]))
                count += connection.execute(text, values).rowcount
                done += size
        return count


def upsert(table: str, key: Sequence[str], others: Sequence[str]) -> RowsInsert:
    """An insert that sets `others` where a row of the same key is there."""
    settings = ", ".join(f"{column} = excluded.{column}" for column in others)
    return RowsInsert(table, [*key, *others], f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {settings}")
