"""How much waits for a shard, on a real RabbitMQ."""

from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from im.adapters.amqp.connection import declare
from im.adapters.amqp.depths import ANSWER_SECONDS, ShardDepths
from im.test.adapters.amqp.cluster import AmqpCase, clock


class _Late:
    """A connection and its one channel, on which nothing is answered."""

    is_open = True

    def channel(self) -> "Deferred[_Late]":
        return succeed(self)

    def queue_declare(self, queue: str, passive: bool) -> "Deferred[Any]":
        return Deferred()

    def close(self) -> None:
        self.is_open = False


class DepthTests(AmqpCase):
    shards = 2

    async def test_messages_that_wait_are_counted_by_shard(self) -> None:
        depths, channel = ShardDepths(self.topology, clock()), await self.channel()
        await self.part(depths)
        self.assertEqual(await depths.waiting(), [None, None], "there is no queue yet")
        await declare(channel, self.topology.shard(1))
        await channel.confirm_delivery()
        for _ in range(3):
            await channel.basic_publish("", self.topology.shard(1).name, b"batch")
        self.assertEqual(await depths.waiting(), [None, 3])

    async def test_a_broker_that_does_not_answer_in_time_is_left_no_channel(self) -> None:
        patience, late = Clock(), _Late()
        depths = ShardDepths(self.topology, patience)
        await depths.connected(late)
        waiting = Deferred.fromCoroutine(depths.waiting())
        patience.advance(ANSWER_SECONDS)
        self.assertEqual((self.successResultOf(waiting), late.is_open), ([None, None], False))

    async def test_without_a_connection_nothing_is_known(self) -> None:
        depths = ShardDepths(self.topology, clock())
        connection = await self.part(depths)
        await connection.stop()
        depths.disconnected()
        self.assertEqual(await depths.waiting(), [None, None])
