"""Events for whoever listens on RabbitMQ: published to a topic exchange, taken when the broker says so."""

from typing import Any

import pika
from twisted.internet.defer import Deferred, TimeoutError, fail
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from im.adapters.amqp.connection import CALL_SECONDS, GONE, declare_topic, lasting
from im.adapters.amqp.dead import PERSISTENT
from im.adapters.amqp.topology import Topology
from im.ports import UnavailableError


class EventPublisher:
    """Publishes on each connection, from `connected` on. An event's kind is its routing key.

    What nobody has bound a queue for is gone: that is for those who listen to do once.
    """

    def __init__(self, topology: Topology, clock: IReactorTime) -> None:
        self._exchange = topology.events
        self._clock = clock
        self._channel: Any = None
        self.published = 0

    async def connected(self, connection: Any) -> None:
        """A connection stands. Raises AMQP's errors, `UnavailableError` for an exchange of another kind."""
        channel = await lasting(connection)
        await declare_topic(channel, self._exchange)
        await channel.confirm_delivery()
        self._channel = channel

    def disconnected(self) -> None:
        """The connection is gone."""
        self._channel = None

    def publish(self, kind: str, event: str, body: bytes) -> "Deferred[None]":
        """Fires once the broker has it; `event`, its id, is the same with every repetition.

        Fails with `UnavailableError`: whether it has it then, nobody knows.
        """
        channel = self._channel
        if channel is None or not channel.is_open:
            return fail(UnavailableError("RabbitMQ is not reached"))
        properties = pika.BasicProperties(
            delivery_mode=PERSISTENT, content_type="application/json", message_id=event
        )
        taken: Deferred[Any] = channel.basic_publish(self._exchange, kind, body, properties)
        taken.addTimeout(CALL_SECONDS, self._clock)
        return taken.addCallbacks(self._taken, self._not_taken)

    def _taken(self, _: Any) -> None:
        self.published += 1

    def _not_taken(self, failure: Failure) -> Failure:
        if failure.check(TimeoutError):
            return Failure(UnavailableError("RabbitMQ does not take the event"))
        failure.trap(*GONE)
        return Failure(UnavailableError(f"RabbitMQ: {failure.getErrorMessage()}"))
