"""What a handler of others gets for one call, and what it decides in it."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from hashlib import blake2b
from typing import Any, NamedTuple, TypeVar

from google.protobuf.message import Message

from im.core.commands import Result
from im.core.custom import Conclude, Custom, CustomReply, GetRecord, Post, Record
from im.core.entries import TEXT
from im.core.ids import inbox_conversation
from im.core.limits import Limits
from im.handler import Owner
from im.isolation import InThread
from im.ports import IStore, Signal
from im.wire.codec import pack_raw

T = TypeVar("T")

MAX_POSTS = 16
MAX_SIGNALS = 16
MAX_SIGNALLED_USERS = 1_000
MAX_RECORDS = 64
MAX_KEY_CHARACTERS = 256
NOTHING_TO_SAY = CustomReply(0, b"")


class BoundError(ValueError):
    """A handler asked for more than one call may."""


class Surroundings(NamedTuple):
    """What all calls of one handler share."""

    owner: Owner
    store: IStore
    limits: Limits
    in_thread: InThread


class Records:
    """The `HandlerStore` of one call: what it read, with versions, and what it changed."""

    def __init__(self, handler: str, store: IStore, value_bytes: int) -> None:
        self._handler = handler
        self._store = store
        self._value_bytes = value_bytes
        self._read: dict[str, Record] = {}
        self._changed: dict[str, bytes | None] = {}

    async def get(self, key: str) -> bytes | None:
        """See `HandlerStore`. Raises `UnavailableError`."""
        if key in self._changed:
            return self._changed[key]
        if key not in self._read:
            _check_room(self._read, key)
            record: Result = await self._store.read(GetRecord(self._handler, key))
            assert isinstance(record, Record)
            self._read.setdefault(key, record)
        return self._read[key].value

    def set(self, key: str, value: bytes) -> None:
        """See `HandlerStore`."""
        if len(_of_kind(bytes, "a value", value)) > self._value_bytes:
            raise BoundError(f"a value of {len(value)} bytes, where {self._value_bytes} are allowed")
        _check_room(self._changed, key)
        self._changed[key] = value

    def delete(self, key: str) -> None:
        """See `HandlerStore`."""
        _check_room(self._changed, key)
        self._changed[key] = None

    def read(self) -> tuple[tuple[str, int], ...]:
        """The keys that were read, with their versions."""
        return tuple((key, record.version) for key, record in self._read.items())

    def changes(self) -> tuple[tuple[str, bytes | None], ...]:
        """The keys that were changed, with their new values."""
        return tuple(self._changed.items())


class Decision:
    """The `HandlerContext` of one call."""

    def __init__(self, around: Surroundings, custom: Custom, session: str, now_ms: int) -> None:
        self._around = around
        self._custom = custom
        self.user = custom.user
        self.device = custom.device
        self.session = session
        self.request_id = custom.id
        self.conversation = custom.conversation
        self.now_ms = now_ms
        self.store = Records(around.owner.name, around.store, around.limits.handler_value_bytes)
        self.signals: list[Signal] = []
        self._posts: list[Post] = []
        self._reply: CustomReply | None = None

    @property
    def settings(self) -> Mapping[str, Any]:
        """See `RequestContext`."""
        return self._around.owner.settings

    def reply(self, body: Message) -> None:
        """See `RequestContext`."""
        number, data = self._around.owner.serialized(body, self._around.limits.frame_bytes)
        if self._reply is None:
            self._reply = CustomReply(number, data)

    def post(
        self, content: str | bytes, kind: int = TEXT, conversation: str = "", as_user: bool = False
    ) -> None:
        """See `HandlerContext`."""
        if len(self._posts) >= MAX_POSTS:
            raise BoundError(f"more than {MAX_POSTS} messages in one call")
        where = _of_kind(str, "a conversation", conversation) or self.conversation
        if not where:
            raise ValueError("the request belongs to no conversation; name one")
        data = content.encode() if isinstance(content, str) else _of_kind(bytes, "content", content)
        sender = self.user if as_user else ""
        self._posts.append(Post(where, sender, self._post_id(), _of_kind(int, "a kind", kind), data))

    def deliver(self, users: Iterable[str], content: str | bytes, kind: int = TEXT) -> None:
        """See `HandlerContext`."""
        for user in _texts(users):
            self.post(content, kind, inbox_conversation(user))

    def signal(self, users: Iterable[str], body: Message) -> None:
        """See `HandlerContext`."""
        whom = _texts(users)
        if len(self.signals) >= MAX_SIGNALS or len(whom) > MAX_SIGNALLED_USERS:
            raise BoundError(
                f"more than {MAX_SIGNALS} signals in one call, or {MAX_SIGNALLED_USERS} users in one"
            )
        number, data = self._around.owner.serialized(body, self._around.limits.frame_bytes)
        self.signals.append(Signal(whom, pack_raw(number, data, 0, self.conversation), ""))

    def in_thread(self, call: Callable[..., T], *arguments: Any) -> Awaitable[T]:
        """See `RequestContext`."""
        return self._around.in_thread(lambda: call(*arguments))

    def conclude(self) -> Conclude:
        """All that was decided."""
        custom, store = self._custom, self.store
        return Conclude(
            self._around.owner.name,
            custom.user,
            custom.key,
            store.read(),
            store.changes(),
            tuple(self._posts),
            self._reply or NOTHING_TO_SAY,
        )

    def _post_id(self) -> bytes:
        """The same at every call for the same request."""
        parts = (self._around.owner.name, self.user, self._custom.key.hex(), str(len(self._posts)))
        return blake2b("~".join(parts).encode(), digest_size=16).digest()


def _of_kind(kind: type[T], name: str, value: T) -> T:
    """The value, if it is what it must be: the store takes those of many requests at once."""
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be {kind.__name__}, not {type(value).__name__}")
    return value


def _texts(users: Iterable[str]) -> tuple[str, ...]:
    """Users, and not one user, whose characters would be taken for them."""
    if isinstance(users, str):
        raise TypeError("users must be several, such as a list of one")
    return tuple(_of_kind(str, "a user", user) for user in users)


def _check_room(records: Mapping[str, object], key: str) -> None:
    if not 1 <= len(_of_kind(str, "a key", key)) <= MAX_KEY_CHARACTERS:
        raise BoundError(f"the key of a record must have 1 to {MAX_KEY_CHARACTERS} characters")
    if key not in records and len(records) >= MAX_RECORDS:
        raise BoundError(f"more than {MAX_RECORDS} records in one call")
