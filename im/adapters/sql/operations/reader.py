"""The readers: each query is answered from one snapshot."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from im.adapters.sql.operations.backends import all_keys, find_key
from im.adapters.sql.operations.connection import Connection
from im.adapters.sql.operations.conversations import Keepings
from im.adapters.sql.operations.entries import Entries, wire_size
from im.adapters.sql.operations.handlers import record_of, reply_of
from im.adapters.sql.operations.looking import what_changed
from im.adapters.sql.operations.online import UNTIMED, Almanac, OnlineTimeReader
from im.adapters.sql.operations.presence import presence_of
from im.adapters.sql.operations.push_tokens import tokens_found
from im.adapters.sql.operations.pushes import push_of, users_found
from im.adapters.sql.operations.relations import contact_of, relation_of, requests_of
from im.adapters.sql.operations.users import login_refusal, profile_of
from im.core.backends import FindKey, ListKeys
from im.core.commands import GetProfile, Query, Result
from im.core.custom import CustomReply, GetRecord, GetReply
from im.core.errors import Code, Refused, invalid
from im.core.ids import id_problem
from im.core.ledger import OnlineTime, OnlineTimes
from im.core.limits import Limits
from im.core.looking import Changed, WhatChanged
from im.core.messages import Entry, Head, Pull, PullPage, Sync, SyncCursor, SyncPage
from im.core.presence import FindPresence
from im.core.pushing import FindUsers, GetPush
from im.core.reaching import ListPushTokens
from im.core.relations import GetRelation, ListRequests
from im.core.unread import Cursors
from im.core.validation import conversation_problem, unknown_conversation
from im.ports import UnavailableError

_META = "SELECT store_epoch, changes FROM meta"

_PLACES = """
SELECT c.conversation_id, c.last_seq, c.n, c.head_time_ms, c.member_version, c.epoch_seq,
       m.delivered_seq, m.leave_seq, m.leave_n, coalesce(p.read_seq, 0), coalesce(p.delivered_seq, 0),
       m.remark, m.pinned, m.muted, m.hidden_seq, m.marked, m.relation, m.is_blocking,
       m.read_seq, m.read_n, m.own_last_seq, m.own_last_n, m.own_after, m.own_max_seq,
       m.clear_seq, m.clear_n, m.join_seq, m.join_n
FROM member AS m CROSS JOIN conversation AS c ON c.conversation_id = m.conversation_id
LEFT JOIN member AS p
    ON p.conversation_id = CASE c.kind WHEN 'd' THEN c.conversation_id END AND p.user_id <> m.user_id
"""
# CROSS JOIN fixes the order: the user's members first, each then looks its conversation up.
_CHANGED = f"""{_PLACES}
WHERE m.user_id = ? AND m.conversation_id > ? AND (c.changed > ? OR m.changed > ?)
ORDER BY m.conversation_id LIMIT ?
"""
_ONE = f"{_PLACES} WHERE m.user_id = ? AND m.conversation_id = ?"

_HEAD_BYTES = 160
"""What a head takes on the wire beside its texts and its last entry, at most."""


class _Place(NamedTuple):
    """A member's place, as `_PLACES` gives it."""

    conversation: str
    last_seq: int
    last_n: int
    head_time_ms: int
    member_version: int
    epoch_seq: int
    delivered_seq: int
    leave_seq: int | None
    leave_n: int | None
    peer_read_seq: int
    peer_delivered_seq: int
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

    def head(self, last: Entry | None) -> Head:
        """What a sync says of this place."""
        return Head(
            conversation=self.conversation,
            head_seq=self.head_seq,
            head_n=self.head_n,
            head_time_ms=self.head_time_ms,
            unread=self.cursors.unread(self.head_n),
            read_seq=self.cursors.read_seq,
            delivered_seq=self.delivered_seq,
            visible_from=self.cursors.visible_from,
            active=self.leave_seq is None,
            member_version=self.member_version,
            epoch_seq=self.epoch_seq,
            peer_read_seq=self.peer_read_seq,
            peer_delivered_seq=self.peer_delivered_seq,
            last=last,
            contact=contact_of(self.keepings, self.head_seq),
        )


def _place(row: tuple[Any, ...]) -> _Place:
    return _Place._make((*row[:11], Keepings._make(row[11:18]), Cursors(*row[18:])))


class Reader:
    """Answers queries on one connection. Used by one thread at a time.

    Raises `UnavailableError` where the database can't be read now.
    """

    def __init__(self, connection: Connection, limits: Limits, almanac: Almanac = UNTIMED) -> None:
        self._connection = connection
        self._limits = limits
        self._entries = Entries(connection, limits.content_bytes)
        online = OnlineTimeReader(connection, limits, almanac)
        self._answers: dict[type, Callable[[Any], Result]] = {
            Sync: self._sync,
            Pull: self._pull,
            WhatChanged: self._changed,
            GetProfile: self._profile,
            GetRecord: lambda query: record_of(connection, query.handler, query.key),
            GetReply: self._reply,
            FindUsers: lambda query: users_found(connection, query),
            GetPush: lambda query: push_of(connection, query),
            ListRequests: lambda query: requests_of(connection, query),
            GetRelation: self._relation,
            FindKey: lambda query: find_key(connection, query.digest),
            ListKeys: lambda query: all_keys(connection),
            ListPushTokens: lambda query: tokens_found(connection, query),
            FindPresence: lambda query: presence_of(connection, query),
            OnlineTime: online.one,
            OnlineTimes: online.all,
        }

    def read(self, query: Query) -> Result:
        """Answer one query from one snapshot."""
        try:
            with self._snapshot():
                return self._answers[type(query)](query)
        except sqlite3.Error as error:
            raise UnavailableError(f"the database can't be read: {error}") from error

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        self._connection.execute("BEGIN")
        try:
            yield
        finally:
            self._connection.execute("ROLLBACK")

    def _profile(self, query: GetProfile) -> Result:
        return id_problem(query.user, "user") or profile_of(self._connection, query.user)

    def _reply(self, query: GetReply) -> CustomReply | Refused:
        earlier = reply_of(self._connection, query.handler, query.user, query.key)
        return Refused(Code.NOT_FOUND, "this request was not answered yet") if earlier is None else earlier

    def _relation(self, query: GetRelation) -> Result:
        (epoch, _) = self._connection.execute(_META).fetchone()
        return relation_of(self._connection, query, epoch)

    def _sync(self, query: Sync) -> SyncPage | Refused:
        if not query.after.isprintable():
            return invalid("after", "after must be the `next` of a page")
        refused = login_refusal(self._connection, query.user, query.device, query.issued_ms)
        if refused is not None:
            return refused
        epoch, changes = self._connection.execute(_META).fetchone()
        since = -1
        if query.cursor is not None and query.cursor.epoch == epoch:
            since = min(query.cursor.position, changes)
        most = self._limits.sync_heads
        values = (query.user, query.after, since, since, most + 1)
        places = [_place(row) for row in self._connection.execute(_CHANGED, values)]
        heads = self._heads(places[:most])
        following = heads[-1].conversation if len(heads) < len(places) else ""
        return SyncPage(SyncCursor(epoch, changes), heads, following)

    def _changed(self, query: WhatChanged) -> Changed:
        epoch, changes = self._connection.execute(_META).fetchone()
        return what_changed(self._connection, query, epoch, changes + 1)

    def _heads(self, places: list[_Place]) -> list[Head]:
        """As many heads as fit into a page, at least one; a last entry that doesn't fit is left out."""
        heads: list[Head] = []
        left = self._limits.page_bytes
        for place in places:
            left -= _HEAD_BYTES + len(place.conversation.encode())
            if left < 0 and heads:
                break
            last = self._last(place)
            if last is not None:
                size = wire_size(last)
                if size > left:
                    last = None
                else:
                    left -= size
            heads.append(place.head(last))
        return heads

    def _last(self, place: _Place) -> Entry | None:
        if place.head_seq < place.cursors.visible_from:
            return None
        return next(self._entries.read(place.conversation, place.head_seq, place.head_seq, False))

    def _pull(self, query: Pull) -> PullPage | Refused:
        problem = conversation_problem(query.conversation, query.user)
        if problem is not None:
            return problem
        row = self._connection.execute(_ONE, (query.user, query.conversation)).fetchone()
        if row is None:
            return unknown_conversation()
        place = _place(row)
        (epoch, _) = self._connection.execute(_META).fetchone()
        entries, more = self._page(place, query)
        return PullPage(
            conversation=place.conversation,
            epoch=epoch,
            entries=entries,
            visible_from=place.cursors.visible_from,
            head_seq=place.head_seq,
            active=place.leave_seq is None,
            member_version=place.member_version,
            read_seq=place.cursors.read_seq,
            peer_read_seq=place.peer_read_seq,
            peer_delivered_seq=place.peer_delivered_seq,
            more=more,
        )

    def _page(self, place: _Place, query: Pull) -> tuple[list[Entry], bool]:
        """The entries of a page, ascending, and whether any are left in the asked direction."""
        lowest, highest = place.cursors.visible_from, place.head_seq
        most = min(query.limit or self._limits.page_entries, self._limits.page_entries)
        if query.backward:
            last = min(query.from_seq or highest, highest)
            first = max(lowest, last - most + 1)
        else:
            first = max(query.from_seq, lowest)
            last = min(first + most - 1, highest)
        if first > last:
            return [], False
        entries: list[Entry] = []
        left = self._limits.page_bytes
        for entry in self._entries.read(place.conversation, first, last, query.backward):
            left -= wire_size(entry)
            if left < 0 and entries:
                break
            entries.append(entry)
        if query.backward:
            entries.reverse()
            return entries, entries[0].seq > lowest
        return entries, entries[-1].seq < highest
