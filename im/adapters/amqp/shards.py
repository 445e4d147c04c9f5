"""A worker's side of the shard queues: which it owns, in what order it works, when it gives one up.

Each shard queue has a single active consumer. A worker consumes first those that it should own, and
stands by on the rest; one that it owns and another should own, it gives up after the batch in hand by
closing the channel: the only hand-over that keeps the order.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import pika
from twisted.internet.defer import CancelledError, Deferred, gatherResults, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from im.adapters.amqp.codec import Submission, UnreadableError, pack_submission, unpack_submission
from im.adapters.amqp.connection import GONE, declare
from im.adapters.amqp.dead import dead_letter
from im.adapters.amqp.topology import Topology
from im.core.commands import Request
from im.core.errors import Code, Refused
from im.core.shards import preferred_shards
from im.ports import UnavailableError

PREFETCH = 1
"""Whatever is in hand when a worker dies counts as a crash of it, so it must be in hand alone."""

STAND_BY_SECONDS = 2.0
LOOK_SECONDS = 1.0
"""From one look at who should own what to the next."""

LAST_SECONDS = 0.1
"""An idle shard that is given up waits so long for one more batch."""

AGAIN_SECONDS = 0.5
MOST_CRASHES = 3
"""So often a request was in hand when its worker died: it is refused then, and kept among the dead."""

_HEADER = "im-crashes"

_CRASHES = Refused(Code.INTERNAL, "this request crashes whoever works on it; the operator's log says more")
_STRANGER = Refused(Code.UNAVAILABLE, "this worker is too old for the request; try again", "", 1_000)


class OwnedShard(Protocol):
    """A shard that was claimed."""

    def execute(self, requests: Sequence[Request]) -> "Deferred[bool]":
        """Do requests in order; fires with whether the shard is still ours. Never fails."""

    def refuse(self, requests: Sequence[Request], why: Refused) -> None:
        """Answer requests that are not done."""

    def release(self) -> None:
        """It is given up."""


class Ownership(NamedTuple):
    """How a worker owns shards: its name, who lives, and the claim, which may be unavailable."""

    worker: str
    workers: Callable[[], Sequence[str]]
    claim: Callable[[int], Deferred[OwnedShard]]


class _LostError(Exception):
    """The shard is another worker's now."""


class ShardConsumer:
    """One shard, on one channel at a time."""

    _log = Logger()

    def __init__(self, number: int, topology: Topology, ownership: Ownership, clock: IReactorTime) -> None:
        self.number = number
        self._clock = clock
        self._topology = topology
        self._ownership = ownership
        self._channel: Any = None
        self._tag = ""
        self._owned: OwnedShard | None = None
        self._running: Deferred[None] = succeed(None)
        self._is_giving_up = False
        self._is_busy = False
        self.unreadable = 0
        self.crashing = 0

    @property
    def is_owned(self) -> bool:
        """Whether this worker has claimed it."""
        return self._owned is not None

    @property
    def is_open(self) -> bool:
        """Whether it consumes, or stands by."""
        return self._channel is not None

    async def open(self, connection: Any) -> None:
        """Consume, or stand by until the one that does goes away. Raises AMQP's errors."""
        channel = await connection.channel()
        queue = self._topology.shard(self.number)
        await declare(channel, queue)
        await channel.basic_qos(prefetch_count=PREFETCH)
        messages, self._tag = await channel.basic_consume(queue.name)
        self._channel = channel
        self._is_giving_up = False
        self._running = Deferred.fromCoroutine(self._run(channel, messages))
        self._running.addErrback(self._ended)

    async def give_up(self) -> None:
        """Let another worker have it, after the batch in hand.

        With nothing in hand it waits a little for a last batch: one that is on its way when the channel
        is closed would count as a crash of ours, and go behind those that wait.
        """
        self._is_giving_up = True
        channel = self._channel
        if channel is not None and not self._is_busy:
            await deferLater(self._clock, LAST_SECONDS)
        if channel is not None and channel is self._channel and not self._is_busy:
            self._running.cancel()
            await self._close(channel)

    def disconnected(self) -> None:
        """The connection is gone."""
        self._channel = None
        self._release()

    async def _run(self, channel: Any, messages: Any) -> None:
        while channel is self._channel and not self._is_giving_up:
            message = await messages.get()
            self._is_busy = True
            try:
                await self._take(channel, message)
            finally:
                self._is_busy = False
        await self._close(channel)

    async def _take(self, channel: Any, message: Any) -> None:
        _, method, properties, body = message
        if self._owned is None:
            self._owned = await self._ownership.claim(self.number)
            self._log.info("shard {shard} is ours", shard=self.number)
        try:
            submission = unpack_submission(body)
        except UnreadableError as error:
            self.unreadable += 1
            self._log.warn(
                "a message of shard {shard} is put aside: {error}", shard=self.number, error=str(error)
            )
            self._bury(channel, body, str(error))
        else:
            if submission.strangers:
                self._owned.refuse(submission.strangers, _STRANGER)
            if method.redelivered:
                self._do_alone(channel, submission.requests, _crashes(properties) + 1)
            elif submission.requests and not await self._owned.execute(submission.requests):
                raise _LostError
        if self._is_giving_up:
            self._take_no_more(channel)
        channel.basic_ack(method.delivery_tag)

    def _take_no_more(self, channel: Any) -> None:
        """Before the last acknowledgement: what came after it would count as a crash of ours."""
        channel.basic_cancel(self._tag).addErrback(lambda failure: failure.trap(*GONE) and None)

    def _do_alone(self, channel: Any, requests: Sequence[Request], crashes: int) -> None:
        """What was in hand when its worker died: each request by itself, so that it takes no other along."""
        assert self._owned is not None
        if requests and crashes >= MOST_CRASHES:
            self.crashing += len(requests)
            self._log.error("requests crashed {times} workers, and are put aside", times=crashes)
            self._bury(channel, pack_submission(Submission(requests[0].node, requests)), "it crashes workers")
            self._owned.refuse(requests, _CRASHES)
            return
        properties = pika.BasicProperties(delivery_mode=1, headers={_HEADER: crashes})
        name = self._topology.shard(self.number).name
        for each in requests:
            channel.basic_publish("", name, pack_submission(Submission(each.node, [each])), properties)

    def _bury(self, channel: Any, body: bytes, reason: str) -> None:
        letter = dead_letter(reason, self._topology.shard(self.number).name)
        channel.basic_publish("", self._topology.dead.name, body, letter)

    async def _close(self, channel: Any) -> None:
        if channel is self._channel:
            self._channel = None
            self._release()
        if channel.is_open:
            channel.close()

    def _release(self) -> None:
        owned, self._owned = self._owned, None
        if owned is not None:
            owned.release()

    def _ended(self, failure: Failure) -> "Deferred[None] | None":
        if failure.check(CancelledError):
            return None
        if not failure.check(*GONE, UnavailableError, _LostError):
            self._log.failure("shard {shard} failed", failure, shard=self.number)
        elif failure.check(UnavailableError):
            self._log.warn(
                "shard {shard} can't be worked on: {error}",
                shard=self.number,
                error=failure.getErrorMessage(),
            )
        if self._channel is None:
            return None
        closing = Deferred.fromCoroutine(self._close(self._channel))
        return closing.addErrback(lambda failed: failed.trap(*GONE) and None)


class ShardConsumers:
    """All shards of a cluster, as one worker sees them, from `connected` to `stop`."""

    _log = Logger()

    def __init__(self, topology: Topology, ownership: Ownership, clock: IReactorTime) -> None:
        self._ownership = ownership
        self._topology = topology
        self._clock = clock
        self._connection: Any = None
        self._is_stopped = False
        self._looking: Deferred[None] = succeed(None)
        self.shards = [ShardConsumer(number, topology, ownership, clock) for number in range(topology.shards)]

    async def connected(self, connection: Any) -> None:
        """A connection stands: consume the shards that are ours to own, and soon stand by on the rest."""
        channel = await connection.channel()
        await declare(channel, self._topology.dead)
        self._connection = connection
        await self._open(self._mine())
        self._looking = Deferred.fromCoroutine(self._look(connection))
        self._looking.addErrback(self._looked)

    def disconnected(self) -> None:
        """The connection is gone."""
        self._connection = None
        self._looking.cancel()
        for shard in self.shards:
            shard.disconnected()

    async def stop(self) -> None:
        """Give all shards up, each after the batch in hand."""
        self._is_stopped = True
        self._connection = None
        self._looking.cancel()
        while opened := [shard for shard in self.shards if shard.is_open]:  # also what opened meanwhile
            await gatherResults([Deferred.fromCoroutine(shard.give_up()) for shard in opened])
            await deferLater(self._clock, 0.02)

    def _mine(self) -> set[int]:
        return set(preferred_shards(self._ownership.worker, self._ownership.workers(), self._topology.shards))

    async def _look(self, connection: Any) -> None:
        await deferLater(self._clock, STAND_BY_SECONDS)
        while connection is self._connection:
            mine = self._mine()
            for shard in self.shards:
                if shard.is_owned and shard.number not in mine:
                    self._log.info("shard {shard} goes to another worker", shard=shard.number)
                    await shard.give_up()
            await self._open(mine)
            await deferLater(self._clock, AGAIN_SECONDS)
            await self._open(range(self._topology.shards))
            await deferLater(self._clock, LOOK_SECONDS)

    async def _open(self, numbers: Any) -> None:
        for number in sorted(numbers):
            shard = self.shards[number]
            if self._connection is not None and not shard.is_open:
                await shard.open(self._connection)

    def _looked(self, failure: Failure) -> None:
        if not failure.check(CancelledError, *GONE, UnavailableError):
            self._log.failure("shards are balanced no more until the next connection", failure)


def _crashes(properties: Any) -> int:
    """So often as a worker wrote; whatever else stands there was no worker's."""
    crashes = (properties.headers or {}).get(_HEADER)
    return crashes if isinstance(crashes, int) else 0
