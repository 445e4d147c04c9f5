"""What every node bus does."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from im.core.errors import Code
from im.ports import ADDRESS_SEPARATOR, Eviction, INodeBus, NodeBatch


def a_batch(number: int) -> NodeBatch:
    """A batch that can be told from others."""
    return NodeBatch(evictions=(Eviction(str(number), Code.KICKED, "test"),))


class NodeBusContract(TestCase):
    """Mix in with a `bus` made in `setUp`."""

    bus: INodeBus

    def receiver(self, expected: int) -> tuple[list[NodeBatch], "Deferred[Any]"]:
        """Let node `n1` gather batches; the Deferred fires when `expected` of them came."""
        got: list[NodeBatch] = []
        done: Deferred[Any] = Deferred()

        def receive(batch: NodeBatch) -> None:
            got.append(batch)
            if len(got) == expected:
                done.callback(None)

        self.bus.attach("n1", receive)
        return got, done

    async def test_batches_to_one_node_come_in_order(self) -> None:
        got, done = self.receiver(50)
        for number in range(50):
            self.bus.publish("n1", a_batch(number))
        await done
        self.assertEqual([a_batch(number) for number in range(50)], got)

    async def test_only_the_named_node_gets_a_batch(self) -> None:
        got, done = self.receiver(1)
        self.bus.publish("n2", a_batch(1))
        self.bus.publish("n1", a_batch(2))
        await done
        self.assertEqual([a_batch(2)], got)

    async def test_a_node_is_reached_by_the_address_of_its_generation(self) -> None:
        got, done = self.receiver(1)
        self.bus.publish(self.address("n1"), a_batch(1))
        await done
        self.assertEqual([a_batch(1)], got)

    def address(self, node: str) -> str:
        """A node's name with its generation."""
        return f"{node}{ADDRESS_SEPARATOR}g"

    async def test_a_detached_node_gets_nothing(self) -> None:
        got, done = self.receiver(1)
        self.bus.detach("n1")
        self.bus.detach("n1")
        self.bus.publish("n1", a_batch(1))
        again, done = self.receiver(1)
        self.bus.publish("n1", a_batch(2))
        await done
        self.assertEqual(([], [a_batch(2)]), (got, again))
