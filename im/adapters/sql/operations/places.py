"""A member's place in a conversation, as the readers see it: what of it is theirs, and what is unread."""

from typing import Any, NamedTuple

from im.adapters.sql.operations.connection import Connection
from im.adapters.sql.operations.conversations import Keepings
from im.adapters.sql.operations.gone import unread
from im.adapters.sql.operations.relations import contact_of
from im.core.entries import RECALL
from im.core.groups import ADMIN, NOBODY, GroupFacts, rank
from im.core.messages import Entry, Head
from im.core.unread import Cursors

PLACES = """
SELECT c.conversation_id, m.user_id, c.last_seq, c.n, c.head_time_ms, c.member_version, c.epoch_seq,
       c.recalled_seq, m.deleted_seq, m.delivered_seq, m.leave_seq, m.leave_n, m.role,
       coalesce(p.read_seq, 0), coalesce(p.delivered_seq, 0),
       CASE WHEN m.leave_seq IS NULL THEN g.name ELSE m.left_name END,
       CASE WHEN m.leave_seq IS NULL THEN g.avatar ELSE m.left_avatar END,
       g.members, g.asking, CASE WHEN m.leave_seq IS NULL THEN g.is_dissolved ELSE 0 END,
       m.remark, m.pinned, m.muted, m.hidden_seq, m.marked, m.relation, m.is_blocking,
       m.read_seq, m.read_n, m.own_last_seq, m.own_last_n, m.own_after, m.own_max_seq,
       m.clear_seq, m.clear_n, m.join_seq, m.join_n, m.history_seq
FROM member AS m CROSS JOIN conversation AS c ON c.conversation_id = m.conversation_id
LEFT JOIN member AS p
    ON p.conversation_id = CASE c.kind WHEN 'd' THEN c.conversation_id END AND p.user_id <> m.user_id
LEFT JOIN group_info AS g
    ON g.conversation_id = CASE c.kind WHEN 'g' THEN c.conversation_id END
"""
# CROSS JOIN fixes the order: the user's members first, each then looks its conversation up.
CHANGED_PLACES = f"""{PLACES}
WHERE m.user_id = ? AND m.conversation_id > ? AND (c.last_seq > 0 OR m.hidden_seq <> 0)
    AND ((c.changed > ? AND m.leave_seq IS NULL) OR m.changed > ?)
ORDER BY m.conversation_id LIMIT ?
"""
ONE_PLACE = (
    f"{PLACES} WHERE m.user_id = ? AND m.conversation_id = ? AND (c.last_seq > 0 OR m.hidden_seq <> 0)"
)

_FACTS = 15
_GROUP = 20
_KEEPINGS = 27

_MENTIONS = (
    "SELECT count(DISTINCT e.seq) FROM mention AS e WHERE e.conversation_id = ? AND e.user_id IN (?, '')"
    " AND e.seq > ? AND e.seq <= ? AND e.sender <> ? AND NOT EXISTS (SELECT 1 FROM message_change AS r"
    f" WHERE r.conversation_id = e.conversation_id AND r.kind = {RECALL} AND r.target_seq = e.seq)"
    " AND NOT EXISTS (SELECT 1 FROM deleted_entry AS d"
    " WHERE d.conversation_id = e.conversation_id AND d.user_id = ? AND d.seq = e.seq)"
)


class Place(NamedTuple):
    """A row that the statements above give. `group` is its name, avatar, members, asking, is_dissolved."""

    conversation: str
    user: str
    last_seq: int
    last_n: int
    head_time_ms: int
    member_version: int
    epoch_seq: int
    recalled_seq: int
    deleted_seq: int
    delivered_seq: int
    leave_seq: int | None
    leave_n: int | None
    role: str
    peer_read_seq: int
    peer_delivered_seq: int
    group: tuple[Any, ...]
    keepings: Keepings
    cursors: Cursors

    @property
    def head_seq(self) -> int:
        """The last seq that the member may see."""
        return self.last_seq if self.leave_seq is None else self.leave_seq

    @property
    def head_n(self) -> int:
        """The running count at `head_seq`."""
        return self.last_n if self.leave_n is None else self.leave_n

    @property
    def is_active(self) -> bool:
        """Whether the member is in, of a group that is not over."""
        return self.leave_seq is None and not self.group[4]

    @property
    def texts(self) -> int:
        """How many bytes the texts of its head have."""
        name, avatar, *_ = self.group
        return sum(
            len(text.encode()) for text in (self.conversation, self.keepings.remark, name, avatar) if text
        )

    def unread(self, connection: Connection) -> int:
        """How many entries the member has not seen."""
        place, head = (self.conversation, self.user), (self.head_seq, self.head_n)
        return unread(connection, place, self.cursors, head, max(self.recalled_seq, self.deleted_seq))

    def head(self, connection: Connection, last: Entry | None) -> Head:
        """What a sync says of this place."""
        unread = self.unread(connection)
        head_time_ms = self.head_time_ms
        if self.leave_seq is not None:
            head_time_ms = 0 if last is None else last.time_ms
        return Head(
            conversation=self.conversation,
            head_seq=self.head_seq,
            head_n=self.head_n,
            head_time_ms=head_time_ms,
            unread=unread,
            read_seq=self.cursors.read_seq,
            delivered_seq=self.delivered_seq,
            visible_from=self.cursors.visible_from,
            active=self.is_active,
            member_version=self.member_version,
            epoch_seq=self.epoch_seq,
            peer_read_seq=self.peer_read_seq,
            peer_delivered_seq=self.peer_delivered_seq,
            last=last,
            contact=contact_of(self.keepings, self.head_seq),
            group=None if self.group[0] is None else self._facts(connection, unread),
        )

    def _facts(self, connection: Connection, unread: int) -> GroupFacts:
        name, avatar, members, asking, is_dissolved = self.group
        role = self.role if self.leave_seq is None else NOBODY
        return GroupFacts(
            name,
            avatar,
            members if role else 0,
            role,
            asking if rank(role) >= rank(ADMIN) else 0,
            bool(is_dissolved),
            self._mentions(connection) if unread else 0,
        )

    def _mentions(self, connection: Connection) -> int:
        after = self.cursors.seen()[0]
        asked = (self.conversation, self.user, after, self.head_seq, self.user, self.user)
        (count,) = connection.execute(_MENTIONS, asked).fetchone()
        return int(count)


def place_of(row: tuple[Any, ...]) -> Place:
    """A row as a place."""
    keepings = Keepings._make(row[_GROUP:_KEEPINGS])
    return Place._make((*row[:_FACTS], row[_FACTS:_GROUP], keepings, Cursors(*row[_KEEPINGS:])))
