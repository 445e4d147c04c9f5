"""What counted as unread once and does not any more: recalled, or deleted by the member."""

from im.adapters.sql.operations.connection import Connection
from im.core.entries import RECALL

_RECALLED = (
    f"SELECT count(*) FROM message_change WHERE conversation_id = ? AND kind = {RECALL}"
    " AND target_seq > ? AND target_seq <= ? AND sender <> ?"
)
_DELETED = (
    "SELECT count(*) FROM deleted_entry AS d WHERE d.conversation_id = ? AND d.user_id = ?"
    " AND d.seq > ? AND d.seq <= ? AND d.counts = 1 AND NOT EXISTS (SELECT 1 FROM message_change AS r"
    f" WHERE r.conversation_id = d.conversation_id AND r.kind = {RECALL} AND r.target_seq = d.seq)"
)


def gone_after(connection: Connection, conversation: str, user: str, after: int, head_seq: int) -> int:
    """How many entries of others behind `after` and up to the head counted, and are gone for `user`."""
    (recalled,) = connection.execute(_RECALLED, (conversation, after, head_seq, user)).fetchone()
    (deleted,) = connection.execute(_DELETED, (conversation, user, after, head_seq)).fetchone()
    return int(recalled) + int(deleted)
