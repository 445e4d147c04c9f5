"""Users, their profiles and their devices."""

import json
import math
from collections.abc import Iterable

from im.adapters.sql.checks import disabled, logged_out, login_problem, logout_problem, profile_problem
from im.adapters.sql.operations.connection import Connection
from im.core.commands import (
    CreateUser,
    LoggedIn,
    LoggedOut,
    Login,
    LogOut,
    ProfileRecord,
    SetDisabled,
    SetProfile,
    UserState,
)
from im.core.errors import Code, Refused
from im.core.ids import id_problem
from im.core.limits import Limits
from im.core.rate import Rate, TokenBucket

_MINUTE_MS = 60_000

_ERASED_MS = "SELECT erased_ms FROM users WHERE user_id = ?"
_DISABLED = "SELECT user_id FROM users WHERE disabled = 1"
_DISABLE = (
    "INSERT INTO users (user_id, created_ms, disabled) VALUES (?, ?, 1)"
    " ON CONFLICT (user_id) DO UPDATE SET disabled = 1"
)
_ENABLE = "UPDATE users SET disabled = 0 WHERE user_id = ?"
_ADD_USER = "INSERT INTO users (user_id, created_ms) VALUES (?, ?) ON CONFLICT (user_id) DO NOTHING"
_PROFILE = "SELECT name, avatar, fields FROM users WHERE user_id = ? AND erased_ms = 0"
_ERASE = (
    "UPDATE users SET disabled = 1, name = '', avatar = '', fields = '{}',"
    " erased_ms = CASE erased_ms WHEN 0 THEN ? ELSE erased_ms END WHERE user_id = ?"
)
_SET_PROFILE = "UPDATE users SET name = ?, avatar = ?, fields = ? WHERE user_id = ?"

_DEVICE = "SELECT attempt, not_before_ms FROM device WHERE user_id = ? AND device_id = ?"
_DEVICES = "SELECT count(*) FROM device WHERE user_id = ?"
_ADD_DEVICE = (
    "INSERT INTO device (user_id, device_id, device_class, attempt, created_ms, last_ms)"
    " VALUES (?, ?, ?, ?, ?, ?)"
)
_HAS_GROUPS = (
    "SELECT 1 FROM member WHERE user_id = ? AND conversation_id BETWEEN 'g' AND 'h'"
    " AND leave_seq IS NULL LIMIT 1"
)
_MOVE_DEVICE = (
    "UPDATE device SET device_class = ?, attempt = ?, last_ms = ? WHERE user_id = ? AND device_id = ?"
)
_LOG_OUT = (
    "UPDATE device SET not_before_ms = CASE WHEN not_before_ms < ? THEN ? ELSE not_before_ms END"
    " WHERE user_id = ? AND device_id = ?"
)
_STANDING = (
    "SELECT u.disabled, coalesce(d.not_before_ms, 0) FROM users AS u"
    " LEFT JOIN device AS d ON d.user_id = u.user_id AND d.device_id = ? WHERE u.user_id = ?"
)


class Users:
    """Executes what concerns users inside the writer's transaction.

    With `is_open` a user is made by the first mention, at most `new_users_per_minute` of them;
    else a message to an unknown one is refused. A login makes its user in either case. Who is
    disabled is remembered, so that each send can be checked: where others write, too, for the time
    of one transaction, that begins with `see_disabled`.
    """

    def __init__(self, connection: Connection, limits: Limits, is_open: bool, is_alone: bool = True) -> None:
        self._connection = connection
        self._limits = limits
        self._is_open = is_open
        most = limits.new_users_per_minute
        self._new_users = TokenBucket(Rate(most / _MINUTE_MS, most))
        self._disabled = {user for (user,) in connection.execute(_DISABLED)} if is_alone else set()
        self._were_disabled: dict[str, bool] = {}

    def mention(self, users: Iterable[str], now_ms: int) -> Refused | None:
        """Make sure that all of `users` are there, or say why a message between them is refused."""
        for user in users:
            row = self._connection.execute(_ERASED_MS, (user,)).fetchone()
            if row == (0,):
                continue
            if row is not None or not self._is_open:
                return Refused(Code.NOT_FOUND, "there is no such user", "conversation")
            wait_ms = math.ceil(self._new_users.take(now_ms))
            if wait_ms:
                return Refused(Code.RATE_LIMITED, "too many new users at once", "conversation", wait_ms)
            self._connection.execute(_ADD_USER, (user, now_ms))
        return None

    def is_erased(self, user: str) -> bool:
        """Whether this id was a user's who is nobody any more."""
        row = self._connection.execute(_ERASED_MS, (user,)).fetchone()
        return row is not None and row != (0,)

    def erase(self, user: str, now_ms: int) -> Refused | None:
        """Shut a user out for good, without a profile; None where that is done, or was before."""
        if not self._connection.execute(_ERASE, (now_ms, user)).rowcount:
            return Refused(Code.NOT_FOUND, "there is no such user", "user")
        self._set_disabled(user, True)
        return None

    def is_disabled(self, user: str) -> bool:
        """Whether a user is shut out, as this transaction sees it."""
        return user in self._disabled

    def see_disabled(self, users: Iterable[str]) -> None:
        """Begin a transaction in which these are disabled, of those that it is about."""
        self._disabled = set(users)

    def set_disabled(self, change: SetDisabled, now_ms: int) -> UserState | Refused:
        """Shut a user out, or let one in again."""
        problem = id_problem(change.user, "user")
        if problem is not None:
            return problem
        if change.disabled:
            self._connection.execute(_DISABLE, (change.user, now_ms))
        elif self.is_erased(change.user):
            return _erased()
        elif not self._connection.execute(_ENABLE, (change.user,)).rowcount:
            return Refused(Code.NOT_FOUND, "there is no such user", "user")
        self._set_disabled(change.user, change.disabled)
        return UserState(change.user, change.disabled)

    def _set_disabled(self, user: str, is_disabled: bool) -> None:
        self._were_disabled.setdefault(user, user in self._disabled)
        self._remember(user, is_disabled)

    def _remember(self, user: str, is_disabled: bool) -> None:
        if is_disabled:
            self._disabled.add(user)
        else:
            self._disabled.discard(user)

    def settle(self, is_stored: bool) -> None:
        """After the transaction's end; if it was rolled back, who is disabled is as before it."""
        if not is_stored:
            for user, were_disabled in self._were_disabled.items():
                self._remember(user, were_disabled)
        self._were_disabled.clear()

    def create(self, create: CreateUser, now_ms: int) -> ProfileRecord | Refused:
        """Make a user known."""
        problem = id_problem(create.user, "user")
        if problem is not None:
            return problem
        if self.is_erased(create.user):
            return _erased()
        self._connection.execute(_ADD_USER, (create.user, now_ms))
        return profile_of(self._connection, create.user)

    def set_profile(self, change: SetProfile, now_ms: int) -> ProfileRecord | Refused:
        """Change a profile: None leaves, an empty value in `fields` removes."""
        before = id_problem(change.user, "user") or profile_of(self._connection, change.user)
        if isinstance(before, Refused):
            return before
        fields = {key: value for key, value in (before.fields | change.fields).items() if value}
        name = before.name if change.name is None else change.name
        avatar = before.avatar if change.avatar is None else change.avatar
        problem = profile_problem(SetProfile(change.user, name, avatar, fields), self._limits)
        if problem is not None:
            return problem
        self._connection.execute(_SET_PROFILE, (name, avatar, json.dumps(fields), change.user))
        return ProfileRecord(change.user, name, avatar, fields)

    def login(self, login: Login, now_ms: int) -> LoggedIn | Refused:
        """Take a device's larger attempt; a user or device that isn't there is made."""
        problem = login_problem(login)
        if problem is not None:
            return problem
        if self.is_disabled(login.user):
            return disabled()
        row = self._connection.execute(_DEVICE, (login.user, login.device)).fetchone()
        if row is None:
            (devices,) = self._connection.execute(_DEVICES, (login.user,)).fetchone()
            if devices >= self._limits.devices_per_user:
                return Refused(Code.LIMIT_EXCEEDED, "this user has too many devices", "device")
            self._connection.execute(_ADD_USER, (login.user, now_ms))
            values = (login.user, login.device, login.device_class, login.attempt, now_ms, now_ms)
            self._connection.execute(_ADD_DEVICE, values)
        elif login.issued_ms < row[1]:
            return logged_out()
        elif login.attempt <= row[0]:
            text = "a login of this device with the same or a larger attempt was here"
            return Refused(Code.STALE_ATTEMPT, text, "attempt", last_attempt=row[0])
        else:
            moved = (login.device_class, login.attempt, now_ms, login.user, login.device)
            self._connection.execute(_MOVE_DEVICE, moved)
        return LoggedIn(login.user, login.device, login.attempt, self._has_groups(login.user))

    def _has_groups(self, user: str) -> bool:
        return self._connection.execute(_HAS_GROUPS, (user,)).fetchone() is not None

    def log_out(self, logout: LogOut, now_ms: int) -> LoggedOut | Refused:
        """Take only newer tokens from a device."""
        problem = logout_problem(logout)
        if problem is not None:
            return problem
        moved = self._connection.execute(
            _LOG_OUT, (logout.before_ms, logout.before_ms, logout.user, logout.device)
        )
        if not moved.rowcount:
            return Refused(Code.NOT_FOUND, "this user has no such device", "device")
        return LoggedOut(logout.user, logout.device)


def _erased() -> Refused:
    return Refused(Code.CONFLICT, "this id was a user's who is erased; nobody gets it again", "user")


def login_refusal(connection: Connection, user: str, device: str, issued_ms: int) -> Refused | None:
    """Why a user, on this device with a token signed then, may not be online, or None."""
    row = connection.execute(_STANDING, (device, user)).fetchone()
    if row is None:
        return None
    is_disabled, not_before_ms = row
    if is_disabled:
        return disabled()
    return logged_out() if device and issued_ms < not_before_ms else None


def profile_of(connection: Connection, user: str) -> ProfileRecord | Refused:
    """What others see of a user, or that there is none."""
    row = connection.execute(_PROFILE, (user,)).fetchone()
    if row is None:
        return Refused(Code.NOT_FOUND, "there is no such user", "user")
    name, avatar, fields = row
    return ProfileRecord(user, name, avatar, json.loads(fields))
