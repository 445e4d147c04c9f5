"""L6: a restore renews the store epoch, and a new epoch resets the watermarks of clients."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from im.adapters.sql.sqlite.memory import MemoryDatabase
from im.test.without.support import TALK, RuleTests
from im.testing.world import World


class EpochTests(RuleTests, SynchronousTestCase):
    """L6: a backup is put back; messages that get the seqs of lost ones are not taken for those."""

    def schedule(self) -> Sequence[str]:
        world = World(1)
        alice, bob = world.client("alice"), world.client("bob")
        alice.send("bob", b"before")
        world.run(1)
        backup = world.database.backup()
        alice.send("bob", b"lost")
        world.run(1)
        world.kill_node()
        restored = MemoryDatabase(backup)
        restored.renew_epoch("restored")
        world.put_database(restored)
        world.start_node()
        world.run_until(lambda: alice.is_online and bob.is_online)
        alice.send("bob", b"after")
        world.run(20)
        handed = world.history.contents(bob.name, TALK)
        return [] if handed == [b"before", b"lost", b"after"] else [f"bob was handed {handed}"]

    def without(self) -> AbstractContextManager[object]:
        return mock.patch.object(MemoryDatabase, "renew_epoch", lambda self, epoch: None)
