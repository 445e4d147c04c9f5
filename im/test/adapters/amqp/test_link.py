"""What a link does with names of queues that strangers chose."""

from typing import Any

from pika.spec import Basic
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from im.adapters.amqp.codec import unpack_hop
from im.adapters.amqp.link import Link
from im.adapters.amqp.publisher import NodePublisher
from im.adapters.amqp.topology import Topology
from im.core.hops import BEAT_SECONDS
from im.ports import NodeBatch

TOO_LONG = "a~" + "g" * 250


class Connection:
    """A connection, and its one channel."""

    is_open = True
    is_blocked = False

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []
        self.on_closed: Deferred[Any] = Deferred()

    def channel(self) -> "Deferred[Connection]":
        return succeed(self)

    def basic_publish(self, exchange: str, name: str, body: bytes, properties: Any, mandatory: bool) -> None:
        Basic.Publish(exchange=exchange, routing_key=name).encode()
        self.sent.append((name, body))


class LinkTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.connection = Connection()
        self.link = Link()
        self.successResultOf(Deferred.fromCoroutine(self.link.open(self.connection)))

    def test_a_name_that_no_queue_can_have_is_not_sent_to(self) -> None:
        self.assertEqual(
            (self.link.publish("q" * 255, b""), self.link.publish("q" * 256, b"")), (True, False)
        )
        self.assertFalse(self.link.publish("ü" * 128, b""))
        self.assertEqual([name for name, _ in self.connection.sent], ["q" * 255])

    def test_an_address_that_no_queue_can_have_takes_no_beat_from_the_others(self) -> None:
        clock = Clock()
        publisher = NodePublisher(Topology("im", 1), self.link, "w", str, clock)
        publisher.start(lambda: ["n~g"], str)
        publisher.publish(TOO_LONG, NodeBatch())
        for _ in range(3):
            clock.advance(BEAT_SECONDS)
        self.assertEqual({name for name, _ in self.connection.sent}, {"im.node.n~g"})
        self.assertIsNone(unpack_hop(self.connection.sent[-1][1]).batch)
