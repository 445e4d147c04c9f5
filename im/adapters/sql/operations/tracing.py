"""What an operator asks to see: the shards, and one entry with the cursors of its members."""

from im.adapters.sql.operations.connection import Connection
from im.core.entries import shown
from im.core.errors import Code, Refused
from im.core.seeing import (
    MOST_MEMBERS,
    FindShards,
    MemberCursors,
    ShardRow,
    ShardsFound,
    TracedEntry,
    TraceEntry,
)
from im.core.validation import LARGEST

_MOST_WAITING = 200
_NO_ENTRY = Refused(Code.NOT_FOUND, "there is no such message")

_SHARDS = "SELECT shard, owner, epoch FROM shard ORDER BY shard"
_ENTRY = "SELECT conversation_id, seq, kind, sender, client_msg_id, time_ms FROM message"
_BY_SEQ = f"{_ENTRY} WHERE conversation_id = ? AND seq = ?"
_BY_CLIENT_ID = f"{_ENTRY} WHERE client_msg_id = ? AND sender = ? ORDER BY time_ms DESC LIMIT 1"
_WERE_IN = (
    " FROM member WHERE conversation_id = ? AND join_seq <= ? AND (leave_seq IS NULL OR leave_seq >= ?)"
)
_COUNT = f"SELECT count(*){_WERE_IN}"
_CURSORS = f"SELECT user_id, delivered_seq, read_seq{_WERE_IN} ORDER BY user_id LIMIT {MOST_MEMBERS}"
_WAITING = f"SELECT conversations FROM outbox ORDER BY time_ms DESC LIMIT {_MOST_WAITING}"


def shards_found(connection: Connection, query: FindShards) -> ShardsFound:
    """Who claimed which shard last."""
    return ShardsFound(tuple(ShardRow._make(row) for row in connection.execute(_SHARDS)))


def entry_traced(connection: Connection, query: TraceEntry) -> TracedEntry | Refused:
    """An entry, and how far its members are."""
    if query.conversation:
        found = connection.execute(_BY_SEQ, (query.conversation, min(query.seq, LARGEST)))
    else:
        found = connection.execute(_BY_CLIENT_ID, (query.client_msg_id, query.user))
    row = found.fetchone()
    if row is None:
        return _NO_ENTRY
    conversation, seq, kind, sender, client_msg_id, time_ms = row
    place = (conversation, seq, seq)
    (total,) = connection.execute(_COUNT, place).fetchone()
    members = tuple(MemberCursors._make(each) for each in connection.execute(_CURSORS, place))
    is_waiting = _is_waiting(connection, conversation)
    entry = (conversation, seq, shown(kind), sender, client_msg_id, time_ms)
    return TracedEntry(*entry, is_waiting, total, members)


def _is_waiting(connection: Connection, conversation: str) -> bool:
    rows = connection.execute(_WAITING).fetchall()
    return any(conversation in conversations.split("\n") for (conversations,) in rows)
