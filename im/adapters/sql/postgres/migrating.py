"""What operators do to a PostgreSQL database: make or migrate its tables, begin a new store epoch."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from im.adapters.sql.postgres.database import PostgresDatabase, sentence
from im.adapters.sql.schema import SCHEMA_VERSION, UnusableDatabaseError, upgrade
from im.ports import UnavailableError

USUAL_PARTITIONS = 16
MOST_PARTITIONS = 64

_LOCK = 6_915_028_437_153_001
"""One migration at a time, whoever begins it."""

_FILL = {"conversation": 80, "member": 80, "online_session": 80, "node_lease": 50, "shard": 50}
"""Room in each page for the next version of a row whose index columns never change."""

_UNSORTED = (
    "SELECT c.table_name, c.column_name FROM information_schema.columns AS c"
    " JOIN information_schema.tables AS t ON t.table_schema = c.table_schema AND t.table_name = c.table_name"
    " WHERE c.table_schema = current_schema() AND c.data_type = 'text' AND c.table_name <> 'alembic_version'"
    " AND c.collation_name IS DISTINCT FROM 'C' AND t.table_type = 'BASE TABLE'"
    " AND NOT EXISTS (SELECT 1 FROM pg_inherits AS i"
    " WHERE i.inhrelid = to_regclass(quote_ident(c.table_name)))"
)


def migrate(url: str, partitions: int = USUAL_PARTITIONS) -> int:
    """Bring the tables to this program's version, making them where there are none. Blocks.

    Returns the version before, 0 for none. Others that migrate at the same time wait; nodes and
    workers of programs that the new tables are compatible with go on. Raises `UnusableDatabaseError`
    and `UnavailableError`.
    """
    if not 1 <= partitions <= MOST_PARTITIONS:
        raise UnusableDatabaseError(f"the messages can be split into 1 to {MOST_PARTITIONS} partitions")
    database = PostgresDatabase(url)
    database.check()
    with _transaction(database, url) as connection:
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        before = database.check()
        if before < SCHEMA_VERSION:
            upgrade(connection, partitions)
            _sort_by_bytes(connection)
            if not before:
                for table, fill in _FILL.items():
                    connection.execute(sa.text(f"ALTER TABLE {table} SET (fillfactor = {fill})"))
    return before


def renew_epoch(url: str) -> None:
    """Begin a new store epoch, as after a restore or a promotion: clients sync anew. Blocks.

    Each conversation notes its last seq of the epochs before; every worker claims its shards anew; no
    stamp of this server's transactions is below one that stands in the tables. Raises as `migrate`.
    """
    database = PostgresDatabase(url)
    database.require()
    with _transaction(database, url) as connection:
        connection.execute(sa.text("LOCK TABLE shard IN EXCLUSIVE MODE"))
        connection.execute(sa.text("UPDATE shard SET owner = '', epoch = epoch + 1"))
        connection.execute(sa.text("LOCK TABLE conversation, member IN SHARE ROW EXCLUSIVE MODE"))
        connection.execute(sa.text("UPDATE conversation SET epoch_seq = last_seq"))
        connection.execute(
            sa.text(
                "UPDATE meta SET store_epoch = :epoch, changes = greatest(changes,"
                " (SELECT coalesce(max(changed), 0) FROM conversation),"
                " (SELECT coalesce(max(changed), 0) FROM member))"
            ),
            {"epoch": secrets.token_hex(8)},
        )


@contextmanager
def _transaction(database: PostgresDatabase, url: str) -> Iterator[Connection]:
    engine = sa.create_engine(driver_url(url), poolclass=sa.NullPool)
    try:
        with engine.begin() as connection:
            yield connection
    except sa.exc.DBAPIError as error:
        raise UnavailableError(f"{database.place} can't be used: {sentence(error.orig or error)}") from error
    finally:
        engine.dispose()


def driver_url(url: str) -> str:
    """The URL as SQLAlchemy reads it."""
    return "postgresql+psycopg2://" + url.split("://", 1)[-1]


def _sort_by_bytes(connection: Connection) -> None:
    """Have all texts compared as bytes: the same order everywhere, by cheap comparisons."""
    for table, column in connection.execute(sa.text(_UNSORTED)).all():
        connection.execute(sa.text(f'ALTER TABLE "{table}" ALTER "{column}" TYPE text COLLATE "C"'))
