"""A node that is killed over and over under load loses, doubles and reorders nothing."""

import signal
import time
from collections import Counter

from twisted.internet import reactor

from im.test.faults.case import FaultCase
from im.test.faults.nodes import FaultyNode, is_long, until
from im.test.faults.people import Crowd, Traffic

OFFERED_PER_SECOND = 700.0
LEAST_PER_SECOND = 500.0
KILLS, KILLS_LONG = 21, 100
POINTS_SHARE = 5
"""One of so many kills is just before a COMMIT, and one just after one."""
PAIRS = ("alice", "bob"), ("carol", "dave"), ("alice", "carol"), ("bob", "dave")


class KillTests(FaultCase):
    async def test_nothing_acknowledged_is_lost_doubled_or_reordered(self) -> None:
        began = time.monotonic()
        node = self.make_node()
        node.start()
        await node.ready()
        crowd = await self.crowd(node, *PAIRS)
        traffic = Traffic(reactor, crowd, OFFERED_PER_SECOND)
        await node.kill()
        kills = Counter[str]()
        for fail in self.plan():
            await self.live_and_die(node, crowd, traffic, fail)
            kills[fail.partition(":")[0] or "any time"] += 1
        node.start()
        await self.settle_and_check(crowd, node)
        print(
            f"{crowd.offered} messages, {crowd.acknowledged} acknowledged, kills {dict(kills)}; offered "
            f"{crowd.offered / traffic.seconds:.0f}/s for {traffic.seconds:.1f} s of "
            f"{time.monotonic() - began:.1f} s"
        )
        self.assertGreaterEqual(crowd.offered / traffic.seconds, LEAST_PER_SECOND)
        self.assertGreaterEqual(min(kills["kill_before"], kills["kill_after"]), 3)
        self.assertGreaterEqual(kills.total(), 20)

    def plan(self) -> list[str]:
        """The fail-point of each process, "" for one that is killed at any time."""
        kills = KILLS_LONG if is_long() else KILLS
        points = [
            f"{kind}:{self.random.randint(8, 60)}"
            for kind in ("kill_before", "kill_after") * (kills // POINTS_SHARE)
        ]
        plan = points + [""] * (kills - len(points))
        self.random.shuffle(plan)
        return plan

    async def live_and_die(self, node: FaultyNode, crowd: Crowd, traffic: Traffic, fail: str) -> None:
        """One process of the node, from its start to its kill, under load once a client is back."""
        process = node.start(fail)
        people = crowd.people.values()
        await node.ready()
        await until(
            reactor,
            lambda: process.has_ended or any(person.is_online for person in people),
            "a client that came back",
        )
        traffic.start()
        try:
            if fail:
                self.assertEqual(await node.ended(), -signal.SIGKILL)
            else:
                await self.sleep(self.random.uniform(0.05, 0.9))
                self.assertFalse(process.has_ended)
                await node.kill()
        finally:
            traffic.stop()
