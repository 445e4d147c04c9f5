"""Types of apps that somebody outside owns, in any language: a request to the queue of the type, and back.

| a request has | |
|---|---|
| body | the message's own, unopened |
| headers `im-user`, `im-device`, `im-conversation` | who sent it, and where it belongs, "" if nowhere |
| header `im-id` | the number that the client gave it, for logs |
| `message_id` | 32 hex digits, the same at every repetition: whoever answers does it once |
| `reply_to`, `correlation_id` | an answer goes to that queue by the default exchange, with the same id |

| an answer has | |
|---|---|
| body | of the message for the sender; empty with type 0: done, and nothing to say |
| header `im-type` | its type, 10,000 or above; 0 or none: no message |
| headers `im-error`, `im-text` | in place of that: a code such as `permission_denied`, and a sentence |
"""

from collections.abc import Mapping
from typing import Any

import pika
from twisted.internet.defer import CancelledError, Deferred, TimeoutError, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from im.adapters.amqp.connection import GONE, lasting
from im.adapters.amqp.tables import UNREADABLE
from im.adapters.amqp.topology import Topology
from im.core.custom import ENVELOPE_BYTES, KEY_BYTES, Custom, CustomReply
from im.core.errors import Code, Refused, invalid

Answer = CustomReply | Refused

ANSWER_SECONDS = 5.0
"""Whoever asked has given up by then, and asks again."""

MOST_ASKED = 10_000
FIRST_OWN_TYPE = 10_000
TEXT_CHARACTERS = 200
_REPLIES = "amq.rabbitmq.reply-to"
_CODES: Mapping[str, Code] = {each.label: each for each in Code}

_UNKNOWN = Refused(Code.UNKNOWN_TYPE, "nobody owns this type")
_NOT_REACHED = Refused(Code.UNAVAILABLE, "RabbitMQ is not reached; try again", "", 500)
_NO_KEY = invalid("key", f"key must have {KEY_BYTES} bytes")
_SILENT = Refused(Code.UNAVAILABLE, "the owner of this type did not answer in time; try again")
_FULL = Refused(Code.UNAVAILABLE, "too many requests wait for owners of types", "", 1_000)
_INTERNAL = Refused(Code.INTERNAL, "the owner of this type gave no proper answer")


class CustomAsker:
    """Asks on each connection, from `connected` on. An answer must fit into a frame of `frame_bytes`."""

    _log = Logger()

    def __init__(self, topology: Topology, frame_bytes: int, clock: IReactorTime) -> None:
        self._topology = topology
        self._most_bytes = frame_bytes - ENVELOPE_BYTES
        self._clock = clock
        self._connection: Any = None
        self._channel: Any = None
        self._last = 0
        self._asked: dict[str, Deferred[Answer]] = {}

    async def connected(self, connection: Any) -> None:
        """A connection stands. Raises AMQP's errors."""
        channel = await lasting(connection)
        channel.add_on_return_callback(self._returned)
        answers, _ = await channel.basic_consume(_REPLIES, auto_ack=True)
        self._connection = connection
        self._channel = channel
        Deferred.fromCoroutine(self._listen(answers)).addErrback(self._ended)

    def disconnected(self) -> None:
        """The connection is gone, and every answer with it."""
        self._channel = None
        for number in list(self._asked):
            self._answer(number, _NOT_REACHED)

    def ask(self, custom: Custom) -> "Deferred[Answer]":
        """Have a request answered by the owner of its type. Never fails."""
        if self._channel is None or not self._channel.is_open or self._connection.is_blocked:
            return succeed(_NOT_REACHED)
        if len(self._asked) >= MOST_ASKED:
            return succeed(_FULL)
        if len(custom.key) != KEY_BYTES:
            return succeed(_NO_KEY)
        self._last += 1
        number = str(self._last)
        answered: Deferred[Answer] = Deferred()
        self._asked[number] = answered
        properties = pika.BasicProperties(
            delivery_mode=1,
            message_id=custom.key.hex(),
            correlation_id=number,
            reply_to=_REPLIES,
            expiration=str(int(ANSWER_SECONDS * 1000)),
            headers={
                "im-user": custom.user,
                "im-device": custom.device,
                "im-conversation": custom.conversation,
                "im-id": str(custom.id),
            },
        )
        queue = self._topology.custom(custom.type)
        self._channel.basic_publish("", queue, custom.body, properties, mandatory=True)
        answered.addTimeout(ANSWER_SECONDS, self._clock)
        return answered.addErrback(self._late, number)

    async def _listen(self, answers: Any) -> None:
        while True:
            _, _, properties, body = await answers.get()
            self._answer(properties.correlation_id, self._read(properties.headers or {}, body))

    def _answer(self, number: str, answer: Answer) -> None:
        asked = self._asked.pop(number, None)
        if asked is not None:
            asked.callback(answer)

    def _read(self, headers: Mapping[str, Any], body: bytes) -> Answer:
        if UNREADABLE in headers:
            self._log.warn("an answer has unreadable headers: {reason}", reason=headers[UNREADABLE])
            return _INTERNAL
        if "im-error" in headers:
            code = _CODES.get(str(headers["im-error"]), Code.INTERNAL)
            return Refused(code, str(headers.get("im-text", ""))[:TEXT_CHARACTERS])
        number = headers.get("im-type", 0)
        is_none = number == 0 and not body
        if is_none or (
            isinstance(number, int) and FIRST_OWN_TYPE <= number < 2**32 and len(body) <= self._most_bytes
        ):
            return CustomReply(int(number), body)
        self._log.warn("an answer of type {type} with {bytes} bytes is refused", type=number, bytes=len(body))
        return _INTERNAL

    def _returned(self, message: Any) -> None:
        self._answer(message.properties.correlation_id, _UNKNOWN)

    def _late(self, failure: Failure, number: str) -> Answer:
        failure.trap(TimeoutError)
        self._asked.pop(number, None)
        return _SILENT

    def _ended(self, failure: Failure) -> None:
        failure.trap(CancelledError, *GONE)
