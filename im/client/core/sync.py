"""What changed since: one sync at a time, in pages; its stamp is kept when its last page came."""

from typing import NamedTuple

from google.protobuf.message import Message as Body

from im.client.core.arrivals import Arrivals
from im.client.core.events import Effects, Ended, Refusal
from im.client.core.requests import NextId, Outcome, Requests
from im.client.core.state import ClientState
from im.core.groups import GroupFacts
from im.core.messages import Entry, Head, SyncCursor
from im.core.relations import NO_CONTACT, Contact
from im.proto import sync_pb2
from im.wire.codec import pack


class SyncParts(NamedTuple):
    """What a sync works with."""

    effects: Effects
    state: ClientState
    arrivals: Arrivals
    requests: Requests
    next_id: NextId


class Sync:
    """The cursor of the last complete sync, and the one that is under way.

    The stamp is that of the first page, saved in one write with all heads that the pages taught
    (rule L4): whoever dies between two pages starts over.
    """

    def __init__(self, parts: SyncParts, cursor: SyncCursor | None) -> None:
        self._effects, self._state, self._arrivals, self._requests, self._next_id = parts
        self.cursor = cursor
        self._is_online = False
        self._is_running = False
        self._is_audit = False
        self._is_wanted_again = False
        self._stamp: SyncCursor | None = None
        self._learned: list[str] = []
        self._waiting: list[int] = []
        self._waiting_for_next: list[int] = []

    def login(self) -> sync_pb2.SyncCursor | None:
        """A login begins, and with its answer a sync. What it is to name as its cursor."""
        self._begin(is_audit=False)
        return self._wire_cursor()

    def online(self) -> None:
        """The login was answered; its first page follows."""
        self._is_online = True

    def offline(self) -> None:
        """The session is over. Who waits for a sync is served by that of the next login."""
        self._is_online = self._is_running = self._is_wanted_again = False
        self._waiting_for_next = self._waiting + self._waiting_for_next
        self._waiting = []

    def look(self, now: float) -> None:
        """Something may have changed: sync, once more if one is under way."""
        if self._is_running or not self._is_online:
            self._is_wanted_again = self._is_running
        else:
            self._start(now, is_audit=False)

    def audit(self, now: float) -> None:
        """Sync to see whether pushes told everything. Any other sync does as well."""
        if self._is_online and not self._is_running:
            self._start(now, is_audit=True)

    def refresh(self, request: int, now: float) -> None:
        """Answer `request` when a sync has ended that began after now."""
        self._waiting_for_next.append(request)
        self.look(now)

    def page(self, body: sync_pb2.SyncResult, now: float) -> None:
        """A page came, with the login's answer or by itself."""
        stamp = SyncCursor(body.cursor.epoch, body.cursor.position)
        if self._stamp is not None and self._stamp.epoch != stamp.epoch:
            self._start(now, is_audit=False)
            return
        if self._stamp is None:
            self._stamp = stamp
        is_first = self.cursor is None
        for each in body.heads:
            self._arrivals.learn(_head(each), stamp.epoch, is_first, self._is_audit, now)
            self._learned.append(each.conversation)
        if body.next:
            self._ask(body.next, now)
        else:
            self._finish(self._stamp, now)

    def _begin(self, is_audit: bool) -> None:
        self._is_running = True
        self._is_wanted_again = False
        self._is_audit = is_audit
        self._stamp = None
        self._learned = []
        self._waiting += self._waiting_for_next
        self._waiting_for_next = []

    def _start(self, now: float, is_audit: bool) -> None:
        self._begin(is_audit)
        self._ask("", now)

    def _ask(self, after: str, now: float) -> None:
        request = self._next_id()
        frame = pack(sync_pb2.Sync(cursor=self._wire_cursor(), after=after), request)
        self._requests.ask(request, frame, now, Outcome(self._answered, self._refused))

    def _answered(self, body: Body, now: float) -> None:
        if isinstance(body, sync_pb2.SyncResult):
            self.page(body, now)

    def _refused(self, refusal: Refusal, now: float) -> None:
        self._effects.events.append(Ended(refusal.label, f"no sync: {refusal.text}", reconnect=True))

    def _finish(self, stamp: SyncCursor, now: float) -> None:
        self._is_running = False
        if self.cursor is not None and self.cursor.epoch != stamp.epoch:
            self._learned += self._arrivals.drop_others(stamp.epoch, now)
        self.cursor = stamp
        self._arrivals.synced(now)
        learned = list(dict.fromkeys(self._learned))
        heads = [each.head for name in learned if (each := self._arrivals.get(name)) and each.head]
        self._state.save_sync(self._arrivals.user, stamp, heads, self._arrivals.watermarks(learned))
        for request in self._waiting:
            self._requests.answered(request, None, now)
        self._waiting = []
        if self._is_wanted_again:
            self._start(now, is_audit=False)

    def _wire_cursor(self) -> sync_pb2.SyncCursor | None:
        if self.cursor is None:
            return None
        return sync_pb2.SyncCursor(epoch=self.cursor.epoch, position=self.cursor.position)


def _head(body: sync_pb2.Head) -> Head:
    return Head(
        body.conversation,
        body.head_seq,
        body.head_n,
        body.head_time_ms,
        body.unread,
        body.read_seq,
        body.delivered_seq,
        body.visible_from,
        body.active,
        body.member_version,
        body.epoch_seq,
        body.peer_read_seq,
        body.peer_delivered_seq,
        _entry(body.last) if body.HasField("last") else None,
        contact_of(body.contact) if body.HasField("contact") else NO_CONTACT,
        _group(body.group) if body.HasField("group") else None,
    )


def _group(body: sync_pb2.GroupFacts) -> GroupFacts:
    return GroupFacts(
        body.name, body.avatar, body.members, body.role, body.asking, body.is_dissolved, body.mentions
    )


def contact_of(body: sync_pb2.Contact) -> Contact:
    """What a user keeps of a conversation."""
    flags = (body.pinned, body.muted, body.hidden, body.marked)
    return Contact(body.remark, *flags, body.relation, body.is_blocking)


def _entry(body: sync_pb2.Entry) -> Entry:
    return Entry(
        body.seq,
        body.n,
        body.kind,
        body.sender,
        body.client_msg_id,
        body.server_time_ms,
        body.content,
    )
