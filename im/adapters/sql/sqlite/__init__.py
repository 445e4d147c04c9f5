"""The store on SQLite: one writer, several readers, one file."""

from im.adapters.sql.policy import StorePolicy
from im.adapters.sql.runners import Runners, ThreadedRunners, inline_runners
from im.adapters.sql.schema import UnusableDatabaseError
from im.adapters.sql.sqlite.backup import backup, restore
from im.adapters.sql.sqlite.database import FileDatabase
from im.adapters.sql.sqlite.epoch import renew_epoch
from im.adapters.sql.sqlite.memory import MemoryDatabase
from im.adapters.sql.sqlite.store import SqliteStore

__all__ = [
    "FileDatabase",
    "MemoryDatabase",
    "Runners",
    "SqliteStore",
    "StorePolicy",
    "ThreadedRunners",
    "UnusableDatabaseError",
    "backup",
    "inline_runners",
    "renew_epoch",
    "restore",
]
