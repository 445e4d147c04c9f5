"""Publishing without waiting: one channel, one set of properties, nothing confirmed."""

from collections.abc import Callable
from typing import Any

import pika

from im.adapters.amqp.connection import lasting

_NAME_BYTES = 255
"""AMQP's bound of a queue's name, which whoever asked may have chosen."""

_TRANSIENT = pika.BasicProperties(delivery_mode=1)

Returned = Callable[[str, bytes], None]
"""Is told of a message that found no queue: its routing key, and its body."""


class Link:
    """A channel that may be there or not. What is published while it isn't, or is not read, is dropped."""

    def __init__(self, returned: Returned | None = None) -> None:
        self._connection: Any = None
        self._channel: Any = None
        self._returned = returned

    @property
    def is_up(self) -> bool:
        """Whether anything can be published."""
        channel = self._channel
        return channel is not None and channel.is_open and not self._connection.is_blocked

    async def open(self, connection: Any) -> None:
        """Use a new connection."""
        channel = await lasting(connection)
        if self._returned is not None:
            channel.add_on_return_callback(self._on_return)
        self._connection = connection
        self._channel = channel

    def close(self) -> None:
        """The connection is gone."""
        self._channel = None

    def publish(self, name: str, body: bytes) -> bool:
        """Send to a queue; False: there is no connection, or no queue can have that name."""
        if not self.is_up or len(name.encode()) > _NAME_BYTES:
            return False
        self._channel.basic_publish("", name, body, _TRANSIENT, mandatory=self._returned is not None)
        return True

    def _on_return(self, message: Any) -> None:
        assert self._returned is not None
        self._returned(message.method.routing_key, message.body)
