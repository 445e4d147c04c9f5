"""N6: a stall of one's own extends every deadline."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from im.client.core.heartbeat import Heartbeat
from im.test.without.support import RuleTests
from im.testing.world import World


class NodeStallTests(RuleTests, SynchronousTestCase):
    """N6: everything stands still for a minute, as a suspended machine does; no session ends."""

    def schedule(self) -> Sequence[str]:
        world = World(1)
        clients = [world.client(user) for user in ("alice", "bob", "carol")]
        world.run(5)
        world.clock.advance(60)
        world.run(10)
        logins = world.node.node.counters.logins
        return [] if logins == len(clients) else [f"{logins} logins of {len(clients)} clients"]

    def without(self) -> AbstractContextManager[object]:
        """Let a node's time pass as the clock's does."""
        return mock.patch("im.gateway.ticker.min", lambda passed, most: passed, create=True)


class ClientStallTests(NodeStallTests):
    """N6: the same, on the client's side."""

    def without(self) -> AbstractContextManager[object]:
        return mock.patch.object(Heartbeat, "forgive", lambda self, seconds: None)
