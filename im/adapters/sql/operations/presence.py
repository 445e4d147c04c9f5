"""Answers who is online, from the ledger's rows: open sessions, and the last end of one."""

from collections.abc import Iterator, Sequence

from im.adapters.sql.operations.connection import Connection
from im.core.ids import direct_conversation
from im.core.presence import FindPresence, Presence, PresenceFound, online_devices

_SIZES = (64, 8, 1)
"""Users in one statement; few texts, so that the driver keeps them all prepared."""


def _marks(count: int) -> str:
    return ", ".join("?" * count)


_SESSIONS = {
    size: (
        f"WITH asked (user_id) AS (VALUES {', '.join(['(?)'] * size)})"
        " SELECT a.user_id, s.device_class, s.foreground_ms IS NOT NULL,"
        " (SELECT max(e.closed_ms) FROM online_session AS e WHERE e.user_id = a.user_id)"
        " FROM asked AS a LEFT JOIN online_session AS s"
        " ON s.user_id = a.user_id AND s.closed_ms IS NULL"
    )
    for size in _SIZES
}
_KNOWN = {
    size: f"SELECT conversation_id FROM member WHERE user_id = ? AND conversation_id IN ({_marks(size)})"
    for size in _SIZES
}


def presence_of(connection: Connection, query: FindPresence) -> PresenceFound:
    """Who of the users is online, of those who may be seen."""
    users = query.users
    if query.viewer:
        known = _contacts(connection, query.viewer, users)
        users = tuple(user for user in users if user in known)
    found: dict[str, Presence] = {}
    for page in _pages(users):
        open_sessions: dict[str, list[tuple[str, bool]]] = {user: [] for user in page}
        last_ms: dict[str, int] = {}
        for user, device_class, is_foreground, closed_ms in connection.execute(_SESSIONS[len(page)], page):
            last_ms[user] = closed_ms or 0
            if device_class is not None:
                open_sessions[user].append((device_class, bool(is_foreground)))
        for user, sessions in open_sessions.items():
            found[user] = Presence(user, online_devices(sessions), 0 if sessions else last_ms[user])
    return PresenceFound(tuple(found[user] for user in users))


def _contacts(connection: Connection, viewer: str, users: Sequence[str]) -> set[str]:
    by_conversation = {direct_conversation(viewer, user): user for user in users if user != viewer}
    known = {viewer}
    for page in _pages(tuple(by_conversation)):
        rows = connection.execute(_KNOWN[len(page)], (viewer, *page))
        known.update(by_conversation[conversation] for (conversation,) in rows)
    return known


def _pages(values: Sequence[str]) -> Iterator[Sequence[str]]:
    """All of them, in pages of the sizes that there are statements for."""
    start = 0
    for size in _SIZES:
        while len(values) - start >= size:
            yield values[start : start + size]
            start += size
