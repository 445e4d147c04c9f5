"""One shard's writer: a batch in one transaction, decided in Python, in two or three round trips."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

import psycopg2
from psycopg2 import errorcodes

from im.adapters.sql.operations.messages import StoredBeforeError
from im.adapters.sql.operations.steps import StepRules, Steps
from im.adapters.sql.postgres import outbox
from im.adapters.sql.postgres.connection import UnstorableError
from im.adapters.sql.postgres.database import PostgresDatabase, sentence
from im.adapters.sql.postgres.loading import begin
from im.adapters.sql.postgres.naming import names_of
from im.adapters.sql.postgres.outbox import OutboxRow
from im.core.commands import Result, Write
from im.core.errors import invalid
from im.ports import UnavailableError

_META = "SELECT store_epoch, changes FROM meta"

_ATTEMPTS = 4
"""Of one batch: where it waits crosswise with another, meets what was stored before, finds no connection."""

_DATA_CLASSES = ("22", "23")
_AGAIN_CLASS = "40"
_FIRST_PAUSE_SECONDS = 0.1
_MOST_PAUSE_SECONDS = 5.0

_UNSTORABLE = invalid("", "this holds something that PostgreSQL can't store")


class ShardLostError(UnavailableError):
    """Another worker owns the shard, or it isn't known what became of a batch: claim it again."""


class Committed(NamedTuple):
    """The results of a batch, and what to call announced once they are told; None: nobody is to be told."""

    results: list[Result]
    row: OutboxRow | None


class _AgainError(UnavailableError):
    """Nothing is stored, and the same transaction may succeed at once."""


class _DataError(Exception):
    """PostgreSQL refuses a value; nothing is stored."""


class ShardWriter:
    """Executes batches one after the other as the owner of a shard. Used by one thread at a time.

    `waiting` is what its owners before may not have announced. Raises `UnavailableError` with nothing
    stored, and `ShardLostError`, after which it writes no more.
    """

    def __init__(
        self, database: PostgresDatabase, shard: int, owner: str, now_ms: Callable[[], int], rules: StepRules
    ) -> None:
        self._database = database
        self._shard, self._owner = shard, owner
        self._now_ms = now_ms
        self._rules = rules
        self._lost = ""
        self._number = 0
        self._is_committing = False
        self._pause = _Pause()
        self._connection = database.connect()
        try:
            self._epoch, self.waiting = outbox.claim(self._connection, shard, owner)
            self._remember_nothing()
        except psycopg2.Error as error:
            self._connection.close()
            raise UnavailableError(f"{database.place} can't be used: {sentence(error)}") from error

    def execute(self, batch: Sequence[Write], announced: Sequence[OutboxRow] = ()) -> Committed:
        """Execute a batch in order in one transaction, with the rows of `announced` removed.

        Of a batch with values that PostgreSQL refuses, the writes that hold them are refused.
        """
        try:
            return self._execute(batch, announced, False)
        except _DataError:
            bad = self._first_bad(batch)
        rest = [*batch[:bad], *batch[bad + 1 :]]
        results, row = self.execute(rest, announced)
        return Committed([*results[:bad], _UNSTORABLE, *results[bad:]], row)

    def remove(self, rows: Sequence[OutboxRow]) -> None:
        """Remove rows of what is announced, with no batch."""
        self._execute((), rows, False)

    def close(self) -> None:
        """Write no more. Idempotent."""
        self._lost = self._lost or "the shard was given up"
        self._connection.close()

    def _first_bad(self, batch: Sequence[Write]) -> int:
        """The place of the first write that PostgreSQL refuses; nothing is stored while it is sought."""
        good, bad = 0, len(batch)
        while bad - good > 1:
            middle = (good + bad) // 2
            try:
                self._execute(batch[:middle], (), True)
                good = middle
            except _DataError:
                bad = middle
        return good

    def _execute(self, batch: Sequence[Write], announced: Sequence[OutboxRow], is_trial: bool) -> Committed:
        is_careful = False
        for left in reversed(range(_ATTEMPTS)):
            try:
                return self._attempt(batch, announced, is_careful, is_trial)
            except StoredBeforeError:
                is_careful = True
            except _AgainError:
                if not left:
                    raise
        raise UnavailableError("others store the same at this moment")

    def _attempt(
        self, batch: Sequence[Write], announced: Sequence[OutboxRow], is_careful: bool, is_trial: bool
    ) -> Committed:
        if self._lost:
            raise ShardLostError(self._lost)
        if self._connection.is_dead:
            self._reopen()
        is_stored = False
        try:
            committed = self._transact(batch, announced, is_careful)
            self._is_committing = not is_trial
            self._connection.run("ROLLBACK" if is_trial else "COMMIT")
            is_stored = not is_trial
        except (psycopg2.Error, UnstorableError) as error:
            raise self._failure(error) from error
        finally:
            self._is_committing = False
            self._settle(is_stored)
        return committed

    def _transact(
        self, batch: Sequence[Write], announced: Sequence[OutboxRow], is_careful: bool
    ) -> Committed:
        steps, connection = self._steps, self._connection
        beginning = begin(connection, self._shard, names_of(batch), steps)
        if beginning is None or beginning[:2] != (self._owner, self._epoch):
            self._lost = f"shard {self._shard} belongs to another worker"
            raise ShardLostError(self._lost)
        now_ms = self._now_ms()
        results = steps.execute(batch, now_ms, is_careful)
        touched = steps.conversations.touched
        row = None
        if steps.conversations.is_touched:
            stamp = self._offset + beginning.transaction
            if steps.unreached.consumers:
                steps.unreached.note(stamp, steps.messages.stored_now())
            steps.messages.write()
            steps.conversations.write(stamp)
        if touched:
            self._number += 1
            row = OutboxRow(self._shard, self._epoch, self._number, tuple(sorted(touched)))
            connection.hold(outbox.added(connection, row, now_ms))
        if announced:
            connection.hold(outbox.removal(announced))
        return Committed(results, row)

    def _failure(self, error: psycopg2.Error | UnstorableError) -> Exception:
        """What an error means for the batch."""
        text = f"{self._database.place} can't be written: {sentence(error)}"
        code = getattr(error, "pgcode", None) or ""
        if self._connection.is_dead:
            if self._is_committing:
                self._lost = f"whether a batch is stored is unknown: {sentence(error)}"
                return ShardLostError(self._lost)
            return _AgainError(text)
        if code == errorcodes.UNIQUE_VIOLATION:
            return StoredBeforeError()
        if isinstance(error, UnstorableError) or code[:2] in _DATA_CLASSES:
            return _DataError(text)
        return _AgainError(text) if code[:2] == _AGAIN_CLASS else UnavailableError(text)

    def _settle(self, is_stored: bool) -> None:
        if not is_stored:
            self._connection.forget()
            with suppress(psycopg2.Error):  # the first error is the one to tell
                self._connection.run("ROLLBACK")
        self._steps.settle(is_stored)

    def _reopen(self) -> None:
        self._pause.require()
        try:
            self._connection = self._database.connect()
            self._remember_nothing()
        except psycopg2.Error as error:
            self._connection.close()
            raise UnavailableError(f"{self._database.place} can't be used: {sentence(error)}") from error
        self._pause.over()

    def _remember_nothing(self) -> None:
        epoch, self._offset = self._connection.run(_META).fetchone()
        self._steps = Steps(self._connection, epoch, self._rules)


class _Pause:
    """How long nobody tries to connect after it failed."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._next = 0.0
        self._pause = _FIRST_PAUSE_SECONDS

    def require(self) -> None:
        """Raise `UnavailableError` in the pause; else begin the next one, twice as long."""
        if self._seconds() < self._next:
            raise UnavailableError("PostgreSQL did not answer just now")
        self._next = self._seconds() + self._pause
        self._pause = min(2 * self._pause, _MOST_PAUSE_SECONDS)

    def over(self) -> None:
        """It answers again."""
        self._next, self._pause = 0.0, _FIRST_PAUSE_SECONDS
