"""Content that is older than it is kept, taken out of the tables: a bounded part in each transaction.

A purged entry is stored under the negative of its kind. How far a conversation is purged stands in its row,
which is not stamped as changed: nobody has to hear of it.
"""

from im.adapters.sql.operations.connection import Connection
from im.adapters.sql.operations.messages import Messages
from im.core.entries import EDIT, LASTING, REACTION
from im.core.groups import is_group
from im.core.purging import FindOld, MessagesPurged, OldFound, PurgeMessages

_LOOK = (
    "SELECT c.conversation_id, CASE WHEN c.last_seq > c.purged_seq THEN (SELECT e.time_ms FROM message AS e"
    " WHERE e.conversation_id = c.conversation_id AND e.seq > c.purged_seq ORDER BY e.seq LIMIT 1) END"
    " FROM conversation AS c WHERE c.conversation_id > ? ORDER BY c.conversation_id LIMIT ?"
)
_PART = (
    "SELECT min(seq), max(seq), coalesce(min(CASE WHEN time_ms >= ? THEN seq END), max(seq) + 1) - 1"
    " FROM (SELECT seq, time_ms FROM message WHERE conversation_id = ? AND seq >"
    " (SELECT purged_seq FROM conversation WHERE conversation_id = ?) ORDER BY seq LIMIT ?) AS part"
)
"""The first entry of a part, the last, and the last of those before it that are old one after the other."""

_CHANGES = (
    "SELECT conversation_id, kind, target_seq, sender, value, seq FROM message_change"
    f" WHERE conversation_id = ? AND kind IN ({EDIT}, {REACTION}) AND target_seq BETWEEN ? AND ? LIMIT ?"
)
_PURGE_CHANGE = (
    "UPDATE message SET kind = -kind, content = ? WHERE conversation_id = ? AND seq = ?"
    f" AND kind IN ({EDIT}, {REACTION})"
)
_FORGET_CHANGE = (
    "DELETE FROM message_change WHERE conversation_id = ? AND kind = ? AND target_seq = ?"
    " AND sender = ? AND value = ?"
)
_MENTIONS = (
    "SELECT conversation_id, user_id, seq FROM mention"
    " WHERE conversation_id = ? AND seq BETWEEN ? AND ? LIMIT ?"
)
_FORGET_MENTION = "DELETE FROM mention WHERE conversation_id = ? AND user_id = ? AND seq = ?"
_PURGE = (
    "UPDATE message SET kind = -kind, content = ? WHERE conversation_id = ? AND seq BETWEEN ? AND ?"
    f" AND kind > 0 AND kind NOT IN ({', '.join(map(str, sorted(LASTING)))})"
)
_SET_PURGED = "UPDATE conversation SET purged_seq = ? WHERE conversation_id = ?"


class Purging:
    """Executes purges inside the writer's transaction."""

    def __init__(self, connection: Connection, messages: Messages) -> None:
        self._connection = connection
        self._messages = messages

    def purge(self, write: PurgeMessages, now_ms: int) -> MessagesPurged:
        """Remove a part of what is old in a conversation."""
        self._messages.write()
        conversation, execute = write.conversation, self._connection.execute
        asked = (write.before_ms, conversation, conversation, write.most)
        first, last, end = execute(_PART, asked).fetchone()
        if first is None or end < first:
            return MessagesPurged(conversation, 0, False)
        if self._forget_about(conversation, first, end, write.most):
            return MessagesPurged(conversation, 0, True)
        count = execute(_PURGE, (b"", conversation, first, end)).rowcount
        self._connection.executemany(_SET_PURGED, [(end, conversation)])
        return MessagesPurged(conversation, count, end == last)

    def _forget_about(self, conversation: str, first: int, last: int, most: int) -> bool:
        """Remove what refers to entries; whether there may be more than `most` of it."""
        connection, asked = self._connection, (conversation, first, last, most)
        changes = connection.execute(_CHANGES, asked).fetchall()
        connection.executemany(_PURGE_CHANGE, [(b"", conversation, seq) for *_, seq in changes])
        connection.executemany(_FORGET_CHANGE, [key for *key, _ in changes])
        mentions = connection.execute(_MENTIONS, asked).fetchall() if is_group(conversation) else []
        connection.executemany(_FORGET_MENTION, mentions)
        return len(changes) == most or len(mentions) == most


def old_found(connection: Connection, query: FindOld) -> OldFound:
    """A page of conversations: those of them whose first entry with content is old."""
    rows = connection.execute(_LOOK, (query.after, query.most)).fetchall()
    old = tuple(name for name, time_ms in rows if time_ms is not None and time_ms < query.before_ms)
    return OldFound(old, rows[-1][0] if len(rows) == query.most else "")
