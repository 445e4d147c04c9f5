"""Any part of a cluster may die at any moment, under load: nothing is lost, doubled or reordered."""

import os
import signal
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.threads import deferToThread

from im.test.faults.case import FaultCase
from im.test.faults.clusters import FaultyCluster
from im.test.faults.people import Crowd, Traffic
from im.testing.clusters.folders import cluster_folder
from im.testing.clusters.member import Member
from im.testing.services.process import ServerProcess

OFFERED_PER_SECOND = 200.0
RUNS = int(os.environ.get("IM_TEST_FAULT_RUNS", "2"))
"""Of faults in any combination; `scripts/faults` asks for more."""
PAIRS = ("alice", "bob"), ("carol", "dave"), ("alice", "dave"), ("bob", "carol")


class ClusterTests(FaultCase):
    """One cluster stays up; each kind of fault happens once, and all is well after each."""

    timeout = 480 + 60 * RUNS

    async def setUp(self) -> None:  # type: ignore[override]
        super().setUp()
        self.cluster = FaultyCluster(reactor, cluster_folder(self) / "state")
        self.addCleanup(lambda: deferToThread(self.cluster.stop))
        await deferToThread(self.cluster.start)

    async def test_each_kind_of_fault_is_survived(self) -> None:
        crowd = await self.crowd(self.cluster, *PAIRS)
        traffic = Traffic(reactor, crowd, OFFERED_PER_SECOND)
        engines = self.cluster.cluster.engines
        traffic.start()
        await self.sleep(1.0)
        for what, fault in (
            ("a node is killed", lambda: self.kill(self.cluster.gateways[0])),
            ("a worker is killed", lambda: self.kill(self.cluster.workers[0])),
            ("a node and a worker are killed", self.kill_both),
            ("a worker stands still", lambda: self.freeze(self.cluster.workers[1], 8.0)),
            ("a node stands still", lambda: self.freeze(self.cluster.gateways[1], 8.0)),
            ("Redis loses everything", lambda: self.restart(engines["redis"])),
            ("RabbitMQ is killed", lambda: self.restart(engines["rabbitmq"])),
            ("PostgreSQL is killed", lambda: self.restart(engines["postgresql"])),
        ):
            before = crowd.offered
            await fault()
            await self.cluster.healed()
            await self.sleep(1.0)
            print(f"{what}: {crowd.offered - before} messages offered meanwhile")
        traffic.stop()
        await self.settle(crowd)

    async def test_faults_in_any_combination_are_survived(self) -> None:
        crowd = await self.crowd(self.cluster, *PAIRS)
        traffic = Traffic(reactor, crowd, OFFERED_PER_SECOND / 2)
        for run in range(RUNS):
            traffic.start()
            faults = self.random.sample(self.faults(), self.random.choice((1, 2, 2, 3)))
            await gatherResults([Deferred.fromCoroutine(fault()) for _, fault in faults])
            await self.cluster.healed()
            traffic.stop()
            await crowd.settle()
            what = f"run {run}: {', '.join(name for name, _ in faults)}"
            stored = await deferToThread(self.cluster.stored, list(crowd.people))
            self.assertEqual(crowd.check(stored).violations, (), f"IM_TEST_SEED={self.seed}, {what}")
            print(f"{what}: {crowd.offered} messages so far")

    def faults(self) -> list[tuple[str, Callable[[], Coroutine[Any, Any, None]]]]:
        """What can happen: a name, and how."""
        found: list[tuple[str, Callable[[], Coroutine[Any, Any, None]]]] = []
        for member in self.cluster.cluster.members:
            found.append((f"kill {member.name}", partial(self.kill, member)))
            seconds = self.random.uniform(0.5, 9.0)
            found.append((f"freeze {member.name} {seconds:.1f} s", partial(self.freeze, member, seconds)))
        for name, engine in self.cluster.cluster.engines.items():
            found.append((f"restart {name}", partial(self.restart, engine)))
        return found

    async def test_a_rolling_restart_of_every_process_fails_no_send(self) -> None:
        crowd = await self.crowd(self.cluster, *PAIRS)
        traffic = Traffic(reactor, crowd, OFFERED_PER_SECOND)
        traffic.start()
        for member in self.cluster.cluster.members:
            await self.sleep(1.0)
            began, before = reactor.seconds(), crowd.offered
            await deferToThread(member.stop)
            stopped = reactor.seconds() - began
            await self.cluster.healed()
            print(f"{member.name}: ended within {stopped:.1f} s, {crowd.offered - before} offered meanwhile")
        traffic.stop()
        await self.settle(crowd)

    async def settle(self, crowd: Crowd) -> None:
        """Everyone has everything, and the history holds."""
        await crowd.settle()
        await crowd.leave()
        self.assertEqual(crowd.acknowledged, crowd.offered)
        stored = await deferToThread(self.cluster.stored, list(crowd.people))
        self.assertEqual(crowd.check(stored).violations, ())

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
