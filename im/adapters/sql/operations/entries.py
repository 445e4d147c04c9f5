"""Runs of entries, read so that every seq is answered: what can't be shown has a placeholder."""

from collections.abc import Iterator
from typing import Any

from im.adapters.sql.operations.connection import Connection
from im.adapters.sql.operations.dialect import Dialect
from im.core.entries import PLACEHOLDER
from im.core.messages import Entry

_RUN = """
SELECT seq, n, kind, sender, client_msg_id, time_ms, content FROM message
WHERE conversation_id = ? AND seq BETWEEN ? AND ? ORDER BY seq
"""

_ENTRY_BYTES = 64


def wire_size(entry: Entry) -> int:
    """How many bytes an entry takes on the wire, at most."""
    return _ENTRY_BYTES + len(entry.content) + len(entry.client_msg_id) + 4 * len(entry.sender)


class Entries:
    """Reads entries on a connection; content over `content_bytes` is not shown."""

    def __init__(self, connection: Connection, dialect: Dialect, content_bytes: int) -> None:
        self._connection = connection
        self._dialect = dialect
        self._content_bytes = content_bytes

    def read(self, conversation: str, first: int, last: int, descending: bool) -> Iterator[Entry]:
        """Exactly the entries from `first` to `last`, lazily."""
        seqs = iter(range(last, first - 1, -1) if descending else range(first, last + 1))
        sql = f"{_RUN} DESC" if descending else _RUN
        try:
            for row in self._connection.execute(sql, (conversation, first, last)):
                for seq in seqs:
                    if seq == row[0]:
                        yield self._entry(row)
                        break
                    yield _placeholder(seq)
        except self._dialect.error as error:
            if not self._dialect.is_damage(error):
                raise
            for seq in seqs:
                yield self._read_one(conversation, seq)
        for seq in seqs:
            yield _placeholder(seq)

    def _read_one(self, conversation: str, seq: int) -> Entry:
        try:
            row = self._connection.execute(_RUN, (conversation, seq, seq)).fetchone()
        except self._dialect.error as error:
            if not self._dialect.is_damage(error):
                raise
            row = None
        return _placeholder(seq) if row is None else self._entry(row)

    def _entry(self, row: tuple[Any, ...]) -> Entry:
        entry = Entry._make(row)
        is_whole = entry.kind >= 0 and isinstance(entry.content, bytes)
        if is_whole and len(entry.content) <= self._content_bytes:
            return entry
        return entry._replace(kind=PLACEHOLDER, content=b"")


def _placeholder(seq: int) -> Entry:
    return Entry(seq, 0, PLACEHOLDER, "", b"", 0, b"")
