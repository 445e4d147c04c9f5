"""A COMMIT that hangs acknowledges nothing; one that fails ends the process, and the next goes on."""

import re
import signal
import sys
from pathlib import Path

from twisted.internet import reactor

from im.test.faults.case import FaultCase
from im.test.faults.nodes import FaultyNode, until
from im.test.faults.people import Crowd, Traffic
from im.test.system.processes import Process

PAIR = ("alice", "bob")
HELD_SECONDS = 1.0


class HeldCommitTests(FaultCase):
    async def a_held_send(self) -> tuple[FaultyNode, Crowd]:
        """A first message that is stored, and a second one whose COMMIT is held."""
        node = self.make_node()
        self.addCleanup(node.hold_file.unlink, missing_ok=True)
        node.start("hold", IM_FAIL_FILE=str(node.hold_file))
        await node.ready()
        crowd = await self.crowd(node, PAIR)
        crowd.send()
        await until(reactor, lambda: crowd.acknowledged == 1, "the first answer")
        node.hold_file.touch()
        crowd.send()
        await until(reactor, node.reached_file.exists, "the COMMIT")
        await self.sleep(HELD_SECONDS)
        self.assertEqual((crowd.acknowledged, crowd.offered), (1, 2))
        return node, crowd

    async def test_a_send_is_acknowledged_when_its_commit_is_over(self) -> None:
        node, crowd = await self.a_held_send()
        node.hold_file.unlink()
        await self.settle_and_check(crowd, node)
        (log,) = node.stored().logs.values()
        self.assertEqual(len(log), 2)

    async def test_what_was_held_at_a_kill_is_not_stored_and_its_retry_is_stored_once(self) -> None:
        node, crowd = await self.a_held_send()
        await node.kill()
        (log,) = node.stored().logs.values()
        self.assertEqual(len(log), 1)
        self.assertEqual(crowd.acknowledged, 1)
        node.start()
        await self.settle_and_check(crowd, node)
        (log,) = node.stored().logs.values()
        self.assertEqual(len(log), 2)


class FailedCommitTests(FaultCase):
    async def test_the_supervisor_starts_a_node_again_whose_commit_failed(self) -> None:
        node = self.make_node()
        armed = self.folder / "armed"
        supervised = [sys.executable, "-m", "im.test.faults.supervised", *node.options]
        supervisor = node.run(supervised, "error:20", IM_FAIL_FILE=str(armed))
        await until(reactor, lambda: "ready\n" in supervisor.out, "the welcome")
        crowd = await self.crowd(node, PAIR)
        traffic = Traffic(reactor, crowd, 200.0)
        traffic.start()
        try:
            await self.fail_once(supervisor, armed, 1)
            await until(reactor, crowd.are_online, "everyone back")
            await self.fail_once(supervisor, armed, 2)
        finally:
            traffic.stop()
        self.assertEqual(ends(supervisor.out), ["1", "1"])
        self.assertEqual(supervisor.err.count("disk I/O error"), 2)
        await crowd.settle()
        supervisor.send(signal.SIGTERM)
        self.assertEqual(await node.ended(), 0)
        self.assertEqual(crowd.acknowledged, crowd.offered)
        self.assertEqual(crowd.check(node.stored()).violations, ())
        print(f"{crowd.acknowledged} messages, 2 failed COMMITs")

    async def fail_once(self, supervisor: Process, armed: Path, number: int) -> None:
        """Let a COMMIT fail, for the `number`-th time, and wait for the next process of the node."""
        armed.touch()
        await until(reactor, lambda: len(ends(supervisor.out)) == number, "the end of the node")
        armed.unlink()
        await until(reactor, lambda: supervisor.out.count("ready again") == number, "the next node")


def ends(told: str) -> list[str]:
    """The status of each node that ended, as the supervisor tells."""
    return re.findall(r"The node ended with status (-?\d+); it starts again", told)
