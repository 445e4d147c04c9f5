"""Push tokens: one a device, each on one device only, forgotten when the device logs out."""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from im.adapters.sql.operations.connection import Connection
from im.adapters.sql.operations.ledger import Ledger
from im.adapters.sql.operations.users import Users
from im.core.commands import LoggedOut, LogOut, Result
from im.core.errors import Code, Refused
from im.core.ids import id_problem
from im.core.ledger import CloseSession
from im.core.reaching import (
    ListPushTokens,
    PushToken,
    PushTokens,
    RegisterPushToken,
    RemovePushToken,
    push_token_problem,
)

LOGGED_OUT = "logout"
"""The reason of a session that its client ended with a logout."""

_DEVICE = "SELECT 1 FROM device WHERE user_id = ? AND device_id = ?"
_HOLDER = "SELECT user_id FROM push_token WHERE digest = ?"
_FORGET_TOKEN = "DELETE FROM push_token WHERE digest = ?"
_FORGET = "DELETE FROM push_token WHERE user_id = ? AND device_id = ? AND registered_ms <= ?"
_REGISTER = (
    "INSERT INTO push_token (user_id, device_id, digest, platform, token, registered_ms)"
    " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (user_id, device_id) DO UPDATE SET digest = excluded.digest,"
    " platform = excluded.platform, token = excluded.token, registered_ms = excluded.registered_ms"
)
_OF_USER = "SELECT device_id, platform, token FROM push_token WHERE user_id = ? ORDER BY device_id"


class TokenWriter:
    """Executes what concerns push tokens inside the writer's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def register(self, write: RegisterPushToken, now_ms: int) -> PushTokens | Refused:
        """Keep the token of a device that logged in once, or forget it."""
        user, device, platform, token = write
        problem = id_problem(user, "user") or id_problem(device, "device")
        problem = problem or push_token_problem(platform, token)
        if problem is not None:
            return problem
        if self._connection.execute(_DEVICE, (user, device)).fetchone() is None:
            return Refused(Code.NOT_FOUND, "this user has no such device", "device")
        if token:
            digest = _digest(platform, token)
            self._connection.execute(_FORGET_TOKEN, (digest,))
            self._connection.execute(_REGISTER, (user, device, digest, platform, token, now_ms))
        else:
            self._connection.execute(_FORGET, (user, device, now_ms))
        return tokens_of(self._connection, user)

    def remove(self, write: RemovePushToken, now_ms: int) -> PushTokens | Refused:
        """Forget a token, whoever has it."""
        problem = push_token_problem(write.platform, write.token)
        if problem is not None:
            return problem
        digest = _digest(write.platform, write.token)
        holder = self._connection.execute(_HOLDER, (digest,)).fetchone()
        if holder is None:
            return PushTokens("", ())
        self._connection.execute(_FORGET_TOKEN, (digest,))
        return tokens_of(self._connection, holder[0])

    def steps(self, users: Users, ledger: Ledger) -> dict[type, Callable[[Any, int], Result]]:
        """What executes each write; those that log a device out forget its token, too."""

        def log_out(write: LogOut, now_ms: int) -> Result:
            result = users.log_out(write, now_ms)
            if isinstance(result, LoggedOut):
                self._connection.execute(_FORGET, (write.user, write.device, now_ms))
            return result

        def close(write: CloseSession, now_ms: int) -> Result:
            if write.reason == LOGGED_OUT:  # only what it had by then: this may come late
                opened = write.opened
                self._connection.execute(_FORGET, (opened.user, opened.device, write.closed_ms))
            return ledger.close(write, now_ms)

        return {
            LogOut: log_out,
            CloseSession: close,
            RegisterPushToken: self.register,
            RemovePushToken: self.remove,
        }


def tokens_of(connection: Connection, user: str) -> PushTokens:
    """The tokens of a user's devices."""
    rows = connection.execute(_OF_USER, (user,))
    return PushTokens(user, tuple(PushToken._make(row) for row in rows))


def tokens_found(connection: Connection, query: ListPushTokens) -> PushTokens | Refused:
    """The same, for whoever asks."""
    return id_problem(query.user, "user") or tokens_of(connection, query.user)


def _digest(platform: str, token: str) -> bytes:
    """What a token is found by: it may be too long for an index."""
    return blake2b(f"{platform} {token}".encode(), digest_size=16).digest()
