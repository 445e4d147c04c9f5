"""Work that back ends leave in a durable queue: done at least once, begun in order, acknowledged after it.

What is refused is a dead letter at once. What can't be done now is tried again here, for as long as it
takes. What fails in any other way goes back, and the broker makes it a dead letter after some attempts.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from twisted.internet.defer import CancelledError, Deferred, TimeoutError, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from im.adapters.amqp.connection import CALL_SECONDS, GONE, declare, end, lasting
from im.adapters.amqp.dead import dead_letter
from im.adapters.amqp.topology import Queue, Topology
from im.core.errors import RefusedError
from im.ports import UnavailableError

AT_ONCE = 16
"""Begun and not done yet."""

PAUSE_SECONDS = (0.5, 30.0)
"""Before the same is tried again; doubled each time."""

STOP_SECONDS = 5.0
"""What is in hand at a stop has so long; the rest goes back to the queue."""


class Job(NamedTuple):
    """A message: its `key` is the message id that whoever sent it chose, the same if it is sent again."""

    body: bytes
    key: str


Do = Callable[[Job], Deferred[None]]
"""Does a job, whatever a repetition did before. Fails with `RefusedError`, or `UnavailableError`."""


class JobConsumer:
    """Consumes a queue on each connection, from `connected` to `stop`. Counts what became of jobs."""

    _log = Logger()

    def __init__(self, topology: Topology, queue: Queue, do: Do, clock: IReactorTime) -> None:
        self._dead = topology.dead
        self._queue = queue
        self._do = do
        self._clock = clock
        self._channel: Any = None
        self._running: Deferred[None] = succeed(None)
        self._in_hand: set[Deferred[None]] = set()
        self._is_stopping = False
        self.done = 0
        self.failed = 0
        self.refused = 0

    async def connected(self, connection: Any) -> None:
        """A connection stands. Raises AMQP's errors, and `UnavailableError` for a queue of another kind."""
        channel = await lasting(connection)
        await declare(channel, self._dead)
        await declare(channel, self._queue)
        await channel.confirm_delivery()
        await channel.basic_qos(prefetch_count=AT_ONCE)
        messages, _ = await channel.basic_consume(self._queue.name)
        self._channel = channel
        self._running = Deferred.fromCoroutine(self._run(channel, messages))
        self._running.addErrback(self._consumed, connection)

    def disconnected(self) -> None:
        """The connection is gone: the broker gives what was in hand to somebody else."""
        self._channel = None
        self._let_go()

    async def stop(self) -> None:
        """Take nothing more, and let what is in hand end."""
        self._running.cancel()
        until = self._clock.seconds() + STOP_SECONDS
        while self._in_hand and self._clock.seconds() < until:
            await deferLater(self._clock, 0.02)
        channel, self._channel = self._channel, None
        self._let_go()
        if channel is not None and channel.is_open:
            channel.close()

    def _let_go(self) -> None:
        self._running.cancel()
        for taking in list(self._in_hand):
            taking.cancel()

    async def _run(self, channel: Any, messages: Any) -> None:
        while True:
            message = await messages.get()
            taking = Deferred.fromCoroutine(self._take(channel, message))
            self._in_hand.add(taking)
            taking.addErrback(self._ended).addBoth(self._taken, taking)

    def _taken(self, _: None, taking: "Deferred[None]") -> None:
        self._in_hand.discard(taking)

    async def _take(self, channel: Any, message: Any) -> None:
        _, method, properties, body = message
        job = Job(body, properties.message_id or "")
        try:
            await self._do_at_last(channel, job)
        except CancelledError:
            raise
        except Exception:
            self.failed += 1
            self._log.failure("a message of {queue} failed, and goes back", queue=self._queue.name)
            await deferLater(self._clock, PAUSE_SECONDS[0])
            channel.basic_nack(method.delivery_tag, requeue=True)
        else:
            channel.basic_ack(method.delivery_tag)

    async def _do_at_last(self, channel: Any, job: Job) -> None:
        pause, longest = PAUSE_SECONDS
        while True:
            try:
                await self._do_or_bury(channel, job)
            except UnavailableError:
                await deferLater(self._clock, pause)
                pause = min(2 * pause, longest)
            else:
                return

    async def _do_or_bury(self, channel: Any, job: Job) -> None:
        try:
            await self._do(job)
        except RefusedError as error:
            await self._bury(channel, job, str(error))
            self.refused += 1
        else:
            self.done += 1

    async def _bury(self, channel: Any, job: Job, reason: str) -> None:
        self._log.warn("a message of {queue} is put aside: {reason}", queue=self._queue.name, reason=reason)
        letter = dead_letter(reason, self._queue.name, job.key)
        kept: Deferred[Any] = channel.basic_publish("", self._dead.name, job.body, letter, mandatory=True)
        try:
            await kept.addTimeout(CALL_SECONDS, self._clock)
        except (TimeoutError, *GONE) as error:
            raise UnavailableError(f"{self._dead.name} does not take it: {error}") from error

    def _ended(self, failure: Failure) -> None:
        """Without an acknowledgement the broker gives the message out again."""
        failure.trap(CancelledError, *GONE)

    def _consumed(self, failure: Failure, connection: Any) -> None:
        """Nothing more comes: where that is not our own doing, everything is set up anew."""
        if not failure.check(CancelledError):
            end(connection)
