"""A user's contacts and friends, read page by page."""

from im.adapters.sql.operations.connection import Connection
from im.adapters.sql.operations.gone import unread
from im.adapters.sql.operations.places import PLACES, Place, place_of
from im.core.contacts import (
    CONTACTS_AT_ONCE,
    MOST_COUNTED,
    ListRelated,
    Position,
    Related,
    RelatedPage,
)
from im.core.errors import Refused
from im.core.ids import direct_peer, id_problem
from im.core.relations import FRIEND
from im.core.unread import Cursors
from im.core.validation import page_problem

_ACTIVE_MS = "CASE WHEN m.leave_seq IS NULL THEN c.head_time_ms ELSE 0 END"
_LISTED = f"""{PLACES}
WHERE m.user_id = ? AND c.last_seq > 0 AND coalesce(m.leave_seq, c.last_seq) > m.hidden_seq
    AND (m.pinned < ? OR (m.pinned = ? AND ({_ACTIVE_MS} < ?
        OR ({_ACTIVE_MS} = ? AND m.conversation_id > ?))))
ORDER BY m.pinned DESC, {_ACTIVE_MS} DESC, m.conversation_id LIMIT ?
"""
_RELATED = (
    "SELECT conversation_id, remark FROM member WHERE user_id = ? AND conversation_id > ?"
    " AND conversation_id BETWEEN 'd' AND 'e' AND {which} ORDER BY conversation_id LIMIT ?"
)
_UNREAD = (
    "SELECT c.conversation_id, coalesce(m.leave_seq, c.last_seq), coalesce(m.leave_n, c.n),"
    " CASE WHEN c.recalled_seq > m.deleted_seq THEN c.recalled_seq ELSE m.deleted_seq END,"
    " m.read_seq, m.read_n, m.own_last_seq, m.own_last_n, m.own_after, m.own_max_seq,"
    " m.clear_seq, m.clear_n, m.join_seq, m.join_n"
    " FROM member AS m JOIN conversation AS c ON c.conversation_id = m.conversation_id"
    " WHERE m.user_id = ? AND m.muted = 0 AND coalesce(m.leave_seq, c.last_seq) > m.hidden_seq"
    + "".join(
        f" AND coalesce(m.leave_n, c.n) - m.own_after > m.{seen}"
        for seen in ("read_n", "own_last_n", "clear_n", "join_n")
    )
    + " LIMIT ?"
)
_FRIENDS = _RELATED.format(which=f"relation = '{FRIEND}'")
_BLOCKED = _RELATED.format(which="is_blocking = 1")


def places_after(connection: Connection, user: str, after: Position, most: int) -> list[Place]:
    """A user's places that are shown, behind a position, in the order of the list."""
    pinned, active_ms, conversation = after
    values = (user, pinned, pinned, active_ms, active_ms, conversation, most)
    return [place_of(row) for row in connection.execute(_LISTED, values)]


def position(place: Place) -> Position:
    """Where a place stands in the list."""
    active_ms = place.head_time_ms if place.leave_seq is None else 0
    return Position(place.keepings.pinned, active_ms, place.conversation)


def badge_of(connection: Connection, user: str) -> int:
    """What `im.core.contacts.badge` says of all heads of a user."""
    total = 0
    for conversation, head_seq, head_n, gone_seq, *cursors in connection.execute(
        _UNREAD, (user, MOST_COUNTED)
    ).fetchall():
        place, head = (conversation, user), (head_seq, head_n)
        total += unread(connection, place, Cursors(*cursors), head, gone_seq)
    return total


def related_of(connection: Connection, query: ListRelated) -> RelatedPage | Refused:
    """A page of friends, or of those who are blocked."""
    problem = id_problem(query.user, "user") or page_problem(query.after)
    if problem is not None:
        return problem
    most = min(query.limit or CONTACTS_AT_ONCE, CONTACTS_AT_ONCE)
    asked = (query.user, query.after, most + 1)
    rows = connection.execute(_BLOCKED if query.is_blocking else _FRIENDS, asked).fetchall()
    related = tuple(
        Related(direct_peer(conversation, query.user) or "", remark) for conversation, remark in rows[:most]
    )
    return RelatedPage(related, rows[most - 1][0] if len(rows) > most else "")
