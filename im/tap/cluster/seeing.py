"""What operators see of a cluster's shards: asked of their owners, of the table, and of RabbitMQ."""

from collections.abc import Sequence
from itertools import count
from typing import Any

from twisted.internet.defer import Deferred, TimeoutError, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from im.adapters.amqp.depths import ShardDepths
from im.core.commands import Result
from im.core.seeing import FindShards, ShardRow, ShardsFound
from im.core.shards import shard_of
from im.http.seeing import ShardStatus
from im.ports import IStore, UnavailableError
from im.tap.cluster.store import first_error

OWNER_SECONDS = 2.0
"""So long the owner of a shard has to answer."""


class ShardsSeen:
    """Asks every shard's owner at once. One that nobody has needed yet is claimed by the question."""

    def __init__(self, store: IStore, depths: ShardDepths, shards: int, clock: IReactorTime) -> None:
        self._store = store
        self._depths = depths
        self._keys = [_key_in(number, shards) for number in range(shards)]
        self._clock = clock

    async def all(self) -> Sequence[ShardStatus]:
        """Every shard. What no owner tells is known from the table; without any answer, not at all."""
        asking = gatherResults([self._ask(key) for key in self._keys], consumeErrors=True)
        depths = await self._depths.waiting()
        found = [answer for answer in await asking.addErrback(first_error) if isinstance(answer, ShardsFound)]
        by_epoch = sorted((row for each in found for row in each.rows), key=lambda row: row.epoch)
        rows = {row.shard: row for row in by_epoch}
        since = {each.shard: each.since_ms for each in found}
        return [
            _status(rows.get(number, ShardRow(number, "", 0)), depths[number], since.get(number))
            for number in range(len(self._keys))
        ]

    def _ask(self, key: str) -> "Deferred[Result | None]":
        asked: Deferred[Any] = self._store.read(FindShards(key))
        return asked.addTimeout(OWNER_SECONDS, self._clock).addErrback(_silent)


def _status(row: ShardRow, waiting: int | None, since_ms: int | None) -> ShardStatus:
    return ShardStatus(row.shard, row.owner, row.epoch, since_ms or 0, waiting, since_ms is not None)


def _silent(failure: Failure) -> None:
    failure.trap(TimeoutError, UnavailableError)


def _key_in(shard: int, shards: int) -> str:
    """An id that belongs to a shard."""
    return next(key for key in map(str, count()) if shard_of(key, shards) == shard)
