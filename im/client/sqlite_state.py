"""A client's state in a small SQLite file, so that a killed client goes on where it was."""

import json
import os
import secrets
import sqlite3
from collections.abc import Iterable
from typing import Any

from im.client.core.state import Saved, Unsent, Watermark
from im.client.errors import StateLockedError, StateVersionError
from im.core.groups import GroupFacts
from im.core.messages import Entry, Head, SyncCursor
from im.core.relations import NO_CONTACT, Contact

SCHEMA_VERSION = 1

_SCHEMA = """
BEGIN;
CREATE TABLE value (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE head (conversation TEXT PRIMARY KEY, head TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE watermark (
    conversation TEXT PRIMARY KEY,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE unsent (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation TEXT NOT NULL,
    client_msg_id BLOB NOT NULL UNIQUE,
    seen_seq INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    content BLOB NOT NULL
);
PRAGMA user_version = 1;
COMMIT;
"""

_SET_VALUE = "INSERT INTO value VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
_SET_HEAD = "INSERT INTO head VALUES (?, ?) ON CONFLICT (conversation) DO UPDATE SET head = excluded.head"
_SET_WATERMARK = (
    "INSERT INTO watermark VALUES (?, ?, ?)"
    " ON CONFLICT (conversation) DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq"
)
_ADD_UNSENT = (
    "INSERT INTO unsent (conversation, client_msg_id, seen_seq, kind, content) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (client_msg_id) DO NOTHING"
)
_ALL_UNSENT = "SELECT conversation, client_msg_id, seen_seq, kind, content FROM unsent ORDER BY position"
_REMOVE_UNSENT = "DELETE FROM unsent WHERE client_msg_id = ?"


class SqliteState:
    """One file for one device of one user. It survives the process at any moment, and `kill -9`.

    The file is readable by its owner only. While it is open nobody else can open it:
    `StateLockedError`. Writes are synchronous and small; those of one turn are one transaction.
    """

    def __init__(self, path: str | os.PathLike[str], device: str = "") -> None:
        self._path = os.fspath(path)
        self._writes: list[tuple[str, tuple[Any, ...]]] = []
        _create_private(self._path)
        self._database = sqlite3.connect(self._path, timeout=0, isolation_level=None)
        try:
            self._open(device)
        except BaseException:
            self._database.close()
            raise

    def load(self) -> Saved:
        """What was committed."""
        rows = self._database.execute
        values: dict[str, str] = dict(rows("SELECT name, value FROM value"))
        cursor = SyncCursor(values["epoch"], int(values["position"])) if "epoch" in values else None
        return Saved(
            values.get("user", ""),
            values["device"],
            int(values.get("attempt", 0)),
            cursor,
            [_head_of(text) for (text,) in rows("SELECT head FROM head")],
            [Watermark(*row) for row in rows("SELECT conversation, epoch, seq FROM watermark")],
            [Unsent(*row) for row in rows(_ALL_UNSENT)],
        )

    def save_attempt(self, attempt: int) -> None:
        """Keep the number of the newest login."""
        self._writes.append((_SET_VALUE, ("attempt", str(attempt))))

    def save_sync(
        self, user: str, cursor: SyncCursor, heads: Iterable[Head], watermarks: Iterable[Watermark]
    ) -> None:
        """Keep a sync's stamp together with what it taught."""
        values = (("user", user), ("epoch", cursor.epoch), ("position", str(cursor.position)))
        self._writes.extend((_SET_VALUE, value) for value in values)
        self._writes.extend((_SET_HEAD, (head.conversation, _text_of(head))) for head in heads)
        self._writes.extend((_SET_WATERMARK, mark) for mark in watermarks)

    def save_watermark(self, watermark: Watermark) -> None:
        """Keep how far a conversation was received."""
        self._writes.append((_SET_WATERMARK, watermark))

    def add_unsent(self, message: Unsent) -> None:
        """Keep a message until it is answered."""
        self._writes.append((_ADD_UNSENT, message))

    def remove_unsent(self, client_msg_id: bytes) -> None:
        """Forget a message that was answered."""
        self._writes.append((_REMOVE_UNSENT, (client_msg_id,)))

    def commit(self) -> None:
        """Make everything since the last commit durable; on an error it is tried again by the next."""
        if not self._writes:
            return
        execute = self._database.execute
        execute("BEGIN IMMEDIATE")
        with self._database:  # commits, or rolls back on an error
            for statement, arguments in self._writes:
                execute(statement, arguments)
        self._writes.clear()

    def close(self) -> None:
        """Commit and let go of the file. Idempotent."""
        try:
            if self._writes:
                self.commit()
        finally:
            self._database.close()

    def _open(self, device: str) -> None:
        execute = self._database.execute
        try:
            execute("PRAGMA locking_mode = EXCLUSIVE")
            execute("PRAGMA journal_mode = WAL")
            execute("PRAGMA synchronous = NORMAL")  # what is lost with the power was not acknowledged
            execute("BEGIN EXCLUSIVE")
            execute("COMMIT")
            (version,) = execute("PRAGMA user_version").fetchone()
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise StateLockedError(f"{self._path} is in use by another client") from error
            if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
                raise StateVersionError(f"{self._path} is no client state") from error
            raise
        if version > SCHEMA_VERSION:
            raise StateVersionError(f"{self._path} was written by a newer version of this library")
        if version == 0:
            self._database.executescript(_SCHEMA)
            execute(_SET_VALUE, ("device", device or secrets.token_hex(8)))


def _create_private(path: str) -> None:
    """Make the file for its owner only, unless it is there."""
    if not os.path.exists(path):
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _text_of(head: Head) -> str:
    last = head.last
    texts = None if last is None else (*last[:4], last.client_msg_id.hex(), last.time_ms, last.content.hex())
    return json.dumps({**head._asdict(), "last": texts})


def _head_of(text: str) -> Head:
    """A head as this version or an older one kept it: that one as a list of the fields up to `last`."""
    kept: Any = json.loads(text)
    values: dict[str, Any] = kept if isinstance(kept, dict) else dict(zip(Head._fields, kept, strict=False))
    if values["last"] is not None:
        *first, client_msg_id, time_ms, content = values["last"]
        values["last"] = Entry._make((*first, bytes.fromhex(client_msg_id), time_ms, bytes.fromhex(content)))
    values["contact"] = Contact._make(values.get("contact", NO_CONTACT))
    group = values.get("group")
    values["group"] = None if group is None else GroupFacts._make(group)
    return Head(**values)
