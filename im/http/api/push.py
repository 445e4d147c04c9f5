"""Pushes."""

import base64
import binascii
from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from im.business.pushing import Pushes
from im.core.errors import Code, Refused, RefusedError, invalid
from im.core.limits import Limits
from im.core.pushing import (
    FIRST_PUSHED_TYPE,
    MAX_TTL_MS,
    MOST_USERS,
    PUSH_ID_BYTES,
    Push,
    PushRecord,
    PushUser,
)
from im.http.api.table import Call, Route
from im.http.api.table import Struct as Input
from im.ports import ISessionRegistry
from im.proto import push_pb2
from im.wire.codec import pack_raw
from im.wire.types import EVENT

MOST_WAIT_SECONDS = 30.0
_PAGE = 500

DeviceClass = Literal["phone", "tablet", "desktop", "web", "bot"]
UserText = Annotated[str, Meta(max_length=64)]
State = Literal["delivered", "pending", "offline", "expired"]


class PushInput(Input):
    """A push: to whom (`to` or `everyone`), and what (`event`, or `type` with `body` in base64).

    It is stored in inboxes, for `ttl_seconds`; with `signal` it goes once to who is online. Of a
    `collapse_key` an inbox shows the newest only. `wait`: the answer comes when it is stored, or when a
    device of each user acknowledged it, `wait_seconds` later at the latest.
    """

    to: Annotated[list[UserText], Meta(max_length=MOST_USERS)] = field(default_factory=list)
    everyone: bool = False
    event: Any = UNSET
    type: Annotated[int, Meta(ge=0, lt=2**32)] | UnsetType = UNSET
    body: str = ""
    signal: bool = False
    ttl_seconds: Annotated[int, Meta(ge=1, le=MAX_TTL_MS // 1000)] | None = None
    collapse_key: Annotated[str, Meta(max_length=64)] = ""
    device_classes: list[DeviceClass] = field(default_factory=list)
    wait: Literal["stored", "delivered"] = "stored"
    wait_seconds: Annotated[float, Meta(gt=0, le=MOST_WAIT_SECONDS)] = 10.0


class PushQuery(Input):
    """Which page."""

    after: Annotated[str, Meta(max_length=64)] = ""
    limit: Annotated[int, Meta(ge=1, le=_PAGE)] = 100


class DeviceAnswer(Struct):
    """What happened to a push at one device; `acknowledged_ms`, Unix ms, 0: it did not acknowledge it."""

    device: str
    device_class: str
    state: State
    acknowledged_ms: int


class UserAnswer(Struct):
    """What happened to a push of one user; `seq` is its entry in the inbox."""

    user: str
    seq: int
    devices: list[DeviceAnswer]


class PushAnswer(Struct):
    """What became of a push. `id` "" is a signal: nothing more is known of it.

    `stored` inboxes hold it. `online` users were sent a signal, `offline` ones were not there. The
    `unknown` got nothing. `users` are told where delivery was waited for.
    """

    id: str
    stored: int
    online: int
    offline: int
    unknown: list[str]
    users: list[UserAnswer]


class PushStateAnswer(Struct):
    """One page of what became of a push; with `next` as `after` goes on, "" at the end."""

    id: str
    created_ms: int
    expires_ms: int
    users: list[UserAnswer]
    next: str


class PushParts(NamedTuple):
    """What pushes need; `now_ms` tells Unix ms."""

    pushes: Pushes
    registry: ISessionRegistry
    limits: Limits
    now_ms: Callable[[], int]


class PushDesk:
    """The routes of pushes."""

    def __init__(self, parts: PushParts) -> None:
        self._pushes, self._registry, self._limits, self._now_ms = parts

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route(
                "POST",
                "/v1/push",
                "Push to users.",
                "push",
                PushAnswer,
                self._push,
                PushInput,
                is_once=True,
                seconds=60.0,
            ),
            Route(
                "GET",
                "/v1/push/{id}",
                "What became of a push.",
                "push",
                PushStateAnswer,
                self._state,
                query=PushQuery,
                codes=(Code.NOT_FOUND,),
            ),
        ]

    async def _push(self, call: Call) -> object:
        return await self.push(call.body, call.token)

    async def push(self, body: PushInput, token: bytes) -> PushAnswer:
        """Push under the id `token`, with which a repetition changes nothing. Raises `RefusedError`."""
        if bool(body.to) is body.everyone:
            raise RefusedError(invalid("to", "name users in to, or say everyone"))
        number, data = _what(body)
        if body.signal:
            return await self._signal(body, number, data)
        push = self._made(body, number, data, token)
        users = await self._pushes.online() if body.everyone else tuple(dict.fromkeys(body.to))
        stored = await self._pushes.store(push, users)
        told: list[UserAnswer] = []
        if body.wait == "delivered":
            await self._pushes.until_acknowledged(stored.entries, push.id, body.wait_seconds)
            told = await self._told(push.id)
        return PushAnswer(push.id.hex(), len(stored.entries), 0, 0, [*stored.unknown], told)

    async def _signal(self, body: PushInput, number: int, data: bytes) -> PushAnswer:
        if body.wait == "delivered":
            raise RefusedError(invalid("wait", "a signal is not acknowledged; only what is stored is"))
        if body.ttl_seconds is not None or body.collapse_key:
            field = "collapse_key" if body.collapse_key else "ttl_seconds"
            raise RefusedError(invalid(field, "a signal is not kept"))
        frame = pack_raw(number, data)
        if len(data) > self._limits.content_bytes:
            raise RefusedError(self._too_large())
        users = await self._pushes.online() if body.everyone else tuple(dict.fromkeys(body.to))
        sent = await self._pushes.signal(frame, users, frozenset(body.device_classes))
        return PushAnswer("", 0, len(sent.online), len(sent.offline), [*sent.unknown], [])

    def _made(self, body: PushInput, number: int, data: bytes, push_id: bytes) -> Push:
        ttl_ms = MAX_TTL_MS if body.ttl_seconds is None else body.ttl_seconds * 1000
        expires_ms = self._now_ms() + ttl_ms
        classes = sorted({*body.device_classes})
        content = push_pb2.Push(
            type=number,
            body=data,
            collapse_key=body.collapse_key,
            expires_ms=expires_ms,
            device_classes=classes,
        ).SerializeToString()
        if len(content) > self._limits.content_bytes:
            raise RefusedError(self._too_large())
        return Push(push_id, content, expires_ms, body.collapse_key, ",".join(classes))

    def _too_large(self) -> Refused:
        return Refused(Code.TOO_LARGE, f"a push has at most {self._limits.content_bytes} bytes", "body")

    async def _state(self, call: Call) -> object:
        try:
            push = binascii.unhexlify(call.path["id"])
        except ValueError:
            push = b""
        if len(push) != PUSH_ID_BYTES:
            raise RefusedError(Refused(Code.NOT_FOUND, "there is no such push", "id"))
        record = await self._pushes.record(push, call.query.after, call.query.limit)
        users = await self._users(record)
        return PushStateAnswer(push.hex(), record.created_ms, record.expires_ms, users, record.next)

    async def _told(self, push: bytes) -> list[UserAnswer]:
        told: list[UserAnswer] = []
        after = ""
        while True:
            record = await self._pushes.record(push, after, _PAGE)
            told += await self._users(record)
            after = record.next
            if not after:
                return told

    async def _users(self, record: PushRecord) -> list[UserAnswer]:
        return [await self._user(user, record.expires_ms) for user in record.users]

    async def _user(self, user: PushUser, expires_ms: int) -> UserAnswer:
        sessions = await self._registry.sessions(user.user)
        online = {session.device for session in sessions}
        is_over = self._now_ms() >= expires_ms
        devices = []
        for device, device_class, acknowledged_ms in user.devices:
            state: State = "delivered"
            if not acknowledged_ms:
                state = "expired" if is_over else "pending" if device in online else "offline"
            devices.append(DeviceAnswer(device, device_class, state, acknowledged_ms))
        return UserAnswer(user.user, user.seq, devices)


def _what(body: PushInput) -> tuple[int, bytes]:
    """The type that clients get, and its body."""
    if (body.event is UNSET) is (body.type is UNSET):
        raise RefusedError(invalid("event", "give an event, or a type with its body"))
    if body.type is UNSET:
        if body.body:
            raise RefusedError(invalid("body", "an event has no other body"))
        return EVENT, push_pb2.Event(json=msgspec.json.encode(body.event)).SerializeToString()
    if body.type < FIRST_PUSHED_TYPE:
        text = f"no client may get this type by a push; an app's own are {FIRST_PUSHED_TYPE} and above"
        raise RefusedError(invalid("type", text))
    try:
        return body.type, base64.b64decode(body.body, validate=True)
    except ValueError:
        raise RefusedError(invalid("body", "body must be base64")) from None
