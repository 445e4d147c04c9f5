"""A node that is asked to end, or that stands still for a while, under load."""

import signal
import sys
import time

from twisted.internet import reactor

from im.client import Timing
from im.test.faults.case import FaultCase
from im.test.faults.nodes import until
from im.test.faults.people import Habits, Traffic

PAIRS = ("alice", "bob"), ("carol", "dave")
PER_SECOND = 300.0
DRAINED_SECONDS = 12.0

HEARTBEAT_SECONDS = 1.0
STILL_SECONDS = 4.0
"""Well over the 1.5 heartbeats after which a node takes a silent client for dead."""
PATIENT = Timing(silence=60.0)


class TermTests(FaultCase):
    async def test_a_drain_loses_nothing_and_tells_everyone_to_come_back(self) -> None:
        node = self.make_node()
        supervisor = node.run([sys.executable, "-m", "im.tap.supervisor", *node.options])
        await until(reactor, lambda: "ready\n" in supervisor.out, "the welcome")
        crowd = await self.crowd(node, *PAIRS)
        traffic = Traffic(reactor, crowd, PER_SECOND)
        traffic.start()
        try:
            await self.sleep(0.5)
            began = time.monotonic()
            supervisor.send(signal.SIGTERM)
            self.assertEqual(await node.ended(), 0)
            seconds = time.monotonic() - began
        finally:
            traffic.stop()
        self.assertLessEqual(seconds, DRAINED_SECONDS)
        self.assertEqual(supervisor.err, "")
        for person in crowd.people.values():
            reasons = [status.reason.partition(":")[0] for status in person.statuses]
            self.assertIn("draining", reasons)
        node.start()
        await self.settle_and_check(crowd, node)
        print(f"{crowd.acknowledged} messages, drained in {seconds:.1f} s")

    async def test_a_commit_that_hangs_keeps_no_node_from_its_end(self) -> None:
        node = self.make_node(IM_DRAIN_SECONDS="2")
        self.addCleanup(node.hold_file.unlink, missing_ok=True)
        process = node.start("hold", IM_FAIL_FILE=str(node.hold_file))
        await node.ready()
        crowd = await self.crowd(node, *PAIRS)
        node.hold_file.touch()
        crowd.send()
        await until(reactor, node.reached_file.exists, "the COMMIT")
        began = time.monotonic()
        await self.end_well(node)
        print(f"ended after {time.monotonic() - began:.1f} s")
        self.assertIn("did not drain in time", process.out)
        self.assertEqual(crowd.acknowledged, 0)
        self.assertEqual(node.stored().logs, {})
        node.start()
        await self.settle_and_check(crowd, node)


class StillTests(FaultCase):
    async def test_a_node_that_stood_still_takes_nobody_for_dead(self) -> None:
        node = self.make_node(IM_HEARTBEAT_SECONDS=str(HEARTBEAT_SECONDS))
        process = node.start()
        await node.ready()
        crowd = await self.crowd(node, *PAIRS, habits=Habits(PATIENT))
        traffic = Traffic(reactor, crowd, PER_SECOND)
        traffic.start()
        try:
            await self.sleep(0.5)
            process.send(signal.SIGSTOP)
            await self.sleep(STILL_SECONDS)
            process.send(signal.SIGCONT)
            acknowledged = crowd.acknowledged
            await until(reactor, lambda: crowd.acknowledged > acknowledged, "the first answer after it")
        finally:
            traffic.stop()
            process.send(signal.SIGCONT)
        await self.settle_and_check(crowd, node)
        self.assertEqual({person.logins for person in crowd.people.values()}, {1})
        self.assertNotIn("heartbeat_timeout", process.out)

    async def test_clients_that_give_a_still_node_up_have_everything_later(self) -> None:
        node = self.make_node(IM_HEARTBEAT_SECONDS=str(HEARTBEAT_SECONDS))
        process = node.start()
        await node.ready()
        crowd = await self.crowd(node, *PAIRS, habits=Habits(Timing(login=2.0)))
        traffic = Traffic(reactor, crowd, PER_SECOND)
        traffic.start()
        try:
            await self.sleep(0.5)
            process.send(signal.SIGSTOP)
            await until(
                reactor,
                lambda: not any(person.is_online for person in crowd.people.values()),
                "everyone's doubt",
            )
        finally:
            traffic.stop()
            process.send(signal.SIGCONT)
        await self.settle_and_check(crowd, node)
        self.assertGreaterEqual(min(person.logins for person in crowd.people.values()), 2)
