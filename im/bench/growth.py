"""Fills a node's database with messages before it starts, as if they had been sent long ago."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from im.adapters.sql.sqlite.database import prepare
from im.core.ids import direct_conversation, uuid7

PER_CONVERSATION = 1_000
FIRST_MS = 1_700_000_000_000
CONTENT = b"x" * 100

_MESSAGE = "INSERT INTO message VALUES (?, ?, ?, 1, ?, ?, ?, ?)"
_CONVERSATION = (
    "INSERT INTO conversation (conversation_id, kind, created_ms, last_seq, n, head_sender, head_time_ms) "
    "VALUES (?, 'd', ?, ?, ?, ?, ?)"
)
_MEMBER = "INSERT INTO member (conversation_id, user_id) VALUES (?, ?)"
_USER = "INSERT OR IGNORE INTO users (user_id, created_ms) VALUES (?, ?)"


def fill(path: Path, messages: int) -> None:
    """Make the database `path` with so many messages in direct conversations of `PER_CONVERSATION`."""
    prepare(path)
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-500000")
        for number in range(messages // PER_CONVERSATION):
            connection.execute("BEGIN")
            _fill_conversation(connection, number)
            connection.execute("COMMIT")
    finally:
        connection.close()


def _fill_conversation(connection: sqlite3.Connection, number: int) -> None:
    one, other = f"old{number}a", f"old{number}b"
    conversation = direct_conversation(one, other)
    rows = list(_rows(conversation, one, number))
    last_ms = rows[-1][5]
    connection.executemany(_MESSAGE, rows)
    count = len(rows)
    connection.execute(_CONVERSATION, (conversation, FIRST_MS, count, count, one, last_ms))
    for user in (one, other):
        connection.execute(_MEMBER, (conversation, user))
        connection.execute(_USER, (user, FIRST_MS))


def _rows(
    conversation: str, sender: str, number: int
) -> Iterator[tuple[str, int, int, str, bytes, int, bytes]]:
    for seq in range(1, PER_CONVERSATION + 1):
        time_ms = FIRST_MS + number * PER_CONVERSATION + seq
        client_msg_id = uuid7(time_ms, seq.to_bytes(10, "big"))
        yield conversation, seq, seq, sender, client_msg_id, time_ms, CONTENT
