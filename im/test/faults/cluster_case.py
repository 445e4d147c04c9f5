"""What tests of a cluster under faults share: the cluster, and what can happen to its parts."""

import signal

from twisted.internet import reactor
from twisted.internet.threads import deferToThread

from im.test.faults.case import FaultCase
from im.test.faults.clusters import SHARDS, FaultyCluster
from im.testing.clusters.folders import cluster_folder
from im.testing.clusters.member import Member
from im.testing.services.process import ServerProcess
from im.testing.services.rabbitmq import RabbitServer


class ClusterCase(FaultCase):
    """With two nodes and two workers, which end with the test."""

    async def setUp(self) -> None:  # type: ignore[override]
        super().setUp()
        self.cluster = FaultyCluster(reactor, cluster_folder(self) / "state")
        self.addCleanup(lambda: deferToThread(self.cluster.stop))
        await deferToThread(self.cluster.start)

    async def kill(self, *members: Member) -> None:
        """kill -9."""
        for member in members:
            if member.is_running:
                member.signal(signal.SIGKILL)
        await self.sleep(1.0)

    async def kill_both(self) -> None:
        """A node and a worker at once."""
        await self.kill(self.cluster.gateways[1], self.cluster.workers[1])

    async def freeze(self, member: Member, seconds: float) -> None:
        """SIGSTOP, and SIGCONT later."""
        if member.is_running:
            member.signal(signal.SIGSTOP)
        await self.sleep(seconds)
        if member.is_running:
            member.signal(signal.SIGCONT)
        await self.sleep(1.0)

    async def restart(self, engine: ServerProcess) -> None:
        """kill -9 of an engine; after a while it is started again."""
        await deferToThread(engine.kill)
        await self.sleep(1.0)

    async def cut(self, name: str, seconds: float) -> None:
        """End what goes a way, and let nothing through for a while."""
        self.cluster.ways[name].cut()
        await self.heal_later(seconds, name)

    async def hold(self, name: str, seconds: float) -> None:
        """Let nothing through for a while, without anybody's connection ending."""
        self.cluster.ways[name].hold()
        await self.heal_later(seconds, name)

    async def slow_down(self, delay: float, seconds: float) -> None:
        """Let everything be late for a while."""
        for way in self.cluster.ways.values():
            way.slow_down(delay)
        await self.sleep(seconds)
        for way in self.cluster.ways.values():
            way.slow_down(0.0)
        await self.sleep(1.0)

    async def heal_later(self, seconds: float, name: str) -> None:
        """After a while the way is as it was."""
        await self.sleep(seconds)
        self.cluster.ways[name].heal()
        await self.sleep(1.0)

    async def lapse(self, node: str) -> None:
        """Redis lets a lease go while its node lives, which then begins anew."""
        generation = await self.cluster.generation(node)
        await self.cluster.forget(node)
        while await self.cluster.generation(node) in ("", generation):
            await self.sleep(0.2)

    async def poison(self) -> None:
        """Anybody's bytes in the queues of shards, of nodes, and of pushes; they are put aside or dropped."""
        nodes = [f"{each.name}~{await self.cluster.generation(each.name)}" for each in self.cluster.gateways]
        before = await deferToThread(self.cluster.poison, nodes)
        kept = before + SHARDS + 1
        for _ in range(100):
            if await deferToThread(self.cluster.dead_letters) >= kept:
                return
            await self.sleep(0.1)
        self.fail(f"fewer than {kept} dead letters")

    async def fill(self, seconds: float) -> None:
        """RabbitMQ takes no messages for a while, as when its disk is full."""
        broker = self.cluster.cluster.engines["rabbitmq"]
        assert isinstance(broker, RabbitServer)
        await deferToThread(broker.control, "set_disk_free_limit", "100000GB")
        await self.sleep(seconds)
        await deferToThread(broker.control, "set_disk_free_limit", "1MB")
        await self.sleep(1.0)
