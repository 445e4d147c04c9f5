"""The ledger of sessions: how rows are opened, changed and closed inside the writer's transaction."""

from typing import NamedTuple

from im.adapters.sql.operations.connection import Connection
from im.adapters.sql.operations.events import EventWriter
from im.core.ledger import (
    BeatNode,
    ChangeAppState,
    CloseSession,
    EndNode,
    EndSilentNodes,
    MoveClock,
    NodeEnded,
    OpenSession,
    SessionNoted,
)
from im.core.online_time import LEASE_MS, crash_bound_ms

NODE_DIED = "node_died"
MAX_SPANS = 500
"""Stretches in the foreground of one session; later ones are merged into the last, and that is noted."""

LATE_MS = 250
"""A beat that comes so much late tells of a stall of the node, whose clients were not listened to."""

RECENT_MS = 3_600_000
"""Stalls nearer than this are added up; by then a node found out who had died in one."""

_OPEN = (
    "INSERT INTO online_session (session_id, user_id, device_id, device_class, node, opened_ms,"
    " foreground_ms, heartbeat_ms, base_clock_ms, changed_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (session_id) DO NOTHING"
)
_STATE = (
    "SELECT foreground_ms, changed_ms, spans FROM online_session WHERE session_id = ? AND closed_ms IS NULL"
)
_CHANGE = (
    "UPDATE online_session SET foreground_ms = ?, changed_ms = ?, heartbeat_ms = ?, spans = ?,"
    " blurred_ms = blurred_ms + ? WHERE session_id = ?"
)
_ADD_SPAN = "INSERT INTO online_foreground (session_id, from_ms, to_ms) VALUES (?, ?, ?)"
_LAST_SPAN = "SELECT from_ms, to_ms FROM online_foreground WHERE session_id = ? ORDER BY from_ms DESC LIMIT 1"
_EXTEND_SPAN = "UPDATE online_foreground SET to_ms = ? WHERE session_id = ? AND from_ms = ?"
_CLOSE = (
    "UPDATE online_session SET closed_ms = ?, reason = ?, bound_ms = ?, clock_ms = ?,"
    " blurred_ms = blurred_ms + ?, reach_ms = CASE WHEN reach_ms < ? THEN ? ELSE reach_ms END,"
    " is_entered = 0"
    f" WHERE session_id = ? AND (closed_ms IS NULL OR reason = '{NODE_DIED}')"
)
_OPEN_ON = "SELECT session_id, opened_ms, changed_ms, heartbeat_ms, base_clock_ms FROM online_session" + (
    " WHERE closed_ms IS NULL AND node = ?"
)
_OPEN_NODES = "SELECT DISTINCT node FROM online_session WHERE closed_ms IS NULL"
_LEASE = "SELECT last_ms, clock_ms, stalled_ms, stalled_at_ms FROM node_lease WHERE node = ?"
_BEAT = (
    "INSERT INTO node_lease (node, started_ms, last_ms) VALUES (?, ?, ?)"
    " ON CONFLICT (node) DO UPDATE SET started_ms = excluded.started_ms, last_ms = excluded.last_ms"
)
_STALL = "UPDATE node_lease SET stalled_ms = ?, stalled_at_ms = ? WHERE node = ?"
_MOVE_CLOCK = "UPDATE node_lease SET clock_ms = ? WHERE node = ?"
_CLOCKS_ANEW = "UPDATE node_lease SET clock_ms = 0, stalled_ms = 0, stalled_at_ms = 0"


class _Lease(NamedTuple):
    """When a node was last alive, by how much its clock had jumped, and its last stalls."""

    last_ms: int
    clock_ms: int
    stalled_ms: int
    stalled_at_ms: int


_NO_LEASE = _Lease(0, 0, 0, 0)


class Ledger:
    """Executes what concerns the ledger inside the writer's transaction.

    Where the database belongs to this process alone, sessions that are open before its first own are
    of processes that died, and end when those were last alive.
    """

    def __init__(self, connection: Connection, events: EventWriter, is_alone: bool = True) -> None:
        self._connection = connection
        self._events = events
        self._has_begun = not is_alone
        self._begins = False

    def begin(self, now_ms: int) -> None:
        """End what earlier processes left open, once."""
        if self._has_begun or self._begins:
            return
        self._begins = True
        for (node,) in self._connection.execute(_OPEN_NODES).fetchall():
            self._end(node, self._lease(node).last_ms, now_ms)
        self._connection.execute(_CLOCKS_ANEW)

    def beat(self, node: str, started_ms: int, now_ms: int) -> None:
        """Note that a node lives; and if this comes late, that it stood still."""
        is_first = not self._has_begun
        self.begin(now_ms)
        lease = self._lease(node)
        self._connection.execute(_BEAT, (node, started_ms, now_ms))
        late_ms = now_ms - lease.last_ms - LEASE_MS
        if late_ms > LATE_MS and not is_first:
            is_near = now_ms - lease.stalled_at_ms < RECENT_MS
            stalled_ms = late_ms + (lease.stalled_ms if is_near else 0)
            self._connection.execute(_STALL, (stalled_ms, now_ms, node))

    def settle(self, is_stored: bool) -> None:
        """After the transaction's end; rolled back, the beginning is still to come."""
        self._has_begun = self._has_begun or (self._begins and is_stored)
        self._begins = False

    def open(self, write: OpenSession, now_ms: int) -> SessionNoted:
        """Add the row of a session."""
        self.begin(now_ms)
        return SessionNoted(self._open(write, now_ms))

    def _open(self, write: OpenSession, now_ms: int) -> bool:
        foreground_ms = write.opened_ms if write.is_foreground else None
        who = (write.session, write.user, write.device, write.device_class, write.node)
        when = (write.opened_ms, foreground_ms, write.heartbeat_ms, write.clock_ms, write.opened_ms)
        is_new = bool(self._connection.execute(_OPEN, (*who, *when)).rowcount)
        if is_new:
            self._events.online(write, now_ms)
        return is_new

    def change(self, write: ChangeAppState, now_ms: int) -> SessionNoted:
        """Begin a stretch in the foreground, or end one."""
        row = self._connection.execute(_STATE, (write.session,)).fetchone()
        if row is None or write.at_ms <= row[1]:
            return SessionNoted(False)
        foreground_ms, _, spans = row
        blurred_ms = write.blurred_ms
        if not write.is_foreground and foreground_ms is not None:
            if spans < MAX_SPANS:
                self._connection.execute(_ADD_SPAN, (write.session, foreground_ms, write.at_ms))
                spans += 1
            else:
                blurred_ms += self._extend(write.session, foreground_ms, write.at_ms)
        elif write.is_foreground and foreground_ms is not None:
            return SessionNoted(False)
        begins_ms = write.at_ms if write.is_foreground else None
        values = (begins_ms, write.at_ms, write.heartbeat_ms, spans, blurred_ms, write.session)
        self._connection.execute(_CHANGE, values)
        return SessionNoted(True)

    def _extend(self, session: str, from_ms: int, to_ms: int) -> int:
        """Merge a stretch into the last one; returns the gap between them."""
        last_from_ms, last_to_ms = self._connection.execute(_LAST_SPAN, (session,)).fetchone()
        self._connection.execute(_EXTEND_SPAN, (to_ms, session, last_from_ms))
        gap_ms: int = from_ms - last_to_ms
        return gap_ms

    def close(self, write: CloseSession, now_ms: int) -> SessionNoted:
        """End a session, or put right when it ended."""
        self._open(write.opened, now_ms)
        session, closed_ms = write.opened.session, max(write.closed_ms, write.opened.opened_ms)
        end = (
            closed_ms,
            write.reason,
            write.bound_ms,
            write.clock_ms,
            write.blurred_ms,
            closed_ms,
            closed_ms,
        )
        is_new = bool(self._connection.execute(_CLOSE, (*end, session)).rowcount)
        if is_new:
            self._events.offline([session], now_ms)
        return SessionNoted(is_new)

    def move_clock(self, write: MoveClock, now_ms: int) -> SessionNoted:
        """Note by how much a node's wall clock has jumped."""
        moved = self._connection.execute(_MOVE_CLOCK, (write.clock_ms, write.node))
        return SessionNoted(bool(moved.rowcount))

    def end_node(self, write: EndNode, now_ms: int) -> NodeEnded:
        """End the open sessions of a node that died."""
        last_ms = write.last_ms or self._lease(write.node).last_ms
        return NodeEnded(self._end(write.node, last_ms, now_ms))

    def beat_node(self, write: BeatNode, now_ms: int) -> SessionNoted:
        """Note that a node of a cluster lives."""
        self.beat(write.node, write.started_ms, now_ms)
        return SessionNoted(True)

    def end_silent(self, write: EndSilentNodes, now_ms: int) -> NodeEnded:
        """End the open sessions of nodes that did not beat for a while."""
        sessions = 0
        for (node,) in self._connection.execute(_OPEN_NODES).fetchall():
            last_ms = self._lease(node).last_ms
            if last_ms < now_ms - write.silent_ms:
                sessions += self._end(node, last_ms, now_ms)
        return NodeEnded(sessions)

    def _end(self, node: str, last_ms: int, now_ms: int) -> int:
        lease = self._lease(node)
        stalled_ms = lease.stalled_ms if last_ms - lease.stalled_at_ms < RECENT_MS else 0
        rows = self._connection.execute(_OPEN_ON, (node,)).fetchall()
        ends = []
        for session, opened_ms, changed_ms, heartbeat_ms, base_clock_ms in rows:
            jumped_ms = lease.clock_ms - base_clock_ms
            end_ms = max(opened_ms, changed_ms, last_ms - jumped_ms)
            ends.append(
                (
                    end_ms,
                    NODE_DIED,
                    crash_bound_ms(heartbeat_ms) + stalled_ms,
                    abs(jumped_ms),
                    0,
                    end_ms,
                    end_ms,
                    session,
                )
            )
        self._connection.executemany(_CLOSE, ends)
        self._events.offline([row[0] for row in rows], now_ms)
        return len(ends)

    def _lease(self, node: str) -> _Lease:
        row = self._connection.execute(_LEASE, (node,)).fetchone()
        return _NO_LEASE if row is None else _Lease(*row)
