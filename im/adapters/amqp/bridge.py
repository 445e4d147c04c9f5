"""The business bridge on RabbitMQ: requests to the queue of their shard, many in one message.

CPU is per message, so batches must be full: one pace for the whole process. The first request after
a pause goes at once; what follows waits for the next tick, with everything for every other shard.
"""

from collections.abc import Callable, Sequence

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from zope.interface import implementer

from im.adapters.amqp.codec import Submission, UnreadableError, pack_submission, unpack_submission
from im.adapters.amqp.link import Link
from im.adapters.amqp.topology import Topology
from im.core.commands import Request
from im.core.errors import Code, Refused
from im.core.shards import shard_key, shard_of
from im.ports import IBusinessBridge, NodeBatch, NodeReceiver

PACE_SECONDS = 0.005
"""Between two batches: half of 10 ms' latency, and at 5,000 messages a second half as dear again."""

MOST_REQUESTS = 512
"""In one message."""

MOST_WAITING = 20_000

_NOT_REACHED = Refused(Code.UNAVAILABLE, "the business layer is not reached; try again", "", 500)


@implementer(IBusinessBridge)
class AmqpBridge:
    """Submits through `link`; `reply_to` is the address of the process's own queue, "" while it has none.

    What can't be sent is answered at once, through `receiver`, as unavailable.
    """

    def __init__(
        self,
        topology: Topology,
        link: Link,
        reply_to: Callable[[], str],
        receiver: NodeReceiver,
        clock: IReactorTime,
    ) -> None:
        self._topology = topology
        self._link = link
        self._reply_to = reply_to
        self._receiver = receiver
        self._clock = clock
        self._waiting: dict[int, list[Request]] = {}
        self._count = 0
        self._paced: IDelayedCall | None = None
        self._is_fresh = False
        self.published = 0

    def __len__(self) -> int:
        """How many requests wait for the next batch."""
        return self._count

    def submit(self, request: Request) -> None:
        """See `IBusinessBridge`."""
        if self._count >= MOST_WAITING:
            return  # whoever asked has a time-out, and its retries must not pile up here
        shard = shard_of(shard_key(request.command), self._topology.shards)
        self._waiting.setdefault(shard, []).append(request)
        self._count += 1
        if self._paced is None:
            self._paced = self._clock.callLater(0, self._flush)

    def stop(self) -> None:
        """Send no more."""
        self._waiting.clear()
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
        self._paced = None
        if not self._count:
            return
        waiting, self._waiting, self._count = self._waiting, {}, 0
        self._paced = self._clock.callLater(PACE_SECONDS, self._flush)
        for shard, requests in waiting.items():
            for start in range(0, len(requests), MOST_REQUESTS):
                self._publish(shard, requests[start : start + MOST_REQUESTS])

    def _publish(self, shard: int, requests: list[Request]) -> None:
        reply_to = self._reply_to()
        name = self._topology.shard(shard).name
        if reply_to and self._link.publish(name, pack_submission(Submission(reply_to, requests))):
            self.published += 1
        else:
            self._refuse(requests)

    def _refuse(self, requests: Sequence[Request]) -> None:
        self._receiver(NodeBatch(results=[(each.id, _NOT_REACHED) for each in requests]))
