"""The rows that say what is committed and not yet announced, and the shards that they belong to."""

from collections.abc import Iterable
from typing import NamedTuple

from im.adapters.sql.postgres.connection import PostgresConnection, array

_ROW = "shard, epoch, number, conversations"
_ADD = "INSERT INTO outbox (shard, epoch, number, time_ms, conversations) VALUES (%s, %s, %s, %s, %s)"
_WAITING = f"SELECT {_ROW} FROM outbox WHERE shard = %s ORDER BY epoch, number"
_OVERDUE = (
    "WITH found AS MATERIALIZED (SELECT shard, epoch, number FROM outbox WHERE time_ms <= %s"
    " ORDER BY time_ms LIMIT %s FOR UPDATE SKIP LOCKED) UPDATE outbox SET time_ms = %s"
    f" WHERE (shard, epoch, number) IN (SELECT shard, epoch, number FROM found) RETURNING {_ROW}"
)
_CLAIM = (
    "INSERT INTO shard (shard, owner, epoch) VALUES (%s, %s, 1)"
    " ON CONFLICT (shard) DO UPDATE SET owner = excluded.owner, epoch = shard.epoch + 1 RETURNING epoch"
)


class OutboxRow(NamedTuple):
    """What one batch changed and the members of these conversations are perhaps not told of."""

    shard: int
    epoch: int
    number: int
    conversations: tuple[str, ...]


def claim(connection: PostgresConnection, shard: int, owner: str) -> tuple[int, tuple[OutboxRow, ...]]:
    """Make a shard `owner`'s; its new epoch, and what its owners before may not have announced.

    Whoever owned it waits, or has committed: the rows are read after the epoch is raised.
    """
    (epoch,) = connection.run(connection.quoted(_CLAIM, (shard, owner))).fetchone()
    rows = connection.run(connection.quoted(_WAITING, (shard,))).fetchall()
    return epoch, tuple(_row(*each) for each in rows)


def added(connection: PostgresConnection, row: OutboxRow, now_ms: int) -> str:
    """The statement that adds a row."""
    texts = "\n".join(row.conversations)
    return connection.quoted(_ADD, (row.shard, row.epoch, row.number, now_ms, texts))


def removal(rows: Iterable[OutboxRow]) -> str:
    """The statement that removes rows."""
    shards, epochs, numbers, _ = zip(*rows, strict=True)
    keys = ", ".join(array(column, "bigint") for column in (shards, epochs, numbers))
    return f"DELETE FROM outbox WHERE (shard, epoch, number) IN (SELECT * FROM unnest({keys}))"


def take_overdue(
    connection: PostgresConnection, now_ms: int, older_ms: int, most: int
) -> tuple[OutboxRow, ...]:
    """Rows older than that; they count as young again, so that nobody else takes them now."""
    taken = connection.run(connection.quoted(_OVERDUE, (now_ms - older_ms, most, now_ms)))
    return tuple(_row(*each) for each in taken.fetchall())


def _row(shard: int, epoch: int, number: int, conversations: str) -> OutboxRow:
    return OutboxRow(shard, epoch, number, tuple(conversations.split("\n")))
