"""PostgreSQL's connection as the shared operations use it: psycopg2, few round trips, bytes as bytes."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import psycopg2
import psycopg2.extensions

from im.adapters.sql.operations.dialect import UNCLAIMED, Dialect
from im.adapters.sql.operations.statements import RowsInsert

_BYTEA = 17
_UNCLAIMED_PART = re.compile(rf"IN \((SELECT [^()]+?) {re.escape(UNCLAIMED)}\)")
_TYPES = {int: "bigint", bool: "bigint", str: "text", bytes: "bytea"}

POSTGRES = Dialect(
    psycopg2.Error,
    lambda error: False,
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    "SELECT store_epoch, changes + pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1 FROM meta",
)
"""Of the transactions at or after the oldest that still runs, one may commit later than what is read now."""


class UnstorableError(Exception):
    """A value that PostgreSQL can't hold: text with NUL or surrogates."""


def _bytes_of(text: str | bytes | None, cursor: Any) -> bytes | None:
    return bytes.fromhex(text[2:]) if isinstance(text, str) else text


_AS_BYTES = psycopg2.extensions.new_type((_BYTEA,), "BYTES", _bytes_of)


@lru_cache(maxsize=1_024)
def _translated(sql: str) -> str:
    """A shared statement in PostgreSQL's words.

    A JOIN keeps its place by `join_collapse_limit`. What is unclaimed is sought once: a plain subquery
    with a LIMIT may be run again for each row, and find others.
    """
    once = _UNCLAIMED_PART.sub(rf"IN (WITH found AS MATERIALIZED (\1 {UNCLAIMED}) SELECT * FROM found)", sql)
    ours = once.replace(" CROSS JOIN ", " JOIN ").replace(UNCLAIMED, "FOR UPDATE SKIP LOCKED")
    return ours.replace("%", "%%").replace("?", "%s")


def array(values: Iterable[Any], kind: str) -> str:
    """An array as SQL: psycopg2's own lists cost several times as much."""
    if kind == "bigint":
        texts = ["NULL" if value is None else str(int(value)) for value in values]
        return f"'{{{','.join(texts)}}}'::bigint[]"
    if kind == "bytea":
        texts = ["NULL" if value is None else f'"\\\\x{value.hex()}"' for value in values]
        return f"'{{{','.join(texts)}}}'::bytea[]"
    texts = [
        "NULL" if value is None else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        for value in values
    ]
    joined = ",".join(texts).replace("'", "''")
    if "\0" in joined:
        raise UnstorableError("a text has a NUL")
    return f"'{{{joined}}}'::text[]"


class PostgresConnection:
    """Runs statements one after the other. Used by one thread at a time.

    What nobody waits for, as inserts of many rows, is held back and goes out with the next statement
    that somebody does wait for. Raises psycopg2's errors, and `UnstorableError`.
    """

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._held: list[str] = []
        psycopg2.extensions.register_type(_AS_BYTES, raw)

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Any:
        """Run a shared statement."""
        return self.run(self._text(sql, parameters))

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> Any:
        """Hold back a shared statement for each row of values."""
        self._held += [self._text(sql, row) for row in parameters]
        return None

    def insert_rows(self, insert: RowsInsert, rows: Sequence[Sequence[Any]], /) -> int:
        """Hold back an insert; returns how many rows it is of. What must be new fails later, if it isn't."""
        if rows:
            arrays = []
            for column in zip(*rows, strict=True):
                kind = next((_TYPES[type(value)] for value in column if value is not None), "bigint")
                arrays.append(array(column, kind))
            tail = "" if insert.is_new else insert.tail
            self._held.append(f"{insert.head} SELECT * FROM unnest({', '.join(arrays)}) {tail}")
        return len(rows)

    def hold(self, text: str) -> None:
        """Hold a statement of PostgreSQL's own back."""
        self._held.append(text)

    def run(self, text: str) -> Any:
        """Run a text of PostgreSQL's own after all that is held back; returns the last one's cursor."""
        held, self._held = self._held, []
        cursor = self._raw.cursor()
        try:
            cursor.execute(";".join([*held, text]) if held else text)
        except UnicodeEncodeError as error:
            raise UnstorableError("a text has surrogates") from error
        return cursor

    def quoted(self, sql: str, parameters: Sequence[Any]) -> str:
        """A statement with `%s` in it and its values."""
        cursor = self._raw.cursor()
        try:
            text: bytes = cursor.mogrify(sql, parameters)
        except (ValueError, UnicodeEncodeError) as error:
            raise UnstorableError(f"a value can't be stored: {error}") from error
        return text.decode()

    def forget(self) -> None:
        """Drop what is held back."""
        self._held.clear()

    @property
    def is_dead(self) -> bool:
        """Whether nothing can be run on it any more."""
        return bool(self._raw.closed)

    def close(self) -> None:
        """Give the connection up."""
        self._raw.close()

    def _text(self, sql: str, parameters: Sequence[Any]) -> str:
        if not parameters:
            return _translated(sql).replace("%%", "%")
        values = [int(value) if isinstance(value, bool) else value for value in parameters]
        return self.quoted(_translated(sql), values)
