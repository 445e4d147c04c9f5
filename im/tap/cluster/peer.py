"""What every process of a cluster has of RabbitMQ: one connection, a queue of its own, a way to ask."""

from collections.abc import Callable
from typing import Any, NamedTuple

from im.adapters.amqp.bridge import AmqpBridge
from im.adapters.amqp.connection import AmqpConnection
from im.adapters.amqp.inbox import Inbox
from im.adapters.amqp.link import Link
from im.adapters.amqp.publisher import NodePublisher
from im.adapters.redis.directory import Directory
from im.ports import NodeBatch
from im.tap.cluster.engines import Engines
from im.tap.process import INodeReactor


class PeerEnds(NamedTuple):
    """Where what comes in goes: batches, doubts; and the epoch of the registry that this process knows."""

    receive: Callable[[NodeBatch], None]
    doubt: Callable[[str], None]
    epoch: Callable[[], str]


class Peer:
    """One process's place among the others. `worker` is its incarnation if it is a worker, else ""."""

    def __init__(
        self, engines: Engines, worker: str, directory: Directory, ends: PeerEnds, reactor: INodeReactor
    ) -> None:
        topology = engines.topology
        self._set_ups: list[Callable[[Any], Any]] = []
        self._losses: list[Callable[[], None]] = []
        self._receive = ends.receive
        self._link = Link(self._returned)
        self.inbox = Inbox(topology, self._take, ends.doubt, ends.epoch, reactor)
        self.bridge = AmqpBridge(topology, self._link, lambda: self.inbox.address, ends.receive, reactor)
        self.publisher = NodePublisher(topology, self._link, worker, directory.address_of, reactor)
        self.connection = AmqpConnection(engines.amqp, reactor, self._set_up, self._lost)

    def also(self, set_up: Callable[[Any], Any], lost: Callable[[], None]) -> None:
        """Set more up on each connection. Before `start`."""
        self._set_ups.append(set_up)
        self._losses.append(lost)

    def start(self) -> None:
        """Connect, now and again."""
        self.connection.start()

    async def stop(self) -> None:
        """Take leave of everyone."""
        self.bridge.stop()
        self.inbox.stop()
        self.publisher.stop()
        await self.connection.stop()

    async def _set_up(self, connection: Any) -> None:
        await self._link.open(connection)
        self.inbox.connected(connection)
        for set_up in self._set_ups:
            await set_up(connection)

    def _lost(self) -> None:
        self._link.close()
        self.inbox.disconnected()
        for lost in self._losses:
            lost()

    def _take(self, batch: NodeBatch) -> None:
        self.bridge.answered(batch.results)
        self._receive(batch)

    def _returned(self, name: str, body: bytes) -> None:
        self.publisher.returned(name, body)
        self.bridge.returned(name, body)
