"""How much waits for a shard, on a real RabbitMQ."""

from im.adapters.amqp.connection import declare
from im.adapters.amqp.depths import ShardDepths
from im.test.adapters.amqp.cluster import AmqpCase, clock


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

    async def test_without_a_connection_nothing_is_known(self) -> None:
        depths = ShardDepths(self.topology, clock())
        connection = await self.part(depths)
        await connection.stop()
        depths.disconnected()
        self.assertEqual(await depths.waiting(), [None, None])
