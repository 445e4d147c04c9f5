"""What tests with killed processes share: a node, a history, and clients that come back soon."""

import os
import signal
from pathlib import Path
from random import Random

from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from im.client import connector
from im.test.faults.nodes import FaultyNode, Served, sleep, until
from im.test.faults.people import Around, Crowd, Habits
from im.testing.history import History

HABITS = Habits()


class FaultCase(TestCase):
    """`self.random` is seeded, by IM_TEST_SEED if it is set; clients dial a node that is down often."""

    uses_processes = True
    timeout = 240

    def setUp(self) -> None:
        self.patch(connector, "FIRST_WAIT", 0.1)
        self.patch(connector, "LONGEST_WAIT", 0.4)
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()
        self.seed = int(os.environ.get("IM_TEST_SEED", "1"))
        self.random = Random(self.seed)
        self.history = History()

    def make_node(self, name: str = "node", port: int = 0, **environ: str) -> FaultyNode:
        """A node that ends with the test."""
        node = FaultyNode(reactor, self.folder / name, port, **environ)
        self.addCleanup(node.end)
        return node

    def around(self, node: Served) -> Around:
        """What people need."""
        return Around(reactor, node, self.history, self.random)

    async def crowd(self, node: Served, *pairs: tuple[str, str], habits: Habits = HABITS) -> Crowd:
        """People who are online at a node that runs."""
        crowd = Crowd(self.around(node), pairs, habits)
        self.addCleanup(crowd.leave)
        await until(reactor, crowd.are_online, "everyone online")
        return crowd

    async def sleep(self, seconds: float) -> None:
        """Let time pass, where that is what the test is about."""
        await sleep(reactor, seconds)

    async def settle_and_check(self, crowd: Crowd, node: FaultyNode) -> None:
        """Everyone has everything, the node ends well, and the history holds."""
        await crowd.settle()
        await crowd.leave()
        await self.end_well(node)
        self.assertEqual(crowd.acknowledged, crowd.offered)
        verdict = crowd.check(node.stored())
        self.assertEqual(verdict.violations, ())
        self.assertEqual(node.unread_differences(), [])

    async def end_well(self, node: FaultyNode) -> None:
        """SIGTERM; the node drains, then twistd ends itself by the same signal, as is its habit."""
        status = await node.terminate()
        self.assertEqual(status, -signal.SIGTERM)
        self.assertIn("has ended", node.running.out)
