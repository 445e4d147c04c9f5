"""Fills a node's database with messages before it starts, as if they had been sent long ago."""

import sqlite3
from collections.abc import Iterable, Iterator
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
    pairs = ((f"old{number}a", f"old{number}b") for number in range(messages // PER_CONVERSATION))
    fill_pairs(path, pairs, PER_CONVERSATION)


def fill_pairs(path: Path, pairs: Iterable[tuple[str, str]], each: int) -> None:
    """Make the database `path` with so many messages that the first of each pair sent to the second."""
    prepare(path)
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-500000")
        for number, pair in enumerate(pairs):
            connection.execute("BEGIN")
            _fill_conversation(connection, pair, FIRST_MS + number * each, each)
            connection.execute("COMMIT")
    finally:
        connection.close()


def _fill_conversation(
    connection: sqlite3.Connection, pair: tuple[str, str], begin_ms: int, each: int
) -> None:
    one, other = pair
    conversation = direct_conversation(one, other)
    rows = list(_rows(conversation, one, begin_ms, each))
    last_ms = rows[-1][5]
    connection.executemany(_MESSAGE, rows)
    count = len(rows)
    connection.execute(_CONVERSATION, (conversation, FIRST_MS, count, count, one, last_ms))
    for user in (one, other):
        connection.execute(_MEMBER, (conversation, user))
        connection.execute(_USER, (user, FIRST_MS))


def _rows(
    conversation: str, sender: str, begin_ms: int, each: int
) -> Iterator[tuple[str, int, int, str, bytes, int, bytes]]:
    for seq in range(1, each + 1):
        time_ms = begin_ms + seq
        client_msg_id = uuid7(time_ms, seq.to_bytes(10, "big"))
        yield conversation, seq, seq, sender, client_msg_id, time_ms, CONTENT
