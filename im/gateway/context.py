"""What a handler gets of one frame, and the base of those handlers that are part of the node."""

import builtins
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from google.protobuf.message import Message

from im.core.commands import Command, Result
from im.core.errors import Code, Refused
from im.gateway.connection import Connection
from im.gateway.requests import Requests
from im.wire.codec import pack

OnResult = Callable[["GatewayContext", Result], Any]
"""A handler's continuation. It may be a coroutine function."""

TOO_MANY = Refused(Code.RATE_LIMITED, "too many requests wait for an answer", "", 100)


class GatewayContext:
    """The `RequestContext` of the connection layer; its own handlers also use the connection.

    `number` is the type of the frame.
    """

    __slots__ = ("_is_answered", "_requests", "connection", "number", "request_id")

    def __init__(self, connection: Connection, number: int, request_id: int, requests: Requests) -> None:
        self.connection = connection
        self.number = number
        self.request_id = request_id
        self._requests = requests
        self._is_answered = False

    @property
    def user(self) -> str:
        """Who sent the frame; "" before the login."""
        session = self.connection.session
        return "" if session is None else session.user

    @property
    def device(self) -> str:
        """From which device; "" before the login."""
        session = self.connection.session
        return "" if session is None else session.device

    @property
    def session(self) -> str:
        """In which session; "" before the login."""
        session = self.connection.session
        return "" if session is None else session.id

    def reply(self, body: Message) -> None:
        """See `RequestContext`."""
        self.reply_frame(pack(body, self.request_id))

    def reply_frame(self, frame: bytes) -> None:
        """See `RequestContext`."""
        if not self._is_answered:
            self._is_answered = True
            if self.request_id:
                self.connection.send(frame)

    def refuse(self, refused: Refused) -> None:
        """See `RequestContext`."""
        if not self._is_answered:
            self._is_answered = True
            self.connection.refuse(refused, self.request_id)

    def submit(self, command: Command, on_result: OnResult) -> None:
        """See `RequestContext`."""
        connection = self.connection
        session = connection.session
        if connection.in_flight >= connection.limits.sends_in_flight:
            on_result(self, TOO_MANY)
        else:
            self._requests.submit(command, session.id if session else "", connection, self, on_result)


class GatewayHandler(ABC):
    """As `im.handler.MessageHandler`, but it sees the connection behind the context."""

    type: ClassVar[int]
    body: ClassVar[builtins.type[Message]]

    @abstractmethod
    def handle(self, context: GatewayContext, body: Any) -> Any:
        """Deal with one body. Return nothing, or a coroutine."""
