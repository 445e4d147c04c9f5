"""Nodes and workers on one real RabbitMQ, each with a connection of its own."""

import itertools
import os
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from twisted.internet import reactor
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from im.adapters.amqp import shards as sharding
from im.adapters.amqp.bridge import AmqpBridge
from im.adapters.amqp.connection import AmqpConnection, parameters_of
from im.adapters.amqp.inbox import Inbox
from im.adapters.amqp.link import Link
from im.adapters.amqp.publisher import NodePublisher
from im.adapters.amqp.shards import Ownership, ShardConsumers
from im.adapters.amqp.topology import Topology
from im.core.commands import Request
from im.core.errors import Refused
from im.core.messages import Send, Sent
from im.ports import NodeBatch, UnavailableError
from im.testing.services import shared

_numbers = itertools.count(1)
DIRECT = "d~alice~bob"


def clock() -> Any:
    """The reactor."""
    assert IReactorTime.providedBy(reactor)
    return reactor


def a_send(number: int, conversation: str = DIRECT) -> Send:
    """A text."""
    return Send(conversation, "alice", "phone", number.to_bytes(16, "big"), b"", 0, 1, b"text")


class Node:
    """The AMQP side of a gateway."""

    def __init__(self, name: str, topology: Topology, url: str) -> None:
        self.name = name
        self.batches: list[NodeBatch] = []
        self.doubts: list[str] = []
        self.link = Link(lambda name, body: self.bridge.returned(name, body))
        self.inbox = Inbox(topology, self._take, self.doubts.append, lambda: "epoch", clock())
        self.bridge = AmqpBridge(
            topology, self.link, lambda: self.inbox.address, self.batches.append, clock()
        )
        self.connection = AmqpConnection(parameters_of(url, 10), clock(), self._set_up, self._lost)

    async def _set_up(self, connection: Any) -> None:
        await self.link.open(connection)
        self.inbox.connected(connection)

    def _lost(self) -> None:
        self.link.close()
        self.inbox.disconnected()

    def _take(self, batch: NodeBatch) -> None:
        self.bridge.answered(batch.results)
        self.batches.append(batch)

    async def stop(self) -> None:
        self.bridge.stop()
        self.inbox.stop()
        await self.connection.stop()

    @property
    def results(self) -> list[tuple[int, Any]]:
        """All answers so far."""
        return [each for batch in self.batches for each in batch.results]


class Shard:
    """A shard in memory that stores by answering."""

    def __init__(self, worker: "Worker", number: int) -> None:
        self.worker = worker
        self.number = number

    def execute(self, requests: Sequence[Request]) -> "Deferred[bool]":
        self.worker.done.append((self.number, [each.id for each in requests]))
        if self.worker.execute_all is not None:
            return self.worker.execute_all(requests)
        return succeed(self.worker.act(self, requests))

    def answer(self, requests: Sequence[Request]) -> bool:
        """Answer as a store would."""
        results: list[tuple[int, Any]] = [
            (each.id, Sent(DIRECT, each.id, each.id, 7, "epoch", False)) for each in requests
        ]
        self.worker.publisher.publish(requests[0].node, NodeBatch(results=results))
        return True

    def refuse(self, requests: Sequence[Request], why: Refused) -> None:
        self.worker.publisher.publish(
            requests[0].node, NodeBatch(results=[(each.id, why) for each in requests])
        )

    def release(self) -> None:
        self.worker.owned.discard(self.number)


class Worker:
    """The AMQP side of a worker; `act` is what its shards do with requests."""

    def __init__(self, name: str, topology: Topology, url: str, names: list[str]) -> None:
        self.name = name
        self.owned: set[int] = set()
        self.done: list[tuple[int, list[int]]] = []
        self.act: Callable[[Shard, Sequence[Request]], bool] = Shard.answer
        self.execute_all: Callable[[Sequence[Request]], Deferred[bool]] | None = None
        self.addresses: list[str] = []
        self.is_claiming = True
        self.link = Link(lambda name, body: self.publisher.returned(name, body))
        self.publisher = NodePublisher(topology, self.link, name, str, clock())
        self.shards = ShardConsumers(topology, Ownership(name, lambda: names, self._claim), clock())
        self.connection = AmqpConnection(parameters_of(url, 2), clock(), self._set_up, self._lost)
        self.publisher.start(lambda: self.addresses, lambda: "epoch")

    def _claim(self, number: int) -> "Deferred[Any]":
        if not self.is_claiming:
            return Deferred.fromCoroutine(_unavailable())
        self.owned.add(number)
        return succeed(Shard(self, number))

    async def _set_up(self, connection: Any) -> None:
        await self.link.open(connection)
        await self.shards.connected(connection)

    def _lost(self) -> None:
        self.link.close()
        self.shards.disconnected()

    async def stop(self) -> None:
        await self.shards.stop()
        self.publisher.stop()
        await self.connection.stop()


async def _unavailable() -> Shard:
    raise UnavailableError("no database")


class Part(Protocol):
    """What is set up on a connection."""

    async def connected(self, connection: Any) -> None:
        """A connection stands."""

    def disconnected(self) -> None:
        """It is gone."""


class AmqpCase(TestCase):
    """Queues of its own on the test run's RabbitMQ."""

    uses_processes = True
    timeout = 60
    shards = 4

    def setUp(self) -> None:
        self.hurry()
        self.url = shared("rabbitmq")
        self.topology = Topology(f"im-test-{os.getpid()}-{next(_numbers)}", self.shards)
        self.names: list[str] = []
        self.addCleanup(lambda: Deferred.fromCoroutine(self._remove()))

    def hurry(self) -> None:
        """Let shards change hands in tenths of the time."""
        for name in ("STAND_BY_SECONDS", "LOOK_SECONDS", "AGAIN_SECONDS"):
            self.patch(sharding, name, getattr(sharding, name) / 10)

    async def until(self, condition: Callable[[], Any]) -> None:
        """Wait for the network, and nothing else."""
        while not condition():
            await deferLater(clock(), 0.01)

    async def node(self, name: str = "n1", generation: str = "g1") -> Node:
        """A node whose queue stands."""
        node = Node(name, self.topology, self.url)
        self.addCleanup(lambda: Deferred.fromCoroutine(node.stop()))
        node.connection.start()
        await self.until(lambda: not node.connection.problem)
        await node.inbox.join(f"{name}~{generation}")
        return node

    async def worker(self, name: str = "w1", stays: bool = False) -> Worker:
        """A worker that has its shards."""
        self.names.append(name)
        worker = Worker(name, self.topology, self.url, self.names)
        if not stays:
            self.addCleanup(lambda: Deferred.fromCoroutine(worker.stop()))
        worker.connection.start()
        await self.until(lambda: not worker.connection.problem)
        return worker

    async def channel(self) -> Any:
        """A channel of somebody else's, with pika alone."""
        channels: list[Any] = []

        async def set_up(connection: Any) -> None:
            channels.append(await connection.channel())

        connection = AmqpConnection(parameters_of(self.url, 10), clock(), set_up, lambda: None)
        self.addCleanup(lambda: Deferred.fromCoroutine(connection.stop()))
        connection.start()
        await self.until(lambda: not connection.problem)
        return channels[0]

    async def part(self, part: Part) -> AmqpConnection:
        """A connection on which one part is set up, whenever it is made."""
        connection = AmqpConnection(parameters_of(self.url, 10), clock(), part.connected, part.disconnected)
        self.addCleanup(lambda: Deferred.fromCoroutine(connection.stop()))
        connection.start()
        await self.until(lambda: not connection.problem)
        return connection

    async def _remove(self) -> None:
        channel = await self.channel()
        names = [self.topology.shard(number).name for number in range(self.shards)]
        for name in (*names, self.topology.push.name, self.topology.dead.name):
            await channel.queue_delete(queue=name)
        await channel.exchange_delete(exchange=self.topology.events)
