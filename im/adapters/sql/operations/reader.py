"""The readers: each query is answered from one snapshot."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from im.adapters.sql.operations.backends import all_keys, find_key
from im.adapters.sql.operations.connection import Connection
from im.adapters.sql.operations.contacts import badge_of, places_after, position, related_of
from im.adapters.sql.operations.dialect import Dialect
from im.adapters.sql.operations.entries import Entries, wire_size
from im.adapters.sql.operations.erasing import traces_of
from im.adapters.sql.operations.event_log import counts_of, dead_of, events_found
from im.adapters.sql.operations.explaining import explained, verified
from im.adapters.sql.operations.exporting import exported
from im.adapters.sql.operations.folds import (
    deleted,
    deleted_of,
    edited_later,
    fold_size,
    folds_of,
    taken_back,
)
from im.adapters.sql.operations.handlers import record_of, reply_of
from im.adapters.sql.operations.looking import what_changed
from im.adapters.sql.operations.members import (
    asking_of,
    group_of,
    members_found,
    members_of,
    memberships_of,
    readers_of,
)
from im.adapters.sql.operations.offline import find_away
from im.adapters.sql.operations.online import UNTIMED, Almanac, OnlineTimeReader
from im.adapters.sql.operations.places import CHANGED_PLACES, ONE_PLACE, Place, place_of
from im.adapters.sql.operations.presence import presence_of
from im.adapters.sql.operations.purging import old_found
from im.adapters.sql.operations.push_tokens import tokens_found
from im.adapters.sql.operations.pushes import push_of, users_found
from im.adapters.sql.operations.relations import relation_of, requests_of
from im.adapters.sql.operations.tracing import entry_traced, shards_found
from im.adapters.sql.operations.users import login_refusal, profile_of
from im.adapters.sql.operations.webhooks import all_webhooks
from im.core.backends import FindKey, ListKeys
from im.core.changing import GetReaders
from im.core.commands import GetProfile, GetUserState, Query, Result, UserState
from im.core.contacts import (
    CONTACTS_AT_ONCE,
    ContactPage,
    ListContacts,
    ListRelated,
    position_of,
    token_of,
)
from im.core.custom import CustomReply, GetRecord, GetReply
from im.core.errors import Code, Refused
from im.core.events import CountEvents, FindEvents, ListDead
from im.core.explaining import ExplainUnread, VerifyUnread
from im.core.folding import Fold
from im.core.grouping import FindMembers, GetGroup, GetMemberships, ListAsking, ListMembers
from im.core.ids import id_problem
from im.core.ledger import OnlineTime, OnlineTimes
from im.core.limits import Limits
from im.core.looking import Changed, WhatChanged
from im.core.messages import Entry, Head, Pull, PullPage, Sync, SyncCursor, SyncPage
from im.core.personal import ExportUser, FindTraces
from im.core.presence import FindPresence
from im.core.purging import FindOld
from im.core.pushing import FindUsers, GetPush
from im.core.reaching import FindAway, ListPushTokens
from im.core.relations import GetRelation, ListRequests
from im.core.seeing import FindShards, TraceEntry
from im.core.validation import conversation_problem, page_problem, unknown_conversation
from im.core.webhooks import ListWebhooks
from im.ports import UnavailableError

_HEAD_BYTES = 160
"""What a head takes on the wire beside its texts and its last entry, at most."""


class Reader:
    """Answers queries on one connection. Used by one thread at a time.

    Raises `UnavailableError` where the database can't be read now.
    """

    def __init__(
        self, connection: Connection, dialect: Dialect, limits: Limits, almanac: Almanac = UNTIMED
    ) -> None:
        self._connection = connection
        self._dialect = dialect
        self._limits = limits
        self._entries = Entries(connection, dialect, limits.content_bytes)
        online = OnlineTimeReader(connection, limits, almanac)
        self._answers: dict[type, Callable[[Any], Result]] = {
            Sync: self._sync,
            Pull: self._pull,
            WhatChanged: self._changed,
            GetProfile: self._profile,
            GetUserState: self._user_state,
            GetRecord: lambda query: record_of(connection, query.handler, query.key),
            GetReply: self._reply,
            FindUsers: lambda query: users_found(connection, query),
            GetPush: lambda query: push_of(connection, query),
            ListRequests: lambda query: requests_of(connection, query),
            GetRelation: self._relation,
            ListContacts: self._contacts,
            ListRelated: lambda query: related_of(connection, query),
            GetGroup: lambda query: group_of(connection, query),
            ListMembers: lambda query: members_of(connection, query),
            ListAsking: lambda query: asking_of(connection, query),
            GetMemberships: lambda query: memberships_of(connection, query),
            FindMembers: lambda query: members_found(connection, query),
            GetReaders: lambda query: readers_of(connection, query),
            FindKey: lambda query: find_key(connection, query.digest),
            ListKeys: lambda query: all_keys(connection),
            FindAway: lambda query: find_away(connection, query),
            ListPushTokens: lambda query: tokens_found(connection, query),
            FindPresence: lambda query: presence_of(connection, query),
            FindEvents: lambda query: events_found(connection, query),
            ListDead: lambda query: dead_of(connection, query),
            CountEvents: lambda query: counts_of(connection, query),
            ListWebhooks: lambda query: all_webhooks(connection),
            ExplainUnread: lambda query: explained(connection, query),
            VerifyUnread: lambda query: verified(connection, query),
            ExportUser: lambda query: exported(connection, query),
            FindTraces: lambda query: traces_of(connection, query),
            FindShards: lambda query: shards_found(connection, query),
            FindOld: lambda query: old_found(connection, query),
            TraceEntry: lambda query: entry_traced(connection, query),
            OnlineTime: online.one,
            OnlineTimes: online.all,
        }

    def read(self, query: Query) -> Result:
        """Answer one query from one snapshot."""
        try:
            with self._snapshot():
                return self._answers[type(query)](query)
        except self._dialect.error as error:
            raise UnavailableError(f"the database can't be read: {error}") from error

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        self._connection.execute(self._dialect.snapshot)
        try:
            yield
        finally:
            self._connection.execute("ROLLBACK")

    def _profile(self, query: GetProfile) -> Result:
        return id_problem(query.user, "user") or profile_of(self._connection, query.user)

    def _user_state(self, query: GetUserState) -> Result:
        problem = id_problem(query.user, "user") or login_refusal(self._connection, query.user, "", 0)
        return problem or UserState(query.user, False)

    def _reply(self, query: GetReply) -> CustomReply | Refused:
        earlier = reply_of(self._connection, query.handler, query.user, query.key)
        return Refused(Code.NOT_FOUND, "this request was not answered yet") if earlier is None else earlier

    def _relation(self, query: GetRelation) -> Result:
        (epoch, _) = self._connection.execute(self._dialect.position).fetchone()
        return relation_of(self._connection, query, epoch)

    def _sync(self, query: Sync) -> SyncPage | Refused:
        refused = page_problem(query.after) or login_refusal(
            self._connection, query.user, query.device, query.issued_ms
        )
        if refused is not None:
            return refused
        epoch, changes = self._connection.execute(self._dialect.position).fetchone()
        since = -1
        if query.cursor is not None and query.cursor.epoch == epoch:
            since = min(query.cursor.position, changes)
        most = self._limits.sync_heads
        values = (query.user, query.after, since, since, most + 1)
        places = [place_of(row) for row in self._connection.execute(CHANGED_PLACES, values)]
        heads = self._heads(places[:most])
        following = heads[-1].conversation if len(heads) < len(places) else ""
        return SyncPage(SyncCursor(epoch, changes), heads, following)

    def _contacts(self, query: ListContacts) -> ContactPage | Refused:
        after = position_of(query.after)
        if isinstance(after, Refused):
            return after
        most = min(query.limit or CONTACTS_AT_ONCE, CONTACTS_AT_ONCE)
        places = places_after(self._connection, query.user, after, most + 1)
        heads = self._heads(places[:most])
        following = token_of(position(places[len(heads) - 1])) if len(heads) < len(places) else ""
        return ContactPage(heads, badge_of(self._connection, query.user), following)

    def _changed(self, query: WhatChanged) -> Changed:
        epoch, changes = self._connection.execute(self._dialect.position).fetchone()
        return what_changed(self._connection, query, epoch, changes + 1)

    def _heads(self, places: list[Place]) -> list[Head]:
        """As many heads as fit into a page, at least one; a last entry that doesn't fit is left out."""
        heads: list[Head] = []
        left = self._limits.page_bytes
        for place in places:
            left -= _HEAD_BYTES + place.texts
            if left < 0 and heads:
                break
            last = self._last(place)
            if last is not None:
                size = wire_size(last)
                if size > left:
                    last = None
                else:
                    left -= size
            heads.append(place.head(self._connection, last))
        return heads

    def _last(self, place: Place) -> Entry | None:
        if place.head_seq < place.cursors.visible_from:
            return None
        seq = place.head_seq
        last = next(self._entries.read(place.conversation, seq, seq, False))
        if place.deleted_seq < seq:
            return last
        return deleted(last) if self._deleted(place, seq, seq) else last

    def _pull(self, query: Pull) -> PullPage | Refused:
        problem = conversation_problem(query.conversation, query.user)
        if problem is not None:
            return problem
        row = self._connection.execute(ONE_PLACE, (query.user, query.conversation)).fetchone()
        if row is None:
            return unknown_conversation()
        place = place_of(row)
        (epoch, _) = self._connection.execute(self._dialect.position).fetchone()
        entries, folds, more = self._page(place, query)
        return PullPage(
            conversation=place.conversation,
            epoch=epoch,
            entries=entries,
            visible_from=place.cursors.visible_from,
            head_seq=place.head_seq,
            active=place.is_active,
            member_version=place.member_version,
            read_seq=place.cursors.read_seq,
            peer_read_seq=place.peer_read_seq,
            peer_delivered_seq=place.peer_delivered_seq,
            more=more,
            folds=folds,
        )

    def _page(self, place: Place, query: Pull) -> tuple[list[Entry], tuple[Fold, ...], bool]:
        """The entries of a page, ascending, what became of them, and whether any are left."""
        lowest, highest = place.cursors.visible_from, place.head_seq
        most = min(query.limit or self._limits.page_entries, self._limits.page_entries)
        if query.backward:
            last = min(query.from_seq or highest, highest)
            first = max(lowest, last - most + 1)
        else:
            first = max(query.from_seq, lowest)
            last = min(first + most - 1, highest)
        if first > last:
            return [], (), False
        folds = folds_of(self._connection, (place.conversation, place.user), highest, first, last)
        gone = self._deleted(place, first, last)
        unknown = self._edited_later(place, first, last)
        entries: list[Entry] = []
        left = self._limits.page_bytes
        for read in self._entries.read(place.conversation, first, last, query.backward):
            entry = deleted(read) if read.seq in gone else taken_back(read) if read.seq in unknown else read
            left -= wire_size(entry) + fold_size(folds.get(entry.seq))
            if left < 0 and entries:
                break
            entries.append(entry)
        told = tuple(folds[each.seq] for each in entries if each.seq in folds and each.seq not in gone)
        if query.backward:
            entries.reverse()
            return entries, told, entries[0].seq > lowest
        return entries, told, entries[-1].seq < highest

    def _edited_later(self, place: Place, first: int, last: int) -> frozenset[int]:
        """What somebody who left may not see, since it was edited after that."""
        if place.leave_seq is None:
            return frozenset()
        return edited_later(self._connection, place.conversation, place.leave_seq, first, last)

    def _deleted(self, place: Place, first: int, last: int) -> frozenset[int]:
        if place.deleted_seq < first:
            return frozenset()
        return deleted_of(self._connection, place.conversation, place.user, first, last)
