"""L3: every request of a client has a time-out, and is repeated."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from im.client.core.requests import Requests
from im.test.without.support import RuleTests, a_send, settled, store_untold
from im.testing.ports import Rates
from im.testing.world import PortRates, World


class RepeatTests(RuleTests, SynchronousTestCase):
    """L3: a sync is asked for and lost on its way; the client asks again."""

    def schedule(self) -> Sequence[str]:
        world = World(1)
        bob = world.client("bob")
        world.run_until(lambda: bob.is_online)
        store_untold(world, a_send(1))
        world.node.set_rates(PortRates(bus=Rates(drop=1)))
        bob.refresh()
        world.run(0.1)
        return settled(world)

    def without(self) -> AbstractContextManager[object]:
        return mock.patch.multiple(Requests, tick=lambda self, now: None, deadline=lambda self: float("inf"))
