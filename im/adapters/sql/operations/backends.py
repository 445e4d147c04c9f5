"""Back ends: their keys, and the answers that a repeated request gets."""

from collections.abc import Callable
from typing import Any

from im.adapters.sql.operations.connection import Connection
from im.adapters.sql.operations.dialect import UNCLAIMED
from im.core.backends import (
    REMEMBERED_MS,
    ApiKey,
    ApiKeys,
    BackendResult,
    CreateKey,
    KeepAnswer,
    Remember,
    Remembered,
    RevokeKey,
)
from im.core.errors import Code, Refused

MOST_KEYS = 1_000
_FORGOTTEN_AT_ONCE = 8

_KEY = "key_id, name, scopes, created_ms, revoked_ms"
_BY_ID = f"SELECT {_KEY} FROM api_key WHERE key_id = ?"
_BY_DIGEST = f"SELECT {_KEY} FROM api_key WHERE digest = ?"
_ALL = f"SELECT {_KEY} FROM api_key ORDER BY created_ms, key_id"
_COUNT = "SELECT count(*) FROM api_key"
_ADD_KEY = "INSERT INTO api_key (key_id, digest, name, scopes, created_ms) VALUES (?, ?, ?, ?, ?)"
_REVOKE = "UPDATE api_key SET revoked_ms = ? WHERE key_id = ? AND revoked_ms = 0"
_EARLIER = "SELECT digest, token, status, body, time_ms FROM remembered WHERE owner = ? AND request_key = ?"
_REMEMBER = (
    "INSERT INTO remembered (owner, request_key, digest, token, time_ms, status, body)"
    " VALUES (?, ?, ?, ?, ?, 0, ?) ON CONFLICT (owner, request_key) DO UPDATE SET"
    " digest = excluded.digest, token = excluded.token, time_ms = excluded.time_ms,"
    " status = 0, body = excluded.body"
)
_FORGET = (
    "DELETE FROM remembered WHERE (owner, request_key) IN (SELECT owner, request_key"
    f" FROM remembered WHERE time_ms <= ? ORDER BY time_ms LIMIT ? {UNCLAIMED})"
)
_KEEP = "UPDATE remembered SET status = ?, body = ? WHERE owner = ? AND request_key = ? AND status = 0"


class Backends:
    """Executes what concerns back ends inside the writer's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def steps(self) -> dict[type, Callable[[Any, int], BackendResult | Refused]]:
        """What executes each write."""
        return {
            CreateKey: self.create_key,
            RevokeKey: self.revoke_key,
            Remember: self.remember,
            KeepAnswer: self.keep_answer,
        }

    def create_key(self, create: CreateKey, now_ms: int) -> ApiKey | Refused:
        """Let a key in."""
        (count,) = self._connection.execute(_COUNT).fetchone()
        if count >= MOST_KEYS:
            return Refused(Code.LIMIT_EXCEEDED, f"there are {MOST_KEYS} keys, the most that may be", "name")
        row = (create.id, create.digest, create.name, " ".join(create.scopes), now_ms)
        self._connection.execute(_ADD_KEY, row)
        return ApiKey(create.id, create.name, create.scopes, now_ms)

    def revoke_key(self, revoke: RevokeKey, now_ms: int) -> ApiKey | Refused:
        """Let a key in no more."""
        self._connection.execute(_REVOKE, (now_ms, revoke.id))
        return _key(self._connection.execute(_BY_ID, (revoke.id,)).fetchone())

    def remember(self, write: Remember, now_ms: int) -> Remembered | Refused:
        """Begin a request, or find it begun."""
        self._connection.execute(_FORGET, (now_ms - REMEMBERED_MS, _FORGOTTEN_AT_ONCE))
        row = self._connection.execute(_EARLIER, (write.owner, write.key)).fetchone()
        if row is None or row[4] <= now_ms - REMEMBERED_MS:
            values = (write.owner, write.key, write.digest, write.token, now_ms, b"")
            self._connection.execute(_REMEMBER, values)
            return Remembered(write.token, 0, b"")
        digest, token, status, body, _ = row
        if digest != write.digest:
            text = "another request was made under this idempotency key"
            return Refused(Code.CONFLICT, text, "Idempotency-Key")
        return Remembered(token, status, body)

    def keep_answer(self, write: KeepAnswer, now_ms: int) -> Remembered | Refused:
        """End a request; its first answer stands."""
        self._connection.execute(_KEEP, (write.status, write.body, write.owner, write.key))
        row = self._connection.execute(_EARLIER, (write.owner, write.key)).fetchone()
        if row is None:
            return Refused(Code.NOT_FOUND, "no such request was begun", "Idempotency-Key")
        return Remembered(*row[1:4])


def find_key(connection: Connection, digest: bytes) -> ApiKey | Refused:
    """The key with this digest."""
    return _key(connection.execute(_BY_DIGEST, (digest,)).fetchone())


def all_keys(connection: Connection) -> ApiKeys:
    """Every key, the oldest first."""
    return ApiKeys(tuple(_api_key(row) for row in connection.execute(_ALL)))


def _key(row: tuple[Any, ...] | None) -> ApiKey | Refused:
    return Refused(Code.NOT_FOUND, "there is no such key", "id") if row is None else _api_key(row)


def _api_key(row: tuple[Any, ...]) -> ApiKey:
    key_id, name, scopes, created_ms, revoked_ms = row
    return ApiKey(key_id, name, tuple(scopes.split()), created_ms, revoked_ms)
