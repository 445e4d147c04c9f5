"""The store on PostgreSQL: shards with one writer each, any number of readers."""

from im.adapters.sql.postgres.database import PostgresDatabase
from im.adapters.sql.postgres.migrating import migrate, renew_epoch
from im.adapters.sql.postgres.outbox import OutboxRow
from im.adapters.sql.postgres.store import PostgresStore, ShardStore, StoreClock
from im.adapters.sql.postgres.writer import Committed, ShardLostError

__all__ = [
    "Committed",
    "OutboxRow",
    "PostgresDatabase",
    "PostgresStore",
    "ShardLostError",
    "ShardStore",
    "StoreClock",
    "migrate",
    "renew_epoch",
]
