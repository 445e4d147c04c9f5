"""The one writer: a whole batch in one transaction, decided in Python, written in few statements."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from zoneinfo import ZoneInfo

from im.adapters.sql.operations.backends import Backends
from im.adapters.sql.operations.changes import Changes
from im.adapters.sql.operations.conversations import Conversations
from im.adapters.sql.operations.groups import Groups
from im.adapters.sql.operations.handlers import Conclusions
from im.adapters.sql.operations.ledger import Ledger
from im.adapters.sql.operations.membership import GroupParts
from im.adapters.sql.operations.messages import Messages, StoredBeforeError
from im.adapters.sql.operations.offline import UnreachedWriter
from im.adapters.sql.operations.online import Almanac
from im.adapters.sql.operations.posting import Posting
from im.adapters.sql.operations.posts import Posts
from im.adapters.sql.operations.push_tokens import TokenWriter
from im.adapters.sql.operations.pushes import Inboxes, Pushes
from im.adapters.sql.operations.relations import RelationParts, Relations
from im.adapters.sql.operations.upkeep import Upkeep
from im.adapters.sql.operations.users import Users
from im.adapters.sql.sqlite.database import Database, is_transient
from im.core.calendars import UTC
from im.core.commands import CreateUser, Login, Result, SetDisabled, SetProfile, Write
from im.core.custom import Conclude
from im.core.ledger import ChangeAppState, EndNode, KeepLedger, MoveClock, OpenSession
from im.core.limits import Limits
from im.core.messages import MoveDelivered, MoveRead, Send
from im.core.pushing import ExpirePushes, StorePush
from im.core.reaching import PassAway
from im.ports import UnavailableError

_REMEMBERED_CONVERSATIONS = 8_192

_META = "SELECT store_epoch, changes FROM meta"


class BrokenStoreError(UnavailableError):
    """A COMMIT failed with nothing known about its outcome: only a new process may go on."""


class Writer:
    """Executes batches one after the other, all on one connection. Used by one thread at a time.

    Raises `UnavailableError` where the database can't be written now, everything rolled back, and
    `BrokenStoreError` once the outcome of a COMMIT is unknown.
    """

    def __init__(
        self,
        database: Database,
        now_ms: Callable[[], int],
        limits: Limits,
        is_open: bool,
        zone: ZoneInfo = UTC,
        is_for_friends: bool = False,
    ) -> None:
        self._database = database
        self._now_ms = now_ms
        self._connection = database.connect_writer()
        self._started_ms = now_ms()
        epoch, self._changes = self._connection.execute(_META).fetchone()
        self._conversations = Conversations(self._connection, _REMEMBERED_CONVERSATIONS)
        self._messages = Messages(self._connection, epoch)
        self.unreached = UnreachedWriter(self._connection)
        self._users = users = Users(self._connection, limits, is_open)
        self._posting = Posting(self._conversations, self._messages, users, limits, is_for_friends)
        self._ledger = ledger = Ledger(self._connection)
        self._upkeep = Upkeep(self._connection, limits, Almanac(zone, now_ms))
        pushes = Pushes(Inboxes(self._connection, self._conversations, self._messages, self._posting, limits))
        posts = Posts(self._conversations, self._messages, users, limits)
        relations = Relations(RelationParts(self._connection, self._conversations, posts, users, epoch))
        parts = GroupParts(self._connection, self._conversations, self._messages, posts, users, limits)
        self._steps: dict[type, Callable[[Any, int], Result]] = {
            Send: self._posting.send,
            MoveRead: self._posting.move_read,
            MoveDelivered: self._posting.move_delivered,
            Login: users.login,
            SetDisabled: users.set_disabled,
            CreateUser: users.create,
            SetProfile: users.set_profile,
            Conclude: Conclusions(self._connection, posts, limits).conclude,
            OpenSession: ledger.open,
            ChangeAppState: ledger.change,
            MoveClock: ledger.move_clock,
            EndNode: ledger.end_node,
            KeepLedger: self._upkeep.keep,
            StorePush: pushes.store,
            ExpirePushes: pushes.expire,
            **relations.steps(),
            **Groups(parts).steps(),
            **Changes(parts).steps(),
            PassAway: self.unreached.pass_away,
            **TokenWriter(self._connection).steps(users, ledger),
            **Backends(self._connection).steps(),
        }
        self._broken = ""

    def execute(self, batch: Sequence[Write]) -> list[Result]:
        """Execute a batch in order in one transaction; results aligned."""
        try:
            self._posting.is_careful = False
            return self._execute(batch)
        except StoredBeforeError:
            self._posting.is_careful = True
            return self._execute(batch)

    def _execute(self, batch: Sequence[Write]) -> list[Result]:
        now_ms = self._now_ms()
        with self._transaction():
            return [self._steps[type(write)](write, now_ms) for write in batch]

    def beat(self, node: str) -> None:
        """Note that the node lives: its lease says when it started and was last alive."""
        with self._transaction():
            self._ledger.beat(node, self._started_ms, self._now_ms())

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        if self._broken:
            raise BrokenStoreError(self._broken)
        is_stored = False
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            yield
            self._write()
            self._commit()
            is_stored = True
        except sqlite3.Error as error:
            raise UnavailableError(f"the database can't be written: {error}") from error
        finally:
            self._settle(is_stored)

    def _write(self) -> None:
        self._messages.write()
        if self._conversations.is_touched:
            self._changes += 1
            self._conversations.write(self._changes)
            self._connection.execute("UPDATE meta SET changes = ?", (self._changes,))
            if self.unreached.consumers:
                self.unreached.note(self._changes, self._messages.stored_now())

    def _commit(self) -> None:
        try:
            self._database.commit(self._connection)
        except sqlite3.Error as error:
            if is_transient(error):
                raise
            self._broken = f"COMMIT failed, and whether it is stored is unknown: {error}"
            raise BrokenStoreError(self._broken) from error

    def _settle(self, is_stored: bool) -> None:
        self._messages.clear()
        if is_stored:
            self._conversations.keep()
        else:
            self._conversations.forget()
            with suppress(sqlite3.Error):  # the first error is the one to tell
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
        self._users.settle(is_stored)
        self._ledger.settle(is_stored)
        self._upkeep.settle(is_stored)
