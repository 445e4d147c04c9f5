"""What is unread, counted message by message: a second opinion, that shares nothing with the formula.

It knows the cursors that a user moved (read, clear, join, leave) and what they deleted, and looks at each
message itself: no running count, no cursor that the store moves by itself, no note of a recall.
Which kinds count is written down here once more for the same reason; a purged one, negative, counts still.
"""

from typing import NamedTuple

from im.adapters.sql.operations.connection import Connection

_LARGEST = 2**63 - 1

_COUNTS = "abs(e.kind) BETWEEN 1 AND 99 AND abs(e.kind) <> 9"
_UNREAD = (
    " FROM message AS e WHERE e.conversation_id = ? AND e.seq > ? AND e.seq <= ? AND e.sender <> ?"
    f" AND {_COUNTS} AND NOT EXISTS (SELECT 1 FROM deleted_entry AS d"
    " WHERE d.conversation_id = e.conversation_id AND d.user_id = ? AND d.seq = e.seq)"
)
_COUNT = f"SELECT count(*){_UNREAD}"
_FIRST = f"SELECT e.seq, e.kind, e.sender, e.time_ms{_UNREAD} ORDER BY e.seq LIMIT ?"
_PLACE = (
    "SELECT m.conversation_id, m.user_id, m.read_seq, m.clear_seq, m.join_seq, m.leave_seq, c.last_seq"
    " FROM member AS m JOIN conversation AS c ON c.conversation_id = m.conversation_id WHERE"
)
_ONE = f"{_PLACE} m.conversation_id = ? AND m.user_id = ?"
_BEGUN = f"{_PLACE} c.last_seq > 0 AND"
_OF_USER = f"{_BEGUN} m.user_id = ? AND m.conversation_id > ? ORDER BY m.conversation_id LIMIT ?"
_OF_ALL = f"{_BEGUN} (m.conversation_id, m.user_id) > (?, ?) ORDER BY m.conversation_id, m.user_id LIMIT ?"


class Span(NamedTuple):
    """Where the unread messages of a place can lie: behind `after`, at most up to `last`."""

    conversation: str
    user: str
    after: int
    last: int
    entries: int
    """How many entries there are in it."""


def recount(connection: Connection, conversation: str, user: str) -> int:
    """How many messages a user has not seen; 0 where they have no place."""
    span = span_of(connection, conversation, user)
    return 0 if span is None else recounted(connection, span)


def span_of(connection: Connection, conversation: str, user: str) -> Span | None:
    """Where one user's unread messages can lie, None where they have no place."""
    row = connection.execute(_ONE, (conversation, user)).fetchone()
    return None if row is None else _span(*row)


def spans_after(
    connection: Connection, user: str, after_conversation: str, after_user: str, most: int
) -> list[Span]:
    """The next places of a user, or of everyone ("")."""
    if user:
        rows = connection.execute(_OF_USER, (user, after_conversation, most))
    else:
        rows = connection.execute(_OF_ALL, (after_conversation, after_user, most))
    return [_span(*row) for row in rows.fetchall()]


def recounted(connection: Connection, span: Span) -> int:
    """How many messages of a span its user has not seen."""
    (count,) = connection.execute(_COUNT, _asked(span)).fetchone()
    return int(count)


def first_of(connection: Connection, span: Span, most: int) -> list[tuple[int, int, str, int]]:
    """The first of those messages: seq, kind, sender, time in Unix ms."""
    return connection.execute(_FIRST, (*_asked(span), most)).fetchall()


def _asked(span: Span) -> tuple[str, int, int, str, str]:
    return (span.conversation, span.after, span.last, span.user, span.user)


def _span(
    conversation: str,
    user: str,
    read_seq: int,
    clear_seq: int,
    join_seq: int,
    leave_seq: int | None,
    last_seq: int,
) -> Span:
    after = max(read_seq, clear_seq, join_seq - 1)
    last, end = (_LARGEST, last_seq) if leave_seq is None else (leave_seq, leave_seq)
    return Span(conversation, user, after, last, max(0, end - after))
