"""The contracts of the bus and the bridge, held by RabbitMQ."""

from collections.abc import Sequence

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from zope.interface import implementer

from im.core.commands import Request
from im.ports import ADDRESS_SEPARATOR, INodeBus, NodeBatch, NodeReceiver
from im.test.adapters.amqp.cluster import AmqpCase, Node, Worker, clock
from im.testing.contracts import bridge, bus


@implementer(INodeBus)
class _Bus:
    """The way from a worker to nodes, each attachment under another generation."""

    def __init__(self, worker: Worker, nodes: Sequence[Node]) -> None:
        self._worker = worker
        self._left = list(nodes)
        self._attached: dict[str, Node] = {}

    def attach(self, node: str, receiver: NodeReceiver) -> None:
        self._attached[node] = attached = self._left.pop(0)
        attached.inbox._receiver = lambda batch: receiver(NodeBatch._make(map(tuple, batch)))

    def detach(self, node: str) -> None:
        self._attached.pop(node, None)

    def publish(self, node: str, batch: NodeBatch) -> None:
        attached = self._attached.get(node)
        if attached is not None:
            node = attached.inbox.address
        if ADDRESS_SEPARATOR in node:
            self._worker.publisher.publish(node, batch)


class BusContractTests(AmqpCase, bus.NodeBusContract):
    async def setUp(self) -> None:  # type: ignore[override]
        super().setUp()
        nodes = [await self.node("n1", f"g{number}") for number in range(2)]
        self.bus = _Bus(await self.worker(), nodes)

    def address(self, node: str) -> str:
        return f"{node}{ADDRESS_SEPARATOR}g0"


class BridgeContractTests(AmqpCase, bridge.BridgeContract):
    async def setUp(self) -> None:  # type: ignore[override]
        AmqpCase.setUp(self)
        bridge.BridgeContract.setUp(self)
        node, worker = await self.node(), await self.worker()
        worker.execute_all = self._execute
        self.bridge = node.bridge
        self.addCleanup(self._let_go)

    def settle(self) -> "Deferred[None]":
        return deferLater(clock(), 0.1, lambda: None)

    def _execute(self, requests: Sequence[Request]) -> "Deferred[bool]":
        return self.execute(list(requests)).addCallback(lambda _: True)

    def _let_go(self) -> None:
        for held in self.held:
            held.callback(None)
        self.held = []
