"""What handlers of others store, and what they decided: all of it in the writer's transaction."""

from im.adapters.sql.checks import conclude_problem
from im.adapters.sql.operations.connection import Connection
from im.adapters.sql.operations.dialect import UNCLAIMED
from im.adapters.sql.operations.posts import Posts
from im.core.custom import Conclude, Concluded, CustomReply, Record, Stale
from im.core.errors import Code, Refused
from im.core.limits import Limits

REPLY_MS = 86_400_000
"""How long a repeated request gets its first answer."""

_FORGOTTEN_AT_ONCE = 8

_REPLY = "SELECT type, body FROM handler_reply WHERE handler = ? AND user_id = ? AND request_key = ?"
_ADD_REPLY = (
    "INSERT INTO handler_reply (handler, user_id, request_key, time_ms, type, body) VALUES (?, ?, ?, ?, ?, ?)"
)
_FORGET_REPLIES = (
    "DELETE FROM handler_reply WHERE (handler, user_id, request_key) IN (SELECT handler, user_id, request_key"
    f" FROM handler_reply WHERE time_ms < ? ORDER BY time_ms LIMIT ? {UNCLAIMED})"
)
_RECORD = "SELECT value, version FROM handler_record WHERE handler = ? AND key = ?"
_VERSION = "SELECT version FROM handler_record WHERE handler = ? AND key = ?"
_SIZE = "SELECT length(value) FROM handler_record WHERE handler = ? AND key = ?"
_SET_RECORD = (
    "INSERT INTO handler_record (handler, key, version, value) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (handler, key) DO UPDATE SET version = excluded.version, value = excluded.value"
)
_REMOVE_RECORD = "DELETE FROM handler_record WHERE handler = ? AND key = ?"
_USE = "SELECT version, records, bytes FROM handler WHERE handler = ?"
_SET_USE = (
    "INSERT INTO handler (handler, version, records, bytes) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (handler) DO UPDATE SET version = excluded.version, records = excluded.records,"
    " bytes = excluded.bytes"
)


class Conclusions:
    """Executes what handlers decided inside the writer's transaction."""

    def __init__(self, connection: Connection, posts: Posts, limits: Limits) -> None:
        self._connection = connection
        self._posts = posts
        self._limits = limits

    def conclude(self, write: Conclude, now_ms: int) -> Concluded | Stale | Refused:
        """Store all that one request leads to, once, unless what it rests on has changed."""
        earlier = reply_of(self._connection, write.handler, write.user, write.key)
        if earlier is not None:
            return Concluded(earlier, (), True)
        for key, version in write.read:
            row = self._connection.execute(_VERSION, (write.handler, key)).fetchone()
            if version != (0 if row is None else row[0]):
                return Stale(key)
        problem = conclude_problem(write, self._limits)
        if problem is not None:
            return problem
        use = self._use(write)
        if isinstance(use, Refused):
            return use
        for post in write.posts:
            refused = self._posts.refusal(post, now_ms)
            if refused is not None:
                return refused
        self._change(write, use)
        sent = tuple(self._posts.store(post, now_ms) for post in write.posts)
        self._keep_reply(write, now_ms)
        return Concluded(write.reply, sent, False)

    def _use(self, write: Conclude) -> tuple[int, int, int] | Refused:
        """The handler's next version, and how many records and bytes it has then; or that it is full."""
        row = self._connection.execute(_USE, (write.handler,)).fetchone()
        version, records, size = (0, 0, 0) if row is None else row
        before = records, size
        for key, value in dict(write.changes).items():
            old = self._connection.execute(_SIZE, (write.handler, key)).fetchone()
            if old is not None:
                records -= 1
                size -= len(key.encode()) + old[0]
            if value is not None:
                records += 1
                size += len(key.encode()) + len(value)
        limits = self._limits
        is_more = (records, size) > before or size > before[1]
        if is_more and (records > limits.handler_records or size > limits.handler_bytes):
            return Refused(Code.LIMIT_EXCEEDED, "the store of this type's handler is full", "store")
        return version + 1, records, size

    def _change(self, write: Conclude, use: tuple[int, int, int]) -> None:
        if not write.changes:
            return
        for key, value in write.changes:
            if value is None:
                self._connection.execute(_REMOVE_RECORD, (write.handler, key))
            else:
                self._connection.execute(_SET_RECORD, (write.handler, key, use[0], value))
        self._connection.execute(_SET_USE, (write.handler, *use))

    def _keep_reply(self, write: Conclude, now_ms: int) -> None:
        self._connection.execute(_FORGET_REPLIES, (now_ms - REPLY_MS, _FORGOTTEN_AT_ONCE))
        self._connection.execute(_ADD_REPLY, (write.handler, write.user, write.key, now_ms, *write.reply))


def record_of(connection: Connection, handler: str, key: str) -> Record:
    """What a handler stored under a key."""
    row = connection.execute(_RECORD, (handler, key)).fetchone()
    return Record(key, None, 0) if row is None else Record(key, *row)


def reply_of(connection: Connection, handler: str, user: str, key: bytes) -> CustomReply | None:
    """How a handler answered a request before, or None."""
    row = connection.execute(_REPLY, (handler, user, key)).fetchone()
    return None if row is None else CustomReply(*row)
