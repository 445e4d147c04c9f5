"""S4: a conversation's seqs are taken in the transaction that stores the messages."""

import sqlite3
from collections.abc import Sequence
from contextlib import AbstractContextManager
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from im.adapters.sql.operations.conversations import Conversations
from im.adapters.sql.sqlite.database import commit
from im.test.without.support import RuleTests, settled
from im.testing.world import World


def busy(connection: sqlite3.Connection) -> None:
    """A COMMIT that finds the database locked by another program."""
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = sqlite3.SQLITE_BUSY
    raise error


class SeqTests(RuleTests, SynchronousTestCase):
    """S4: a transaction that is rolled back takes its seqs with it, and leaves no hole."""

    def schedule(self) -> Sequence[str]:
        world = World(1)
        alice = world.client("alice")
        alice.send("bob", b"stored")
        world.run_until(lambda: not alice.core.unsent)
        world.database.commit = busy
        alice.send("bob", b"rolled back")
        world.run(0.01)
        world.database.commit = commit
        return settled(world)

    def without(self) -> AbstractContextManager[object]:
        def keep_what_was_counted(self: Conversations) -> None:
            self._touched.clear()
            self._moved.clear()

        return mock.patch.object(Conversations, "forget", keep_what_was_counted)
