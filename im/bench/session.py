"""A logged-in session of a load generator: just enough of the protocol, by hand where it counts."""

from collections.abc import Callable
from time import time_ns
from typing import TypeVar

from google.protobuf.message import Message

from im.bench import websocket
from im.bench.loop import Loop
from im.proto.base_pb2 import BaseMessage, Close, Error
from im.proto.session_pb2 import OnlineMessage, OnlineResult
from im.proto.sync_pb2 import Entry, Page, Pull, SyncCursor
from im.wire import codec
from im.wire.types import CLOSE, CURSOR, DELIVER, ERROR, EVENT, PRESENCE, SEND_ACK, TYPES

ANSWER_SECONDS = 30.0

_Body = TypeVar("_Body", bound=Message)


class LoadError(Exception):
    """The server refused what a load generator needs, or did not answer."""


class LoadSession:
    """One client connection, over TCP or to a `ws:` URL.

    What is not answered within `ANSWER_SECONDS` ends the run.
    """

    __slots__ = (
        "_answer",
        "_loop",
        "_request",
        "channel",
        "device",
        "on_ack",
        "on_cursor",
        "on_deliver",
        "on_event",
        "on_presence",
        "user",
    )

    def __init__(self, loop: Loop, address: tuple[str, int] | str, user: str, device: str = "load") -> None:
        self._loop = loop
        self._request = 0
        self._answer: Message | None = None
        self.user = user
        self.device = f"{device}-{user}"
        self.on_ack: Callable[[BaseMessage], None] = _ignore
        self.on_cursor: Callable[[BaseMessage], None] = _ignore
        self.on_deliver: Callable[[BaseMessage], None] = _ignore
        self.on_event: Callable[[BaseMessage], None] = _ignore
        self.on_presence: Callable[[BaseMessage], None] = _ignore
        if isinstance(address, str):
            self.channel = websocket.connect(loop, address, self._frame)
        else:
            self.channel = loop.connect(address, self._frame)

    def log_in(self, token: str) -> OnlineResult:
        """Log in, and sync from the beginning."""
        self.start_login(token)
        return self._wait(OnlineResult)

    @property
    def log_in_answer(self) -> OnlineResult:
        """What a login was answered that is through."""
        assert isinstance(self._answer, OnlineResult)
        return self._answer

    def start_login(self, token: str, cursor: SyncCursor | None = None) -> None:
        """Send the login without waiting; `is_answered` tells when it is through."""
        self._answer = None
        self.channel.write(
            codec.pack(
                OnlineMessage(
                    min_version=1,
                    max_version=1,
                    token=token,
                    device_id=self.device,
                    device_class="bot",
                    attempt=time_ns() // 1_000_000,
                    cursor=cursor,
                ),
                1,
            )
        )

    @property
    def is_answered(self) -> bool:
        """Whether the last request has its answer; raises `LoadError` if that was a refusal."""
        if isinstance(self._answer, Error | Close):
            raise LoadError(f"{self.user}: {self._answer.name}: {self._answer.text}")
        if not self.channel.is_open:
            raise LoadError(f"{self.user}: the connection was closed")
        return self._answer is not None

    def entries(self, conversation: str) -> list[Entry]:
        """The whole history of a conversation, by pages."""
        entries: list[Entry] = []
        while True:
            page = self.ask(Pull(conversation=conversation, from_seq=len(entries) + 1), Page)
            entries += page.entries
            if not page.more:
                return entries

    def ask(self, body: Message, answer: type[_Body]) -> _Body:
        """Send a request and turn the loop until its answer is here."""
        self.start_asking(body)
        return self._wait(answer)

    def start_asking(self, body: Message) -> None:
        """Send a request without waiting; `is_answered` tells when its answer is here."""
        self._request += 1
        self._answer = None
        self.channel.write(codec.pack(body, self._request))

    def _wait(self, answer: type[_Body]) -> _Body:
        self._loop.run_until(lambda: self.is_answered, ANSWER_SECONDS)
        if not isinstance(self._answer, answer):
            raise LoadError(f"{self.user}: no {answer.__name__} within {ANSWER_SECONDS:.0f} s")
        return self._answer

    def _frame(self, payload: bytes) -> None:
        envelope = BaseMessage.FromString(payload)
        number = envelope.type
        if number == DELIVER:
            self.on_deliver(envelope)
        elif number == SEND_ACK:
            self.on_ack(envelope)
        elif number == CURSOR:
            self.on_cursor(envelope)
        elif number == EVENT:
            self.on_event(envelope)
        elif number == PRESENCE:
            self.on_presence(envelope)
        elif envelope.id or number in (CLOSE, ERROR):
            self._answer = TYPES[number].body.FromString(envelope.body)


def _ignore(_: BaseMessage) -> None:
    """Nobody listens."""
