"""L4: a paged sync keeps the stamp of its first page."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from im.client.core.sync import Sync
from im.proto.sync_pb2 import SyncResult
from im.test.without.support import RuleTests, a_send, settled, store_untold
from im.testing.world import TIGHT, World


class StampTests(RuleTests, SynchronousTestCase):
    """L4: what changes between two pages of a sync is found by the next one."""

    def schedule(self) -> Sequence[str]:
        world = World(1, limits=TIGHT)
        store_untold(world, a_send(1), a_send(2, "carol", "d~bob~carol"))
        bob = world.client("bob")
        while not bob.is_online:
            world.run(0.0005)
        store_untold(world, a_send(3))
        return settled(world)

    def without(self) -> AbstractContextManager[object]:
        page = Sync.page

        def keep_the_last(self: Sync, body: SyncResult, now: float) -> None:
            self._stamp = None
            page(self, body, now)

        return mock.patch.object(Sync, "page", keep_the_last)
