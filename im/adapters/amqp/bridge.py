"""The business bridge on RabbitMQ: requests to the queue of their shard, many in one message.

CPU is per message, so batches must be full: one pace for the whole process. The first request after
a pause goes at once; what follows waits for the next tick, with everything for every other shard. Of each
shard one batch is on its way: where workers are slow, batches grow, and their number does not.
"""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from zope.interface import implementer

from im.adapters.amqp.codec import Submission, UnreadableError, pack_submission, unpack_submission
from im.adapters.amqp.link import Link
from im.adapters.amqp.topology import Topology
from im.core.commands import Request, Result
from im.core.errors import Code, Refused
from im.core.shards import shard_key, shard_of
from im.ports import IBusinessBridge, NodeBatch, NodeReceiver

PACE_SECONDS = 0.005
"""Between two batches: half of 10 ms' latency, and at 5,000 messages a second half as dear again."""

LATE_SECONDS = 0.25
"""So long a batch without an answer holds up the next one of its shard."""

MOST_REQUESTS = 512
"""In one message."""

MOST_WAITING = 20_000

_NOBODY: AbstractSet[int] = frozenset()

_NOT_REACHED = Refused(Code.UNAVAILABLE, "the business layer is not reached; try again", "", 500)


class _Lane:
    """One shard: what waits, and the numbers of the batch that is on its way, taken for lost at `late_at`."""

    __slots__ = ("asked", "late_at", "queue", "waiting")

    def __init__(self, queue: str) -> None:
        self.queue = queue
        self.waiting: list[Request] = []
        self.asked = _NOBODY
        self.late_at = 0.0


@implementer(IBusinessBridge)
class AmqpBridge:
    """Submits through `link`; `reply_to` is the address of the process's own queue, "" while it has none.

    What can't be sent is answered at once, through `receiver`, as unavailable. Whoever has the queue
    tells of answers by `answered`.
    """

    def __init__(
        self,
        topology: Topology,
        link: Link,
        reply_to: Callable[[], str],
        receiver: NodeReceiver,
        clock: IReactorTime,
    ) -> None:
        self._link = link
        self._reply_to = reply_to
        self._receiver = receiver
        self._clock = clock
        self._lanes = [_Lane(topology.shard(number).name) for number in range(topology.shards)]
        self._count = 0
        self._paced: IDelayedCall | None = None
        self.published = 0

    def __len__(self) -> int:
        """How many requests wait for the next batch."""
        return self._count

    def submit(self, request: Request) -> None:
        """See `IBusinessBridge`."""
        if self._count >= MOST_WAITING:
            return  # whoever asked has a time-out, and its retries must not pile up here
        lanes = self._lanes
        lanes[shard_of(shard_key(request.command), len(lanes))].waiting.append(request)
        self._count += 1
        if self._paced is None:
            self._paced = self._clock.callLater(0, self._flush)

    def answered(self, results: Sequence[tuple[int, Result]]) -> None:
        """Answers to requests of one batch came: the next one may go."""
        if results:
            number = results[0][0]
            for lane in self._lanes:
                if number in lane.asked:
                    lane.asked = _NOBODY

    def stop(self) -> None:
        """Send no more."""
        for lane in self._lanes:
            lane.waiting.clear()
        self._count = 0
        if self._paced is not None:
            self._paced.cancel()
            self._paced = None

    def returned(self, name: str, body: bytes) -> None:
        """A message found no queue: nobody has ever owned its shard."""
        try:
            submission = unpack_submission(body)
        except UnreadableError:
            return
        self._refuse(submission.requests)

    def _flush(self) -> None:
        now = self._clock.seconds()
        sent = 0
        for lane in self._lanes:
            if lane.waiting and (not lane.asked or now >= lane.late_at):
                sent += self._publish(lane, now)
        self._count -= sent
        busy = sent or self._count
        self._paced = self._clock.callLater(PACE_SECONDS, self._flush) if busy else None

    def _publish(self, lane: _Lane, now: float) -> int:
        requests = lane.waiting[:MOST_REQUESTS]
        del lane.waiting[:MOST_REQUESTS]
        reply_to = self._reply_to()
        if reply_to and self._link.publish(lane.queue, pack_submission(Submission(reply_to, requests))):
            lane.asked = {each.id for each in requests}
            lane.late_at = now + LATE_SECONDS
            self.published += 1
        else:
            self._refuse(requests)
        return len(requests)

    def _refuse(self, requests: Sequence[Request]) -> None:
        results = [(each.id, _NOT_REACHED) for each in requests]
        self.answered(results)
        self._receiver(NodeBatch(results=results))
