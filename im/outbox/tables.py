"""The two tables: what waits for the relay, and what it gave up.

A row that was delivered is deleted, so that the first table holds no more than what waits.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
)
from sqlalchemy.dialects.mysql import MEDIUMBLOB

metadata = MetaData()
"""Of both tables, for those who keep their schema by migrations."""

ERROR_CHARACTERS = 300
KEY_CHARACTERS = 32

_ID = BigInteger().with_variant(Integer(), "sqlite")  # only so does it count up by itself there
_BYTES = LargeBinary().with_variant(MEDIUMBLOB(), "mysql", "mariadb")
_OPTIONS: dict[str, Any] = {
    "sqlite_autoincrement": True,
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
}


def _of_the_push() -> tuple[Column[Any], ...]:
    """What `push` wrote. `users` is a JSON array; `request` a JSON object, the rest of what is posted.

    `expires_ms` 0: it lives as long as the node lets it. `first_ms` is when it was first tried in a way
    that may have reached the node; 0: not yet. All times are Unix ms. `renewals` counts how often it was
    put back after a node had known none of its users: from then on it is another push to the node.
    """
    return (
        Column("push_key", String(KEY_CHARACTERS), nullable=False, unique=True),
        Column("users", _BYTES, nullable=False),
        Column("users_bytes", Integer, nullable=False),
        Column("request", _BYTES, nullable=False),
        Column("created_ms", BigInteger, nullable=False),
        Column("expires_ms", BigInteger, nullable=False),
        Column("first_ms", BigInteger, nullable=False, default=0),
        Column("renewals", Integer, nullable=False, default=0),
        Column("attempts", Integer, nullable=False, default=0),
        Column("error", String(ERROR_CHARACTERS), nullable=False, default=""),
    )


waiting = Table(
    "im_outbox",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    *_of_the_push(),
    Column("due_ms", BigInteger, nullable=False, default=0),
    Column("leased_until_ms", BigInteger, nullable=False, default=0),
    Column("relay", String(KEY_CHARACTERS), nullable=False, default=""),
    **_OPTIONS,
)
"""Not before `due_ms` is it tried; until `leased_until_ms` the relay named there has it."""

dead = Table(
    "im_outbox_dead",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    *_of_the_push(),
    Column("status", SmallInteger, nullable=False),
    Column("died_ms", BigInteger, nullable=False),
    **_OPTIONS,
)
"""Given up at `died_ms`; `status` is HTTP's of the last answer, 0 without one."""

PUSH_COLUMNS = tuple(
    name for name in waiting.columns.keys() if name in dead.columns and name not in ("id", "error")
)
"""What goes along as it is when a row is moved from one table to the other."""


def create_tables(bind: Engine | Connection) -> None:
    """Make both tables where they are missing; in the transaction of a connection, or one of its own."""
    metadata.create_all(bind)
