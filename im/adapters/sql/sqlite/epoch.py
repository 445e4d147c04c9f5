"""The store epoch: it changes when the database goes back in time, by a restore or a promotion."""

import secrets
import sqlite3
from pathlib import Path

from im.adapters.sql.sqlite.database import FileDatabase


def begin_epoch(connection: sqlite3.Connection, epoch: str) -> None:
    """Begin a new store epoch: each conversation notes its last seq of those before."""
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE meta SET store_epoch = ?", (epoch,))
    connection.execute("UPDATE conversation SET epoch_seq = last_seq")
    connection.execute("COMMIT")


def new_epoch() -> str:
    """A random name for an epoch."""
    return secrets.token_hex(8)


def renew_epoch(path: Path) -> None:
    """Begin a new store epoch in a database file. Raises `UnusableDatabaseError` while a node uses it."""
    database = FileDatabase(path)
    database.open()
    try:
        begin_epoch(database.connect_writer(), new_epoch())
    finally:
        database.close()
