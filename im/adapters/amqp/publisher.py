"""The node bus on RabbitMQ: one message for each node and batch, numbered by the worker that sends it."""

from collections.abc import Callable, Iterable

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from zope.interface import implementer

from im.adapters.amqp.codec import Hop, pack_hop
from im.adapters.amqp.link import Link
from im.adapters.amqp.topology import Topology
from im.core.hops import BEAT_SECONDS
from im.ports import INodeBus, NodeBatch, NodeReceiver

_FORGOTTEN_SECONDS = 60.0


@implementer(INodeBus)
class NodePublisher:
    """Publishes for one incarnation of a worker; `worker` "": unnumbered, from one node to another.

    A number is used up by routing, also where nothing could be sent: the node sees the hole.
    """

    def __init__(
        self,
        topology: Topology,
        link: Link,
        worker: str,
        address_of: Callable[[str], str],
        clock: IReactorTime,
    ) -> None:
        self._topology = topology
        self._link = link
        self._worker = worker
        self._address_of = address_of
        self._clock = clock
        self._last: dict[str, int] = {}
        self._used_at: dict[str, float] = {}
        self._beating: IDelayedCall | None = None
        self._nodes: Callable[[], Iterable[str]] = tuple
        self._epoch: Callable[[], str] = str
        self.published = 0
        self.unroutable = 0

    def start(self, nodes: Callable[[], Iterable[str]], epoch: Callable[[], str]) -> None:
        """Beat every hop from now on: to all live nodes, telling the epoch that look-ups use."""
        self._nodes = nodes
        self._epoch = epoch
        self._beating = self._clock.callLater(0, self._beat)

    def stop(self) -> None:
        """Say that this worker ends, and beat no more."""
        if self._beating is not None:
            self._beating.cancel()
            self._beating = None
            for address in {*self._last, *self._nodes()}:
                self._send(address, Hop(self._worker, "", self._last.get(address, 0), None, is_end=True))

    def attach(self, node: str, receiver: NodeReceiver) -> None:
        """See `INodeBus`: a process's own queue is its `Inbox`, which has the receiver."""

    def detach(self, node: str) -> None:
        """See `INodeBus`."""

    def publish(self, node: str, batch: NodeBatch) -> None:
        """See `INodeBus`. `node` is an address, or a name whose present address is looked up."""
        address = self._address_of(node)
        if not address:
            return
        number = 0
        if self._worker:
            number = self._last[address] = self._last.get(address, 0) + 1
            self._used_at[address] = self._clock.seconds()
        self.published += 1
        self._send(address, Hop(self._worker, self._epoch(), number, batch))

    def returned(self, name: str, body: bytes) -> None:
        """A message found no queue: that generation of the node is over."""
        self.unroutable += 1

    def _send(self, address: str, hop: Hop) -> None:
        self._link.publish(self._topology.node_name(address), pack_hop(hop))

    def _beat(self) -> None:
        self._beating = self._clock.callLater(BEAT_SECONDS, self._beat)
        live = set(self._nodes())
        for address in live | self._last.keys():
            self._send(address, Hop(self._worker, self._epoch(), self._last.get(address, 0), None))
        before = self._clock.seconds() - _FORGOTTEN_SECONDS
        for address in [each for each, used in self._used_at.items() if used < before and each not in live]:
            del self._used_at[address], self._last[address]
