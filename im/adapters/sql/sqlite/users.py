"""Users, their profiles and their devices."""

import json
import math
import sqlite3
from collections.abc import Iterable

from im.adapters.sql.checks import login_problem, profile_problem
from im.core.commands import CreateUser, LoggedIn, Login, ProfileRecord, SetProfile
from im.core.errors import Code, Refused
from im.core.ids import id_problem
from im.core.limits import Limits
from im.core.rate import Rate, TokenBucket

_MINUTE_MS = 60_000

_FIND_USER = "SELECT disabled FROM users WHERE user_id = ?"
_ADD_USER = "INSERT INTO users (user_id, created_ms) VALUES (?, ?) ON CONFLICT (user_id) DO NOTHING"
_PROFILE = "SELECT name, avatar, fields FROM users WHERE user_id = ?"
_SET_PROFILE = "UPDATE users SET name = ?, avatar = ?, fields = ? WHERE user_id = ?"

_ATTEMPT = "SELECT attempt FROM device WHERE user_id = ? AND device_id = ?"
_DEVICES = "SELECT count(*) FROM device WHERE user_id = ?"
_ADD_DEVICE = (
    "INSERT INTO device (user_id, device_id, device_class, attempt, created_ms, last_ms)"
    " VALUES (?, ?, ?, ?, ?, ?)"
)
_MOVE_DEVICE = (
    "UPDATE device SET device_class = ?, attempt = ?, last_ms = ? WHERE user_id = ? AND device_id = ?"
)


class Users:
    """Executes what concerns users inside the writer's transaction.

    With `is_open` a user is made by the first mention, at most `new_users_per_minute` of them;
    else a message to an unknown one is refused. A login makes its user in either case.
    """

    def __init__(self, connection: sqlite3.Connection, limits: Limits, is_open: bool) -> None:
        self._connection = connection
        self._limits = limits
        self._is_open = is_open
        most = limits.new_users_per_minute
        self._new_users = TokenBucket(Rate(most / _MINUTE_MS, most))

    def mention(self, users: Iterable[str], now_ms: int) -> Refused | None:
        """Make sure that all of `users` are there, or say why a message between them is refused."""
        for user in users:
            if self._find(user) is not None:
                continue
            if not self._is_open:
                return Refused(Code.NOT_FOUND, "there is no such user", "conversation")
            wait_ms = math.ceil(self._new_users.take(now_ms))
            if wait_ms:
                return Refused(Code.RATE_LIMITED, "too many new users at once", "conversation", wait_ms)
            self._connection.execute(_ADD_USER, (user, now_ms))
        return None

    def _find(self, user: str) -> bool | None:
        row = self._connection.execute(_FIND_USER, (user,)).fetchone()
        return None if row is None else bool(row[0])

    def create(self, create: CreateUser, now_ms: int) -> ProfileRecord | Refused:
        """Make a user known."""
        problem = id_problem(create.user, "user")
        if problem is not None:
            return problem
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
        if self._find(login.user):
            return Refused(Code.DISABLED, "this user is disabled", "user")
        row = self._connection.execute(_ATTEMPT, (login.user, login.device)).fetchone()
        if row is None:
            (devices,) = self._connection.execute(_DEVICES, (login.user,)).fetchone()
            if devices >= self._limits.devices_per_user:
                return Refused(Code.LIMIT_EXCEEDED, "this user has too many devices", "device")
            self._connection.execute(_ADD_USER, (login.user, now_ms))
            values = (login.user, login.device, login.device_class, login.attempt, now_ms, now_ms)
            self._connection.execute(_ADD_DEVICE, values)
        elif login.attempt <= row[0]:
            text = "a login of this device with the same or a larger attempt was here"
            return Refused(Code.STALE_ATTEMPT, text, "attempt", last_attempt=row[0])
        else:
            moved = (login.device_class, login.attempt, now_ms, login.user, login.device)
            self._connection.execute(_MOVE_DEVICE, moved)
        return LoggedIn(login.user, login.device, login.attempt)


def profile_of(connection: sqlite3.Connection, user: str) -> ProfileRecord | Refused:
    """What others see of a user, or that there is none."""
    row = connection.execute(_PROFILE, (user,)).fetchone()
    if row is None:
        return Refused(Code.NOT_FOUND, "there is no such user", "user")
    name, avatar, fields = row
    return ProfileRecord(user, name, avatar, json.loads(fields))
