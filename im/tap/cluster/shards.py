"""A shard that this worker owns: its writer, who executes on it, and what is done once in a cluster."""

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from im.adapters.sql.postgres import Committed, OutboxRow, ShardLostError, ShardStore
from im.business.recovery import to_look
from im.business.worker import Worker
from im.core.commands import Query, Request, Result, Write
from im.core.errors import Refused
from im.core.seeing import FindShards, ShardsFound
from im.ports import INodeBus, IStore, NodeBatch
from im.tap.duties import Duty


@implementer(IStore)
class AnnouncedStore:
    """A shard's store that remembers which rows of the outbox belong to results that are still to be told.

    `is_lost`: another worker owns the shard. It is shard `number`, claimed at `since_ms`.
    """

    def __init__(self, shard: ShardStore, number: int, since_ms: int) -> None:
        self._shard = shard
        self._number = number
        self._since_ms = since_ms
        self._rows: dict[int, OutboxRow] = {}
        self.is_lost = False

    def write(self, batch: Sequence[Write]) -> "Deferred[list[Result]]":
        """See `IStore.write`."""
        return self._shard.commit(batch).addCallbacks(self._committed, self._failed)

    def read(self, query: Query) -> "Deferred[Result]":
        """See `IStore.read`."""
        found = self._shard.read(query)
        return found.addCallback(self._as_owner) if type(query) is FindShards else found

    def problem(self) -> str:
        """See `IStore.problem`."""
        return self._shard.problem()

    def announced(self, results: Sequence[Any]) -> None:
        """Results, or rows that were found, are told: nobody has to find them any more."""
        rows = {self._rows.pop(id(each), None) for each in results}
        rows.update(each for each in results if isinstance(each, OutboxRow))
        rows.discard(None)
        if rows:
            self._shard.announced([each for each in rows if each is not None])

    def _committed(self, committed: Committed) -> list[Result]:
        if committed.row is not None:
            for result in committed.results:
                if not isinstance(result, Refused):
                    self._rows[id(result)] = committed.row
        return committed.results

    def _as_owner(self, found: Result) -> Result:
        if isinstance(found, ShardsFound):
            return found._replace(shard=self._number, since_ms=self._since_ms)
        return found

    def _failed(self, failure: Failure) -> Failure:
        self.is_lost = self.is_lost or failure.check(ShardLostError) is not None
        return failure


class ClaimedShard:
    """`im.adapters.amqp.shards.OwnedShard`. `duties` are those that go with this shard."""

    _log = Logger()

    def __init__(
        self, shard: ShardStore, store: AnnouncedStore, worker: Worker, bus: INodeBus, duties: Sequence[Duty]
    ) -> None:
        self._shard = shard
        self._store = store
        self._worker = worker
        self._bus = bus
        self._duties = duties
        for row in shard.waiting:
            worker.tell(to_look(row.conversations, [row]))
        for duty in duties:
            duty.start()

    def execute(self, requests: Sequence[Request]) -> "Deferred[bool]":
        """See `OwnedShard`."""
        return self._worker.execute(requests).addCallback(lambda _: not self._store.is_lost)

    def refuse(self, requests: Sequence[Request], why: Refused) -> None:
        """See `OwnedShard`."""
        by_node: dict[str, list[tuple[int, Result]]] = {}
        for each in requests:
            by_node.setdefault(each.node, []).append((each.id, why))
        for node, results in by_node.items():
            self._bus.publish(node, NodeBatch(results=results))

    def release(self) -> None:
        """See `OwnedShard`."""
        for duty in self._duties:
            duty.stop()
        self._worker.stop()
        self._shard.close().addErrback(self._not_closed)

    def _not_closed(self, failure: Failure) -> None:
        self._log.failure("a shard's connection did not close", failure)
