"""S1: commit before "sent"; a retry gets the first answer."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any
from unittest import mock

from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from im.adapters.sql.operations.messages import Key, Messages, Stored
from im.adapters.sql.operations.online import UNTIMED
from im.adapters.sql.operations.steps import StepRules
from im.adapters.sql.policy import StorePolicy
from im.adapters.sql.sqlite.memory import MemoryDatabase
from im.adapters.sql.sqlite.store import SqliteStore
from im.adapters.sql.sqlite.writer import Writer
from im.core.commands import Result, Write
from im.test.without.support import TALK, RuleTests, settled
from im.testing.world import LIMITS, World


class OnceTests(RuleTests, SynchronousTestCase):
    """S1: a message whose answer was lost is sent again, and stored once."""

    def schedule(self) -> Sequence[str]:
        world = World(1)
        alice = world.client("alice")
        world.run_until(lambda: alice.is_online)
        alice.send("bob", b"once")
        world.run(0.0015)  # the frame has arrived and is stored, the answer is on its way
        world.restart_node()
        problems = settled(world)
        texts = [entry.content for entry in world.log("alice", TALK)]
        return [*problems, *(["stored twice"] if texts != [b"once"] else [])]

    def without(self) -> AbstractContextManager[object]:
        add, numbers = Messages.add, iter(range(100))

        def add_under_another_id(self: Messages, key: Key, entry: Stored) -> None:
            add(self, (b"%016d" % next(numbers), *key[1:]), entry)

        return mock.patch.object(Messages, "add", add_under_another_id)


class CommitFirstTests(RuleTests, SynchronousTestCase):
    """S1: whoever was told "sent" finds the message after a crash."""

    def schedule(self) -> Sequence[str]:
        world = World(1)
        alice = world.client("alice")
        world.client("bob")
        world.run_until(lambda: alice.is_online)
        alice.send("bob", b"hello")
        world.run_until(lambda: not alice.core.unsent)
        world.restart_node()
        return settled(world)

    def without(self) -> AbstractContextManager[object]:
        write = SqliteStore.write

        def answer_first(self: SqliteStore, batch: Sequence[Write]) -> "Deferred[list[Result]]":
            """Work on a copy, and leave the commit for a later that never comes."""
            if not any(hasattr(each, "content") for each in batch):
                return write(self, batch)
            database: Any = self._database
            copy = MemoryDatabase(database.backup())
            rules = StepRules(StorePolicy(LIMITS, users_open=True), UNTIMED)
            return succeed(Writer(copy, lambda: 0, rules).execute(batch))

        return mock.patch.object(SqliteStore, "write", answer_first)
