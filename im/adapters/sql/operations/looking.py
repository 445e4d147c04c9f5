"""Which of a node's users have anything new."""

from im.adapters.sql.operations.connection import Connection
from im.adapters.sql.operations.padding import MARKS, questions_of
from im.core.looking import Changed, WhatChanged

_CHANGED = (
    "SELECT DISTINCT m.user_id FROM member AS m"
    " JOIN conversation AS c ON c.conversation_id = m.conversation_id"
    f" WHERE m.user_id IN ({MARKS}) "
    " AND ((c.changed >= ? AND m.leave_seq IS NULL) OR m.changed >= ?)"
)


def what_changed(connection: Connection, query: WhatChanged, epoch: str, position: int) -> Changed:
    """Answer at the snapshot's own cursor, `epoch` and `position`."""
    if query.epoch != epoch:
        return Changed(query.users, epoch, position)
    users: list[str] = []
    for asked in questions_of(query.users):
        rows = connection.execute(_CHANGED, (*asked, query.position, query.position))
        users += (user for (user,) in rows)
    return Changed(tuple(users), epoch, position)
