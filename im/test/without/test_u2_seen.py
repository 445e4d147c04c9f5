"""U2: only what was seen is read; one's own entry reads nothing of others."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from im.core.unread import Cursors
from im.test.without.support import RuleTests, settled
from im.testing.world import World


class SeenTests(RuleTests, SynchronousTestCase):
    """U2: alice sends while two messages of bob's lie unseen; they stay unread."""

    def schedule(self) -> Sequence[str]:
        world = World(1)
        alice, bob = world.client("alice"), world.client("bob")
        bob.send("alice", b"one")
        bob.send("alice", b"two")
        world.run(1)
        alice.send("bob", b"from the notification, without looking")
        return settled(world)

    def without(self) -> AbstractContextManager[object]:
        def read_everything(self: Cursors, seq: int, n: int, counts: bool) -> None:
            self.own_last_seq, self.own_last_n, self.own_max_seq, self.own_after = seq, n, seq, 0

        return mock.patch.object(Cursors, "add_own", read_everything)
