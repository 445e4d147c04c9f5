"""Events for back ends: what writes mean, noted within their transaction for each consumer that wants it."""

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from im.adapters.sql.operations.connection import Connection
from im.adapters.sql.operations.offline import UnreachedWriter
from im.adapters.sql.operations.statements import RowsInsert
from im.core.commands import Result, Write
from im.core.entries import PUSH
from im.core.events import (
    DELIVERED,
    KINDS,
    OFFLINE,
    OFFLINE_MESSAGE,
    ONLINE,
    PUSH_RESULT,
    READ,
    STORED,
    Event,
    EventIds,
    EventsSubscribed,
    StoredEntry,
    SubscribeEvents,
    lane_of,
    offline_message_payload,
    payload,
    stored_payloads,
)
from im.core.ids import users_by_id
from im.core.ledger import OpenSession
from im.core.messages import CursorMoved, MoveDelivered, MoveRead, Send, Sent
from im.core.reaching import WEBHOOKS, AwayPassed, PassAway

RELEARN_MS = 2_000
"""Where others write to the database too, who wants what is looked up again after so long."""

_NEVER_MS = 1 << 62

_ADD = RowsInsert(
    "event",
    ["consumer", "event_id", "lane", "kind", "user_id", "time_ms", "pending_ms", "payload"],
    "ON CONFLICT (consumer, state, event_id) DO NOTHING",
)
_CONSUMERS = "SELECT consumer, kinds FROM event_consumer ORDER BY consumer"
_SUBSCRIBE = (
    "INSERT INTO event_consumer (consumer, kinds) VALUES (?, ?)"
    " ON CONFLICT (consumer) DO UPDATE SET kinds = excluded.kinds"
)
_UNSUBSCRIBE = "DELETE FROM event_consumer WHERE consumer = ?"
_LAST = (
    "SELECT event_id FROM event WHERE consumer = ? AND state = ? ORDER BY state DESC, event_id DESC LIMIT 1"
)
_RECEIVED = "SELECT coalesce(max(seq), 0) FROM inbox_receipt WHERE conversation_id = ? AND device_id = ?"
_PUSHES = (
    "SELECT client_msg_id, seq FROM message"
    f" WHERE conversation_id = ? AND seq > ? AND seq <= ? AND kind = {PUSH} ORDER BY seq"
)
_DELIVERED = "SELECT delivered_seq FROM member WHERE conversation_id = ? AND user_id = ?"
_SESSIONS = (
    "SELECT user_id, device_id, device_class, node, opened_ms, closed_ms, reason FROM online_session"
    " WHERE session_id = ?"
)


class EventWriter:
    """Notes events inside the writer's transaction. While `wanted` is empty there is nothing to note.

    `stale_ms` is until when what it knows of the consumers holds; then `learn` again.
    """

    def __init__(self, connection: Connection, unreached: UnreachedWriter, is_alone: bool) -> None:
        self._connection = connection
        self._unreached = unreached
        self._is_alone = is_alone
        self._ids = EventIds(os.urandom)
        self._away_consumers = unreached.consumers
        self._received: dict[tuple[str, str], int] = {}
        self.wanted: dict[str, tuple[str, ...]] = {}
        self.stale_ms = 0
        self._derive: dict[type, Callable[[Any, Any, int], None]] = {
            Send: self._sent,
            MoveDelivered: self._delivered,
            MoveRead: self._read,
            PassAway: self._passed,
        }

    def learn(self, now_ms: int) -> None:
        """Look up who wants what."""
        wanted: dict[str, list[str]] = {}
        for consumer, kinds in self._connection.execute(_CONSUMERS).fetchall():
            for kind in kinds.split():
                wanted.setdefault(kind, []).append(consumer)
            if not self.stale_ms:
                self._follow(consumer)
        self.wanted = {kind: tuple(consumers) for kind, consumers in wanted.items()}
        own = {WEBHOOKS} if OFFLINE_MESSAGE in wanted else frozenset()
        self._unreached.consumers = self._away_consumers | own
        self.stale_ms = _NEVER_MS if self._is_alone else now_ms + RELEARN_MS

    def forget(self) -> None:
        """Look up again who wants what: a rollback may have taken it back."""
        self.stale_ms = 0

    def subscribe(self, write: SubscribeEvents, now_ms: int) -> EventsSubscribed:
        """Let a consumer have other kinds than before."""
        kinds = tuple(kind for kind in KINDS if kind in write.kinds)
        if kinds:
            self._connection.execute(_SUBSCRIBE, (write.consumer, " ".join(kinds)))
        else:
            self._connection.execute(_UNSUBSCRIBE, (write.consumer,))
        self.learn(now_ms)
        return EventsSubscribed(write.consumer, kinds)

    def add(self, consumers: Iterable[str], now_ms: int, *events: Event) -> None:
        """Note events for some consumers, under ids of their own."""
        rows = []
        for event in events:
            event_id = self._ids.next(now_ms)
            lane = lane_of(event.user)
            what = (event_id, lane, event.kind, event.user, event.time_ms, now_ms, event.payload)
            rows += [(consumer, *what) for consumer in consumers]
        _ADD.execute(self._connection, rows)

    def record(
        self, batch: Sequence[Write], results: Sequence[Result], stored: Iterable[StoredEntry], now_ms: int
    ) -> None:
        """Note what a batch means, once it is executed."""
        for write, result in zip(batch, results, strict=True):
            derive = self._derive.get(type(write))
            if derive is not None:
                derive(write, result, now_ms)
        self._received.clear()
        if STORED in self.wanted:
            events = [Event(b"", STORED, "", now_ms, text) for text in stored_payloads([*stored])]
            self.add(self.wanted[STORED], now_ms, *events)

    def online(self, opened: OpenSession, now_ms: int) -> None:
        """Note that a session began."""
        self._tell(ONLINE, opened.user, opened.opened_ms, now_ms, **_session(opened))

    def offline(self, sessions: Iterable[str], now_ms: int) -> None:
        """Note that sessions ended, as their rows say."""
        if OFFLINE not in self.wanted:
            return
        for session in sessions:
            row = self._connection.execute(_SESSIONS, (session,)).fetchone()
            user, device, device_class, node, opened_ms, closed_ms, reason = row
            self._tell(
                OFFLINE,
                user,
                closed_ms,
                now_ms,
                session=session,
                device=device,
                device_class=device_class,
                node=node,
                reason=reason,
                duration_ms=closed_ms - opened_ms,
            )

    def expired(self, push: bytes, shown: Iterable[tuple[str, int]], now_ms: int) -> None:
        """Note that a push was shown in some inboxes until its time was over, and no device had it."""
        if PUSH_RESULT not in self.wanted:
            return
        for inbox, seq in shown:
            (user,) = users_by_id(inbox)
            row = self._connection.execute(_DELIVERED, (inbox, user)).fetchone()
            if row is not None and row[0] < seq:
                self._tell(PUSH_RESULT, user, now_ms, now_ms, push=push.hex(), seq=seq, state="expired")

    def _follow(self, consumer: str) -> None:
        for state in range(3):
            last = self._connection.execute(_LAST, (consumer, state)).fetchone()
            if last is not None:
                self._ids.follow(bytes(last[0]))

    def _tell(self, kind: str, user: str, time_ms: int, now_ms: int, **fields: object) -> None:
        consumers = self.wanted.get(kind)
        if consumers is not None:
            self.add(consumers, now_ms, Event(b"", kind, user, time_ms, payload(**fields)))

    def _sent(self, send: Send, result: Sent | object, now_ms: int) -> None:
        if isinstance(result, Sent) and result.read is not None:
            self._read(send, result.read, now_ms)

    def _read(self, write: MoveRead | Send, result: CursorMoved | object, now_ms: int) -> None:
        if isinstance(result, CursorMoved) and result.moved:
            at = {"conversation": result.conversation, "seq": result.read_seq}
            self._tell(READ, result.user, now_ms, now_ms, **at)

    def _delivered(self, move: MoveDelivered, result: CursorMoved | object, now_ms: int) -> None:
        if not isinstance(result, CursorMoved):
            return
        if result.moved:
            at = {"conversation": result.conversation, "seq": result.delivered_seq}
            self._tell(DELIVERED, result.user, now_ms, now_ms, **at)
        if move.device and PUSH_RESULT in self.wanted and users_by_id(move.conversation) == (move.user,):
            self._acknowledged(move, min(move.seq, result.delivered_seq), now_ms)

    def _acknowledged(self, move: MoveDelivered, seq: int, now_ms: int) -> None:
        """A device has what is in an inbox up to `seq`: its receipt is written after this."""
        at = (move.conversation, move.device)
        before = self._received.get(at)
        if before is None:
            (before,) = self._connection.execute(_RECEIVED, at).fetchone()
        self._received[at] = max(seq, before)
        for push, push_seq in self._connection.execute(_PUSHES, (at[0], before, seq)).fetchall():
            fields = {"push": bytes(push).hex(), "seq": push_seq, "state": "acknowledged"}
            self._tell(PUSH_RESULT, move.user, now_ms, now_ms, **fields, device=move.device)

    def _passed(self, write: PassAway, result: AwayPassed | object, now_ms: int) -> None:
        if isinstance(result, AwayPassed) and result.is_new and OFFLINE_MESSAGE in self.wanted:
            events = [
                Event(b"", OFFLINE_MESSAGE, message.user, message.time_ms, offline_message_payload(message))
                for message in write.told
            ]
            self.add(self.wanted[OFFLINE_MESSAGE], now_ms, *events)


def _session(opened: OpenSession) -> dict[str, object]:
    return {
        "session": opened.session,
        "device": opened.device,
        "device_class": opened.device_class,
        "node": opened.node,
        "is_foreground": opened.is_foreground,
    }
