"""S6: every seq can be answered."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from im.adapters.sql.operations.entries import _RUN, Entries
from im.core.messages import Entry
from im.test.without.support import TALK, RuleTests, a_send, store_untold
from im.testing.world import World


class AnswerTests(RuleTests, SynchronousTestCase):
    """S6: the row of one entry is gone; its reader gets past it, and is told of every other."""

    def schedule(self) -> Sequence[str]:
        world = World(1)
        store_untold(world, a_send(1), a_send(2), a_send(3))
        connection: sqlite3.Connection = world.database.connect_writer()
        connection.execute("DELETE FROM message WHERE seq = 2")
        bob = world.client("bob")
        arrived = world.run_until(lambda: bob.furthest(TALK) == 3)
        handed = world.history.contents(bob.name, TALK)
        problems = [] if arrived else [f"bob waits for ever behind {bob.furthest(TALK)}"]
        return [*problems, *([] if handed == [b"message 1", b"", b"message 3"] else [f"handed {handed}"])]

    def without(self) -> AbstractContextManager[object]:
        def read_what_is_there(
            self: Entries, conversation: str, first: int, last: int, descending: bool
        ) -> Iterator[Entry]:
            rows = self._connection.execute(_RUN, (conversation, first, last)).fetchall()
            return map(Entry._make, reversed(rows) if descending else rows)

        return mock.patch.object(Entries, "read", read_what_is_there)
