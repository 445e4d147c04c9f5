"""What is pushed: checked as the node will check it, and written as it is posted.

The body of `POST /v1/push` is kept in two parts, the users and the rest, and its `ttl_seconds` comes in
between when it is first sent: so every repetition has the same bytes.
"""

import base64
import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from im.core.errors import Refused
from im.core.ids import DEVICE_CLASSES, id_problem
from im.core.limits import Limits
from im.core.pushing import FIRST_PUSHED_TYPE, MAX_TTL_MS, MOST_USERS, collapse_key_problem

CONTENT_BYTES = Limits().content_bytes
REQUEST_BYTES = 2_097_152 - 128
"""Of a whole request that a node takes; the rest is room for the time that it is to live."""

MS = 1000
_EVENT = 30
_TIME_BYTES = 7
_LARGEST_TYPE = 2**32


class _Unset:
    """No event at all, as None is one."""


UNSET = _Unset()


class InvalidPushError(ValueError):
    """What `POST /v1/push` would refuse; `field` names what was wrong."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(f"{field}: {text}")
        self.field = field


class Wanted(NamedTuple):
    """A push as a back end asks for it, not yet checked; see `im.outbox.push`."""

    users: str | Iterable[str]
    event: object
    type: int | None
    body: bytes
    ttl_seconds: int | None
    collapse_key: str
    device_classes: Sequence[str]


class Request(NamedTuple):
    """A push that a node will take: a JSON array of its users, and a JSON object of the rest."""

    users: bytes
    rest: bytes
    ttl_seconds: int | None


def checked(wanted: Wanted) -> Request:
    """The request of a push. Raises `InvalidPushError`."""
    users = _users(wanted.users)
    fields, size = _what(wanted)
    ttl = wanted.ttl_seconds
    if ttl is not None and (not _is_whole(ttl) or not 1 <= ttl <= MAX_TTL_MS // MS):
        raise InvalidPushError("ttl_seconds", f"a push lives for 1 to {MAX_TTL_MS // MS} seconds")
    key = _text(wanted.collapse_key, "collapse_key")
    _raise(collapse_key_problem(key))
    classes = sorted({*wanted.device_classes})
    if not DEVICE_CLASSES.issuperset(classes):
        raise InvalidPushError("device_classes", f"a device class is one of {sorted(DEVICE_CLASSES)}")
    size += _field_bytes(len(key.encode())) + sum(_field_bytes(len(each)) for each in classes) + _TIME_BYTES
    if size > CONTENT_BYTES:
        raise InvalidPushError("body", f"a push has at most {CONTENT_BYTES} bytes, this one {size}")
    fields |= {"collapse_key": key} if key else {}
    fields |= {"device_classes": classes} if classes else {}
    rest = _json(fields)
    if len(users) + len(rest) > REQUEST_BYTES:
        raise InvalidPushError("users", f"their names and the body have more than {REQUEST_BYTES} bytes")
    return Request(users, rest, ttl)


def posted(users: bytes, rest: bytes, ttl_seconds: int | None) -> bytes:
    """The body of `POST /v1/push`."""
    ttl = b"" if ttl_seconds is None else b'"ttl_seconds":%d,' % ttl_seconds
    return b'{"to":%b,%b%b' % (users, ttl, rest[1:])


def _users(given: str | Iterable[str]) -> bytes:
    users = list(dict.fromkeys([given] if isinstance(given, str) else given))
    if not 1 <= len(users) <= MOST_USERS:
        raise InvalidPushError("users", f"a push is for 1 to {MOST_USERS} users")
    for user in users:
        _raise(id_problem(_text(user, "users"), "users"))
    return _json(users)


def _what(wanted: Wanted) -> tuple[dict[str, Any], int]:
    """The fields that say what is pushed, and the bytes that it has in an inbox."""
    if (wanted.event is UNSET) is (wanted.type is None):
        raise InvalidPushError("event", "give an event, or a type with its body")
    if wanted.type is None:
        if wanted.body:
            raise InvalidPushError("body", "an event has no other body")
        event = _event(wanted.event)
        return {"event": wanted.event}, _field_bytes(_field_bytes(len(event))) + 1 + _varint_bytes(_EVENT)
    if not _is_whole(wanted.type) or not FIRST_PUSHED_TYPE <= wanted.type < _LARGEST_TYPE:
        raise InvalidPushError("type", f"an app's own types are {FIRST_PUSHED_TYPE} and above, below 2^32")
    if not isinstance(wanted.body, bytes):
        raise InvalidPushError("body", "body must be bytes")
    body = base64.b64encode(wanted.body).decode()
    return {"type": wanted.type, "body": body}, _field_bytes(len(wanted.body)) + 1 + _varint_bytes(
        wanted.type
    )


def _event(event: object) -> bytes:
    try:
        return _json(event)
    except UnicodeEncodeError as error:
        raise InvalidPushError("event", "a text in it is no Unicode") from error
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidPushError("event", f"an event must be JSON: {error}") from error


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _text(value: object, field: str) -> str:
    if not isinstance(value, str):
        raise InvalidPushError(field, f"{value!r} is no text")
    return value


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _raise(problem: Refused | None) -> None:
    if problem is not None:
        raise InvalidPushError(problem.field, problem.text)


def _field_bytes(length: int) -> int:
    """What a field of so many bytes has in the protobuf message that inboxes hold."""
    return 1 + _varint_bytes(length) + length if length else 0


def _varint_bytes(number: int) -> int:
    return max(1, -(-number.bit_length() // 7))
