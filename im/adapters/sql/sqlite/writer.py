"""The one writer: a whole batch in one transaction, decided in Python, written in few statements."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from im.adapters.sql.operations.messages import StoredBeforeError
from im.adapters.sql.operations.steps import StepRules, Steps
from im.adapters.sql.sqlite.database import Database, is_transient
from im.core.commands import Result, Write
from im.core.ledger import BeatNode
from im.ports import UnavailableError

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
        rules: StepRules,
    ) -> None:
        self._database = database
        self._now_ms = now_ms
        self._connection = database.connect_writer()
        self._started_ms = now_ms()
        epoch, self._changes = self._connection.execute(_META).fetchone()
        self._steps = Steps(self._connection, epoch, rules)
        self._broken = ""

    def execute(self, batch: Sequence[Write]) -> list[Result]:
        """Execute a batch in order in one transaction; results aligned."""
        try:
            return self._execute(batch, False)
        except StoredBeforeError:
            return self._execute(batch, True)

    def _execute(self, batch: Sequence[Write], is_careful: bool) -> list[Result]:
        now_ms = self._now_ms()
        with self._transaction():
            return self._steps.execute(batch, now_ms, is_careful)

    def beat(self, node: str) -> None:
        """Note that the node lives: its lease says when it started and was last alive."""
        self.execute([BeatNode(node, self._started_ms)])

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
        self._steps.messages.write()
        if self._steps.conversations.is_touched:
            self._changes += 1
            self._steps.conversations.write(self._changes)
            self._connection.execute("UPDATE meta SET changes = ?", (self._changes,))
            if self._steps.unreached.consumers:
                self._steps.unreached.note(self._changes, self._steps.messages.stored_now())

    def _commit(self) -> None:
        try:
            self._database.commit(self._connection)
        except sqlite3.Error as error:
            if is_transient(error):
                raise
            self._broken = f"COMMIT failed, and whether it is stored is unknown: {error}"
            raise BrokenStoreError(self._broken) from error

    def _settle(self, is_stored: bool) -> None:
        if not is_stored:
            with suppress(sqlite3.Error):  # the first error is the one to tell
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
        self._steps.settle(is_stored)
