"""The base class of everything that answers a message type, and what it gets.

A subclass states `type` and `body` and implements `handle`. The connection layer finds it in a
table by its number; it parses the body once and calls `handle` on the reactor's thread.
"""

import builtins
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Protocol

from google.protobuf.message import Message

from im.core.commands import Command
from im.core.errors import Refused


class RequestContext(Protocol):
    """One frame's sender and the ways to answer it. Everything after the first answer is ignored."""

    @property
    def user(self) -> str:
        """Who sent it."""

    @property
    def device(self) -> str:
        """From which device."""

    @property
    def session(self) -> str:
        """In which session; "" before the login."""

    @property
    def request_id(self) -> int:
        """The number that the client chose; 0: no answer is wanted."""

    def reply(self, body: Message) -> None:
        """Answer with a body; its type number comes from the wire's table. Nothing if none is wanted."""

    def reply_frame(self, frame: bytes) -> None:
        """Answer with a whole envelope that was made by hand. Nothing if none is wanted."""

    def refuse(self, refused: Refused) -> None:
        """Answer with an error frame. The connection lives."""

    def submit(self, command: Command, on_result: Any) -> None:
        """Ask the business layer; `on_result(context, result)` is called once, also on a time-out."""


class MessageHandler(ABC):
    """One message type. 10,000 and above belong to apps."""

    type: ClassVar[int]
    body: ClassVar[builtins.type[Message]]

    @abstractmethod
    def handle(self, context: RequestContext, body: Any) -> Any:
        """Deal with one body. Return nothing, or a coroutine.

        `RefusedError` is answered as it says; whatever else is raised is logged and answered `internal`.
        """
