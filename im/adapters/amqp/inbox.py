"""A process's own queue: answers, deliveries and beats, under one generation at a time."""

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from im.adapters.amqp.codec import UnreadableError, unpack_hop
from im.adapters.amqp.connection import CALL_SECONDS, GONE, declare
from im.adapters.amqp.topology import Topology
from im.core.hops import BEAT_SECONDS, Hops
from im.ports import NodeReceiver, UnavailableError

_PREFETCH = 256
_ACK_EVERY = 16
_ACK_SECONDS = 0.05

Doubt = Callable[[str], None]


class Inbox:
    """Consumes the queue of an address and hands batches on; tells whatever makes them incomplete.

    `epoch` gives the registry's epoch that this process knows, "" if it knows none.
    """

    _log = Logger()

    def __init__(
        self,
        topology: Topology,
        receiver: NodeReceiver,
        doubt: Doubt,
        epoch: Callable[[], str],
        clock: IReactorTime,
    ) -> None:
        self._topology = topology
        self._receiver = receiver
        self._doubt = doubt
        self._epoch = epoch
        self._clock = clock
        self._connection: Any = None
        self._channel: Any = None
        self._hops = Hops()
        self._unacked = 0
        self._last_tag = 0
        self._acking: IDelayedCall | None = None
        self._listening: IDelayedCall | None = None
        self.address = ""
        self.unreadable = 0
        self.delivered = 0

    def connected(self, connection: Any) -> None:
        """A connection stands."""
        self._connection = connection

    def disconnected(self) -> None:
        """The connection is gone, and the queue with it."""
        self._connection = None
        had_queue = bool(self.address)
        self._leave()
        if had_queue:
            self._doubt("RabbitMQ is gone, and this node's queue with it")

    async def join(self, address: str) -> None:
        """Have a queue of a new address, and none of the old. Raises `UnavailableError`."""
        try:
            await Deferred.fromCoroutine(self._join(address)).addTimeout(CALL_SECONDS, self._clock)
        except TimeoutError as error:
            raise UnavailableError("RabbitMQ does not make this node's queue") from error

    async def _join(self, address: str) -> None:
        if self._connection is None:
            raise UnavailableError("RabbitMQ is not reached")
        old, old_address = self._channel, self.address
        self._leave()
        try:
            channel = await self._connection.channel()
            await channel.basic_qos(prefetch_count=_PREFETCH)
            queue = self._topology.node(address)
            await declare(channel, queue)
            messages, _ = await channel.basic_consume(queue.name)
            if old is not None:
                await old.queue_delete(queue=self._topology.node_name(old_address))
                old.close()
        except GONE as error:
            raise UnavailableError(f"RabbitMQ: {error}") from error
        self._hops = Hops()
        self._channel = channel
        self.address = address
        self._next(channel, messages)
        self._listening = self._clock.callLater(BEAT_SECONDS, self._listen)

    def named(self, workers: Sequence[str]) -> None:
        """The registry names the workers that live."""
        if self.address:
            self._judge(self._hops.named(workers, self._clock.seconds()))

    def stop(self) -> None:
        """Take nothing more."""
        self._leave()

    def _leave(self) -> None:
        self.address = ""
        self._channel = None
        self._unacked = 0
        for call in (self._acking, self._listening):
            if call is not None:
                call.cancel()
        self._acking = self._listening = None

    def _next(self, channel: Any, messages: Any) -> None:
        messages.get().addCallbacks(
            self._arrived, self._closed, callbackArgs=(channel, messages), errbackArgs=(channel,)
        )

    def _arrived(self, message: Any, channel: Any, messages: Any) -> None:
        _, method, _, body = message
        if channel is not self._channel:
            return
        self._take(body)
        if channel is self._channel:
            self._acknowledge(method.delivery_tag)
            self._next(channel, messages)

    def _take(self, body: bytes) -> None:
        try:
            hop = unpack_hop(body)
        except UnreadableError as error:
            self.unreadable += 1
            self._log.warn("a message in this node's queue is dropped: {error}", error=str(error))
            return
        now, problem = self._clock.seconds(), ""
        if hop.is_end:
            self._hops.ended(hop.worker)
        elif hop.batch is None:
            problem = self._hops.beat(hop.worker, hop.number, now)
            if not problem and hop.epoch and hop.epoch != self._epoch():
                problem = f"worker {hop.worker} looks up in another epoch of the registry"
        elif hop.number:
            problem = self._hops.message(hop.worker, hop.number, now)
        if hop.batch is not None:
            self.delivered += bool(hop.batch.deliveries)
            self._receiver(hop.batch)
        self._judge(problem)

    def _judge(self, problem: str) -> None:
        if problem:
            self._doubt(problem)

    def _closed(self, failure: Failure, channel: Any) -> None:
        if channel is self._channel:
            self._leave()
            self._doubt(f"this node's queue is gone: {failure.getErrorMessage()}")

    def _acknowledge(self, tag: int) -> None:
        self._last_tag = tag
        self._unacked += 1
        if self._unacked >= _ACK_EVERY:
            self._ack_now()
        elif self._acking is None:
            self._acking = self._clock.callLater(_ACK_SECONDS, self._ack_idle)

    def _ack_idle(self) -> None:
        self._acking = None
        if self._unacked:
            self._ack_now()

    def _ack_now(self) -> None:
        self._unacked = 0
        self._channel.basic_ack(self._last_tag, multiple=True)

    def _listen(self) -> None:
        self._listening = self._clock.callLater(BEAT_SECONDS, self._listen)
        self._judge(self._hops.silent(self._clock.seconds()))
