"""A database in memory, for simulated worlds: the same writer and readers, made in far under 1 ms."""

import sqlite3
from functools import cache

import sqlalchemy as sa

from im.adapters.sql.schema import SCHEMA_VERSION
from im.adapters.sql.sqlite.connection import SqliteConnection
from im.adapters.sql.sqlite.database import Commit, commit
from im.adapters.sql.sqlite.epoch import begin_epoch
from im.adapters.sql.tables import metadata

_FIRST_EPOCH = "memory"


@cache
def _empty() -> bytes:
    """The image of a database with all tables and nothing in them."""
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    with engine.begin() as connection:
        metadata.create_all(connection)
        versions = {"schema_version": SCHEMA_VERSION, "compatible_version": SCHEMA_VERSION}
        first = metadata.tables["meta"].insert().values(id=1, store_epoch=_FIRST_EPOCH, **versions)
        connection.execute(first)
    driver = engine.raw_connection().driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver.serialize()


class MemoryDatabase:
    """A database that lives as long as this object. One thread, one connection for all.

    Stores may follow each other on it, as a file's after a crash. `image`, from another one's
    `backup`, is what it begins with.
    """

    def __init__(self, image: bytes | None = None, commit: Commit = commit) -> None:
        self.commit = commit
        self._connection = sqlite3.connect(
            ":memory:", isolation_level=None, cached_statements=256, factory=SqliteConnection
        )
        self._connection.deserialize(_empty() if image is None else image)

    def connect_writer(self) -> SqliteConnection:
        """The one connection."""
        return self._connection

    def connect_reader(self) -> SqliteConnection:
        """The one connection."""
        return self._connection

    def backup(self) -> bytes:
        """The image of what is committed."""
        return self._connection.serialize()

    def renew_epoch(self, epoch: str) -> None:
        """Begin a new store epoch, as a restore does. Stores that stand must be made anew."""
        begin_epoch(self._connection, epoch)

    def close(self) -> None:
        """Free the memory."""
        self._connection.close()
