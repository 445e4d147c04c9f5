"""How much waits in the queues of the shards, for operators."""

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.interfaces import IReactorTime

from im.adapters.amqp.connection import GONE
from im.adapters.amqp.topology import Topology

ANSWER_SECONDS = 2.0


class ShardDepths:
    """Asks on whatever connection there is."""

    def __init__(self, topology: Topology, clock: IReactorTime) -> None:
        self._names = [topology.shard(number).name for number in range(topology.shards)]
        self._clock = clock
        self._connection: Any = None

    async def connected(self, connection: Any) -> None:
        """A connection stands."""
        self._connection = connection

    def disconnected(self) -> None:
        """It is gone."""
        self._connection = None

    async def waiting(self) -> Sequence[int | None]:
        """Messages that wait, by shard; None where the broker does not tell, or there is no queue yet."""
        depths: list[int | None] = [None] * len(self._names)
        try:
            await Deferred.fromCoroutine(self._look(depths)).addTimeout(ANSWER_SECONDS, self._clock)
        except TimeoutError:
            pass
        return depths

    async def _look(self, depths: list[int | None]) -> None:
        for number, name in enumerate(self._names):
            if self._connection is not None:
                depths[number] = await self._depth(self._connection, name)

    async def _depth(self, connection: Any, name: str) -> int | None:
        """A queue that is not there closes the channel, so each has one of its own."""
        try:
            channel = await connection.channel()
        except GONE:
            return None
        try:
            declared = await channel.queue_declare(queue=name, passive=True)
        except GONE:
            return None
        finally:
            if channel.is_open:
                channel.close()
        return int(declared.method.message_count)
