"""What is asked of the store for back ends: their keys, and what they asked. See `im.core.commands`."""

from typing import NamedTuple

REMEMBERED_MS = 86_400_000
"""How long a repeated request of a back end gets its first answer."""

SCOPES = (
    "users:read",
    "users:write",
    "tokens",
    "sessions",
    "push",
    "online-time",
    "presence",
    "webhooks",
    "relations",
    "groups",
    "messages:read",
    "messages:write",
)
"""What an API key may be for."""


class ApiKey(NamedTuple):
    """A key of a back end, but for its secret; `revoked_ms` is 0 while it is good."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_ms: int
    revoked_ms: int = 0


class CreateKey(NamedTuple):
    """Write: let a key in, whose whole text has the SHA-256 `digest`. Result `ApiKey`."""

    id: str
    digest: bytes
    name: str
    scopes: tuple[str, ...]


class RevokeKey(NamedTuple):
    """Write: let a key in no more. Result `ApiKey`, as it is now; the same again is the same answer."""

    id: str


class FindKey(NamedTuple):
    """Query: which key has this digest? Result `ApiKey`, or `not_found`."""

    digest: bytes


class ListKeys(NamedTuple):
    """Query: all keys, revoked ones too. Result `ApiKeys`."""


class ApiKeys(NamedTuple):
    """The oldest first."""

    keys: tuple[ApiKey, ...]


class Remember(NamedTuple):
    """Write: a request begins that must be done once under its `key`. Result `Remembered`.

    `digest` is that of what is asked: another one under the same key is a `conflict`. `token`, 16 bytes,
    is what the request's own work is known by. `owner` is who asks.
    """

    owner: str
    key: str
    digest: bytes
    token: bytes


class Remembered(NamedTuple):
    """The first request's token; its answer, if it ended: then `status` is not 0."""

    token: bytes
    status: int
    body: bytes


class KeepAnswer(NamedTuple):
    """Write: what a remembered request was answered. Result `Remembered`."""

    owner: str
    key: str
    status: int
    body: bytes


BackendWrite = CreateKey | RevokeKey | Remember | KeepAnswer
BackendQuery = FindKey | ListKeys
BackendResult = ApiKey | ApiKeys | Remembered

BACKEND_WRITES = (CreateKey, RevokeKey, Remember, KeepAnswer)
