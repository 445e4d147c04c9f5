"""What an operator does with dead letters: looks at them, sends them back where they came from, drops them.

RabbitMQ can't show a message without handing it out. So each is taken, one after the other, and what is
neither sent back nor dropped goes back into the queue when the connection ends, however it ends. Another
operator who looks meanwhile sees the rest only. The cluster may run: nobody else consumes the queue.
"""

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, NamedTuple

import pika
from pika.exceptions import ChannelClosedByBroker, NackError, UnroutableError
from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.interfaces import IReactorTime

from im.adapters.amqp.connection import CALL_SECONDS, GONE, connect, end
from im.adapters.amqp.dead import BY_BROKER, PERSISTENT, QUEUE, REASON
from im.adapters.amqp.topology import Topology
from im.core.errors import Code, Refused, RefusedError
from im.ports import UnavailableError

HEARTBEAT_SECONDS = 10
MOST_LETTERS = 10_000
"""Of one look through the queue."""

_ID_DIGITS = 16
_LAST_MS = 253_402_300_799_999
"""The end of the year 9999: what is later is no time of any letter."""


class DeadLetter(NamedTuple):
    """A message that could not be done. `queue` is where it came from, "" if it does not say.

    `id` follows from all of it: letters that are the same in everything have the same.
    """

    id: str
    queue: str
    reason: str
    message_id: str
    time_ms: int
    headers: Mapping[str, Any]
    body: bytes
    tag: int
    properties: Any


class DeadLetters:
    """One look through the queue, from its oldest letter to the last that was there at the begin.

    `count` is how many there were. Every method raises `UnavailableError` when RabbitMQ does not answer.
    """

    def __init__(self, channel: Any, topology: Topology, count: int, clock: IReactorTime) -> None:
        self._channel = channel
        self._topology = topology
        self._clock = clock
        self._left = min(count, MOST_LETTERS)
        self.count = count

    async def next(self) -> DeadLetter | None:
        """Take the next one; None: there is no more."""
        if not self._left:
            return None
        self._left -= 1
        message = await self._call(self._channel.basic_get(self._topology.dead.name))
        return None if message is None else _letter(message)

    async def retry(self, letter: DeadLetter) -> None:
        """Send it back to the queue where it came from, and take it out here once it is there.

        Killed between the two, it is in both. Raises `RefusedError` where it can't be sent back.
        """
        if not self._topology.is_ours(letter.queue):
            raise RefusedError(_refused(letter, "it does not say from which queue of this cluster it came"))
        published = self._channel.basic_publish(
            "", letter.queue, letter.body, _as_it_was(letter.properties), mandatory=True
        )
        try:
            await self._call(published)
        except UnroutableError:
            raise RefusedError(_refused(letter, f"there is no queue {letter.queue} now")) from None
        except NackError:
            raise RefusedError(_refused(letter, f"the queue {letter.queue} takes nothing now")) from None
        self.drop(letter)

    def drop(self, letter: DeadLetter) -> None:
        """Take it out for good."""
        self._channel.basic_ack(letter.tag)

    async def _call(self, called: "Deferred[Any]") -> Any:
        return await answered(called, self._clock)


@asynccontextmanager
async def dead_letters(
    parameters: pika.URLParameters, topology: Topology, reactor: Any
) -> AsyncIterator[DeadLetters]:
    """The dead letters of a cluster. What was done with them holds once this has ended without an error.

    Raises `UnavailableError` where RabbitMQ is not reached, and `RefusedError` if there is no such queue.
    """
    connection = await connect(parameters, reactor)
    try:
        channel = await answered(connection.channel(), reactor)
        await answered(channel.confirm_delivery(), reactor)
        yield DeadLetters(channel, topology, await _count(channel, topology, reactor), reactor)
        await answered(_closing(connection), reactor)
    finally:
        connection.transport.abortConnection()


async def answered(called: "Deferred[Any]", clock: IReactorTime) -> Any:
    """What RabbitMQ answers, in time. Raises `UnavailableError`; what a message meets is raised as it is."""
    try:
        return await called.addTimeout(CALL_SECONDS, clock)
    except (UnroutableError, NackError, ChannelClosedByBroker):
        raise
    except TimeoutError as error:
        raise UnavailableError("RabbitMQ does not answer") from error
    except GONE as error:
        raise UnavailableError(f"RabbitMQ: {error}") from error


async def _count(channel: Any, topology: Topology, clock: IReactorTime) -> int:
    name = topology.dead.name
    try:
        declared = await answered(channel.queue_declare(queue=name, passive=True), clock)
    except ChannelClosedByBroker as error:
        text = f"there is no queue {name}: no cluster of this name has run on this RabbitMQ"
        raise RefusedError(Refused(Code.NOT_FOUND, text)) from error
    return int(declared.method.message_count)


def _closing(connection: Any) -> "Deferred[Any]":
    """Whatever was sent before is done when the broker has answered this."""
    closed: Deferred[Any] = connection.closed
    end(connection)
    return closed


def _letter(message: Any) -> DeadLetter:
    properties = message.properties
    headers: dict[str, Any] = properties.headers or {}
    death = _death(headers)
    queue = str(headers.get(QUEUE) or death.get("queue", ""))
    reason = str(headers.get(REASON) or death.get("reason", ""))
    message_id = str(properties.message_id or "")
    digest = hashlib.sha256(b"\0".join([queue.encode(), reason.encode(), message_id.encode(), message.body]))
    time_ms = 1000 * int(properties.timestamp or 0)
    if not time_ms and isinstance(death.get("time"), datetime):
        time_ms = int(death["time"].timestamp() * 1000)
    if time_ms > _LAST_MS:
        time_ms = 0
    return DeadLetter(
        digest.hexdigest()[:_ID_DIGITS],
        queue,
        reason,
        message_id,
        time_ms,
        headers,
        message.body,
        message.method.delivery_tag,
        properties,
    )


def _death(headers: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the broker tells of the last death; anybody may have put something else there."""
    match headers.get("x-death"):
        case [Mapping() as last, *_]:
            return last
    return {}


def _as_it_was(properties: Any) -> pika.BasicProperties:
    """Without what tells of its death, which would be taken for that of the next."""
    headers = {
        name: value
        for name, value in (properties.headers or {}).items()
        if not str(name).startswith(BY_BROKER)
    }
    for name in (REASON, QUEUE):
        headers.pop(name, None)
    return pika.BasicProperties(
        delivery_mode=PERSISTENT,
        content_type=properties.content_type,
        message_id=properties.message_id,
        headers=headers or None,
    )


def _refused(letter: DeadLetter, why: str) -> Refused:
    return Refused(Code.CONFLICT, f"letter {letter.id} stays: {why}")
