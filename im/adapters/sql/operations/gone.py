"""What is unread, less what counted once and does not any more: recalled, or deleted by the member."""

from im.adapters.sql.operations.connection import Connection
from im.core.entries import RECALL
from im.core.unread import Cursors

_RECALLED = (
    f"SELECT count(*) FROM message_change WHERE conversation_id = ? AND kind = {RECALL}"
    " AND target_seq > ? AND target_seq <= ? AND sender <> ?"
)
_DELETED = (
    "SELECT count(*) FROM deleted_entry AS d WHERE d.conversation_id = ? AND d.user_id = ?"
    " AND d.seq > ? AND d.seq <= ? AND d.counts = 1 AND NOT EXISTS (SELECT 1 FROM message_change AS r"
    f" WHERE r.conversation_id = d.conversation_id AND r.kind = {RECALL} AND r.target_seq = d.seq)"
)


def unread(
    connection: Connection,
    place: tuple[str, str],
    cursors: Cursors,
    head: tuple[int, int],
    furthest_gone_seq: int,
) -> int:
    """How many entries a member has not seen.

    `place` is the conversation and the user, `head` the last seq that the user may see and the running
    count there. `furthest_gone_seq` is the last seq of what is gone, 0 where nothing is.
    """
    head_seq, head_n = head
    if furthest_gone_seq:
        after = cursors.seen()[0]
        if furthest_gone_seq > after:
            return cursors.unread(head_n, gone_after(connection, *place, after, head_seq))
    return cursors.unread(head_n)


def gone_after(connection: Connection, conversation: str, user: str, after: int, head_seq: int) -> int:
    """How many entries of others behind `after` and up to the head counted, and are gone for `user`."""
    asked = (conversation, user, after, head_seq)
    return recalled_after(connection, *asked) + deleted_after(connection, *asked)


def recalled_after(connection: Connection, conversation: str, user: str, after: int, head_seq: int) -> int:
    """How many of them were recalled."""
    (recalled,) = connection.execute(_RECALLED, (conversation, after, head_seq, user)).fetchone()
    return int(recalled)


def deleted_after(connection: Connection, conversation: str, user: str, after: int, head_seq: int) -> int:
    """How many of them `user` deleted, of those that nobody recalled."""
    (deleted,) = connection.execute(_DELETED, (conversation, user, after, head_seq)).fetchone()
    return int(deleted)
