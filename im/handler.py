"""The base class of everything that answers a message type of an app, and what it gets.

A subclass states `type` and `body` and implements `handle`. It is found by its entry point in the
group `im.handlers`; `docs/extending.md` walks through it.
"""

import builtins
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, ClassVar, NamedTuple, Protocol, TypeVar

from google.protobuf.message import Message

from im.core.commands import Command
from im.core.custom import ENVELOPE_BYTES
from im.core.entries import TEXT
from im.core.errors import Refused

T = TypeVar("T")

BUSINESS, GATEWAY = "business", "gateway"


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

    @property
    def conversation(self) -> str:
        """Where the message belongs; "": nowhere. The id allows that the user is in it."""

    @property
    def now_ms(self) -> int:
        """When it came, Unix ms."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """The section `[handlers.NAME]` of the configuration, NAME being the entry point's."""

    def reply(self, body: Message) -> None:
        """Answer with a body of the handler's `bodies`. Nothing if no answer is wanted.

        Raises `TypeError` for another body. Without any answer the client gets OK.
        """

    def in_thread(self, call: Callable[..., T], *arguments: Any) -> Awaitable[T]:
        """Run what blocks, such as a query to a database of the app's own, on a thread of the handler's.

        It may be run again for the same request, after a crash or a repetition.
        """


class GatewayContext(RequestContext, Protocol):
    """What a handler gets that `runs_on` the gateway: it has no store, and answers at once."""

    def refuse(self, refused: Refused) -> None:
        """Answer with an error frame. The connection lives."""

    def submit(self, command: Command, on_result: Any) -> None:
        """Ask the business layer; `on_result(context, result)` is called once, also on a time-out."""


class HandlerStore(Protocol):
    """Records of the handler's own, by key: 1 to 256 characters. Other handlers have others.

    What is set is stored when `handle` has ended, together with what is posted. If a record that was
    read has changed meanwhile, nothing is stored and `handle` is called again: so no change is lost.
    """

    def get(self, key: str) -> Awaitable[bytes | None]:
        """The value as it is committed, or as this call set it; None: there is none."""

    def set(self, key: str, value: bytes) -> None:
        """Keep a value, at most `handler_value_bytes` long."""

    def delete(self, key: str) -> None:
        """Keep nothing under this key."""


class HandlerContext(RequestContext, Protocol):
    """What a handler gets that `runs_on` the business layer.

    All that it asks for here happens when `handle` has ended, and only once for one request, however
    often that is repeated; none of it happens if `handle` raises.
    """

    @property
    def store(self) -> HandlerStore:
        """Records of the handler's own."""

    def post(
        self, content: str | bytes, kind: int = TEXT, conversation: str = "", as_user: bool = False
    ) -> None:
        """Store a message in a conversation, by default the request's, and deliver it to its members.

        It is the app's own (its sender is ""), or with `as_user` in the user's name, who must be allowed to.
        Kinds of 100 and above never count as unread; only the app may send them. At most 16 in one call.
        """

    def deliver(self, users: Iterable[str], content: str | bytes, kind: int = TEXT) -> None:
        """Store a message of the app in the inbox of each user, and deliver it. Each counts as a post."""

    def signal(self, users: Iterable[str], body: Message) -> None:
        """Send a body of the handler's `bodies` to sessions of `users` that are online, once. Not stored.

        At most 16 in one call, each to at most 1,000 users.
        """


class Extension:
    """What an app adds to the system: how many calls of it may run, for how long, and its settings."""

    timeout_seconds: ClassVar[float] = 3.0
    """After this a call is cancelled and answered `unavailable`; what was not yet being stored never is."""

    concurrency: ClassVar[int] = 16
    """So many calls run at the same time; of one conversation, or one user's without one, one at a time."""

    waiting: ClassVar[int] = 1_000
    """So many more wait for their turn; beyond, the client gets `rate_limited`."""

    threads: ClassVar[int] = 4
    """So many `in_thread` at the same time."""

    def configure(self, settings: Mapping[str, Any]) -> None:
        """Take the settings, once, at the start. Raise ValueError for what can't be; it ends the start."""


class Named(Protocol):
    """An extension under the name that logs and metrics have it by."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def handler(self) -> Extension:
        """It."""


class MessageHandler(Extension, ABC):
    """One message type of an app.

    `bodies` are the types that it sends itself, answers and signals, by number; they are its own, too.
    """

    type: ClassVar[int]
    """10,000 and above."""

    body: ClassVar[builtins.type[Message]]

    bodies: ClassVar[Mapping[int, builtins.type[Message]]] = {}

    runs_on: ClassVar[str] = BUSINESS
    """`business`, where the data is, or `gateway`, where the connection is."""

    needs_conversation: ClassVar[bool] = False
    """Whether a frame that belongs to no conversation is refused."""

    @abstractmethod
    def handle(self, context: Any, body: Any) -> Any:
        """Deal with one body: a coroutine function, or a function that returns nothing.

        `RefusedError` is answered as it says; whatever else is raised is logged and answered `internal`.
        """


class Owner(NamedTuple):
    """A handler under its name, that of its entry point, with its settings."""

    name: str
    handler: MessageHandler
    settings: Mapping[str, Any] = {}

    def serialized(self, body: Message, frame_bytes: int) -> tuple[int, bytes]:
        """The type and the bytes of a body that the handler sends.

        Raises `TypeError` for one that it doesn't state, `ValueError` for one that fits into no frame.
        """
        for number, kind in self.handler.bodies.items():
            if type(body) is kind:
                data = body.SerializeToString()
                if len(data) > frame_bytes - ENVELOPE_BYTES:
                    raise ValueError(f"a body of {len(data)} bytes does not fit into a frame")
                return number, data
        raise TypeError(f"{type(body).__name__} is none of the bodies of handler {self.name}")
