"""Inserts of many rows in few statements; how, is each connection's own affair."""

from collections.abc import Sequence
from typing import Any

from im.adapters.sql.operations.connection import Connection

Row = tuple[Any, ...]

_MOST_ROWS = 64


class RowsInsert:
    """One INSERT, for any number of rows; `tail` is its ON CONFLICT clause.

    `is_new`: a row that is there already must be told of, by the count or an error.
    """

    def __init__(self, table: str, columns: Sequence[str], tail: str, is_new: bool = False) -> None:
        self.head = f"INSERT INTO {table} ({', '.join(columns)})"
        self.tail = tail
        self.is_new = is_new
        row = f"({', '.join('?' * len(columns))})"
        sizes = [1 << power for power in range(_MOST_ROWS.bit_length())]
        self.texts = [
            (size, f"{self.head} VALUES {', '.join([row] * size)} {tail}") for size in reversed(sizes)
        ]
        """Statements for powers of two rows, the largest first: few enough to be kept prepared."""

    def execute(self, connection: Connection, rows: Sequence[Row]) -> int:
        """Insert all rows; returns how many were inserted or changed."""
        return connection.insert_rows(self, rows)


def upsert(table: str, key: Sequence[str], others: Sequence[str]) -> RowsInsert:
    """An insert that sets `others` where a row of the same key is there."""
    settings = ", ".join(f"{column} = excluded.{column}" for column in others)
    return RowsInsert(table, [*key, *others], f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {settings}")
