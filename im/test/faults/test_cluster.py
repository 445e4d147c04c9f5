"""Any part of a cluster may die at any moment, under load: nothing is lost, doubled or reordered."""

import os
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.threads import deferToThread

from im.client import Client, ClientSettings, Status
from im.test.faults.cluster_case import ClusterCase
from im.test.faults.nodes import until
from im.test.faults.people import Crowd, Traffic

OFFERED_PER_SECOND = 200.0
RUNS = int(os.environ.get("IM_TEST_FAULT_RUNS", "2"))
"""Of faults in any combination; `scripts/faults` asks for more."""
ROUNDS = 12
PAIRS = ("alice", "bob"), ("carol", "dave"), ("alice", "dave"), ("bob", "carol")


class ClusterTests(ClusterCase):
    """One cluster stays up; each kind of fault happens once, and all is well after each."""

    timeout = 480 + 60 * RUNS

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
            ("a node is cut off from RabbitMQ", lambda: self.cut("node-1 and rabbitmq", 2.0)),
            ("a node is cut off from Redis", lambda: self.cut("node-2 and redis", 2.0)),
            ("a worker is cut off from PostgreSQL", lambda: self.cut("worker-1 and postgresql", 2.0)),
            ("people are cut off from a node", lambda: self.cut("people and node-1", 1.0)),
            ("nothing comes through to RabbitMQ", lambda: self.hold("worker-2 and rabbitmq", 8.0)),
            ("nothing comes through to PostgreSQL", lambda: self.hold("worker-1 and postgresql", 8.0)),
            ("every way is slow", lambda: self.slow_down(0.05, 3.0)),
            ("a lease lapses while its node lives", lambda: self.lapse("node-1")),
            ("messages come that nobody understands", self.poison),
            ("RabbitMQ's disk is full", lambda: self.fill(3.0)),
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
            self.assertEqual(await deferToThread(self.cluster.unread_differences), [], what)
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
        for name in self.cluster.ways_in_use:
            seconds = self.random.uniform(0.5, 9.0)
            found.append((f"cut {name} {seconds:.1f} s", partial(self.cut, name, seconds)))
            found.append((f"hold {name} {seconds:.1f} s", partial(self.hold, name, seconds)))
        found.append(("slow ways", partial(self.slow_down, 0.05, 3.0)))
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

    async def test_a_device_that_logs_in_on_two_nodes_at_once_has_one_session(self) -> None:
        for number in range(ROUNDS):
            user = f"twin{number}"
            doors = self.cluster.addresses_of(user)
            twins = [self.twin(user, door) for door in doors]
            for twin in twins:
                self.addCleanup(twin.stop)
                twin.start()
                await self.sleep(self.random.choice((0.0, 0.0, 0.005, 0.02)))

            def is_settled(twins: Sequence[Client] = twins) -> bool:
                found = sorted(twin.status.status.value for twin in twins)
                return found == [Status.AWAY.value, Status.ONLINE.value]

            await until(reactor, is_settled, f"one of two, round {number} of IM_TEST_SEED={self.seed}")
            (session,) = await self.cluster.sessions(user)
            (online,) = (twin.status.reason for twin in twins if twin.status.status is Status.ONLINE)
            self.assertEqual(session.node, online)

    def twin(self, user: str, door: str) -> Client:
        """A client on a device that another one claims, too."""
        settings = ClientSettings(addresses=(door,), token=self.cluster.token(user), device="phone")
        return Client(settings, reactor, random=self.random)

    async def settle(self, crowd: Crowd) -> None:
        """Everyone has everything, and the history holds."""
        await crowd.settle()
        await crowd.leave()
        self.assertEqual(crowd.acknowledged, crowd.offered)
        stored = await deferToThread(self.cluster.stored, list(crowd.people))
        self.assertEqual(crowd.check(stored).violations, ())
        self.assertEqual(await deferToThread(self.cluster.unread_differences), [])
