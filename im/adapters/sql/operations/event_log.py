"""Events on their way to consumers: what is due, what became of it, and dead letters.

A lane whose first event failed has a row until nothing of it waits; its events that a consumer met
meanwhile are marked as behind, so that nobody looks at them again before it is their turn.
"""

from collections.abc import Callable, Iterable
from typing import Any

from im.adapters.sql.operations.connection import Connection
from im.adapters.sql.operations.dialect import UNCLAIMED
from im.adapters.sql.operations.events import EventWriter
from im.core.events import (
    DEAD_KEPT_MS,
    MOST_AGE_MS,
    CountEvents,
    DeadLetter,
    DeadLetters,
    DeadReplayed,
    Event,
    EventCount,
    EventCounts,
    EventLane,
    EventResult,
    EventsFound,
    EventsKept,
    EventsSettled,
    FindEvents,
    KeepEvents,
    LaneOutcome,
    ListDead,
    ReplayDead,
    SettleEvents,
    SubscribeEvents,
    event_ms,
    first_event,
)

_LANE_EVENTS = 8
"""Of a lane that goes on, in one look."""

_EVENT = "event_id, kind, user_id, time_ms, payload"
_DUE_LANES = (
    "SELECT lane, attempts FROM event_lane WHERE consumer = ? AND next_ms <= ? ORDER BY next_ms LIMIT ?"
)
_NEXT_LANE = "SELECT coalesce(min(next_ms), 0) FROM event_lane WHERE consumer = ? AND next_ms > ?"
_BEHIND = (
    f"SELECT {_EVENT} FROM event WHERE consumer = ? AND state = 1 AND event_id IN (SELECT event_id"
    " FROM event WHERE consumer = ? AND state = 1 AND lane = ? ORDER BY event_id LIMIT ?) ORDER BY event_id"
)
_WAITING = (
    "SELECT e.event_id, e.kind, e.user_id, e.time_ms, e.payload, e.lane, l.lane FROM event AS e"
    " LEFT JOIN event_lane AS l ON l.consumer = e.consumer AND l.lane = e.lane"
    " WHERE e.consumer = ? AND e.state = 0 ORDER BY e.event_id LIMIT ?"
)
_DONE = "DELETE FROM event WHERE consumer = ? AND state IN (0, 1) AND event_id = ?"
_BURY = (
    "UPDATE event SET state = 2, attempts = ?, error = ?"
    " WHERE consumer = ? AND state IN (0, 1) AND event_id = ?"
)
_PARK = "UPDATE event SET state = 1 WHERE consumer = ? AND state = 0 AND event_id = ?"
_HOLD_LANE = (
    "INSERT INTO event_lane (consumer, lane, attempts, next_ms) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (consumer, lane) DO UPDATE SET attempts = excluded.attempts, next_ms = excluded.next_ms"
)
_IS_BEHIND = "SELECT 1 FROM event WHERE consumer = ? AND lane = ? AND state = 1 LIMIT 1"
_LET_GO_ON = "UPDATE event_lane SET attempts = 0, next_ms = 0 WHERE consumer = ? AND lane = ?"
_FREE_LANE = "DELETE FROM event_lane WHERE consumer = ? AND lane = ?"
_DEAD = (
    f"SELECT {_EVENT}, attempts, error FROM event"
    " WHERE consumer = ? AND state = 2 AND event_id > ? ORDER BY event_id LIMIT ?"
)
_FIND_DEAD = (
    f"SELECT event_id FROM event WHERE consumer = ? AND state = 2 ORDER BY event_id LIMIT ? {UNCLAIMED}"
)
_REPLAY = (
    "UPDATE event SET state = 0, attempts = 0, error = '', pending_ms = ?"
    " WHERE consumer = ? AND state = 2 AND event_id = ?"
)
_NEXT_CONSUMER = "SELECT min(consumer) FROM event WHERE consumer > ?"
_IS_CONSUMER = "SELECT 1 FROM event_consumer WHERE consumer = ?"
_FIND_ANY = f"SELECT event_id FROM event WHERE consumer = ? ORDER BY state, event_id LIMIT ? {UNCLAIMED}"
_FIND_LANES = f"SELECT lane FROM event_lane WHERE consumer = ? LIMIT ? {UNCLAIMED}"
_FIND_OLD_DEAD = (
    "SELECT event_id FROM event WHERE consumer = ? AND state = 2 AND event_id < ?"
    f" ORDER BY event_id LIMIT ? {UNCLAIMED}"
)
_FIND_OLD = (
    "SELECT event_id FROM event WHERE consumer = ? AND state = {state} AND event_id < ?"
    f" AND pending_ms < ? ORDER BY event_id LIMIT ? {UNCLAIMED}"
)
_FIND_OLDS = tuple(_FIND_OLD.format(state=state) for state in range(2))
_REMOVE = "DELETE FROM event WHERE consumer = ? AND state IN (0, 1, 2) AND event_id = ?"
_GIVE_UP = (
    "UPDATE event SET state = 2, error = 'it waited too long'"
    " WHERE consumer = ? AND state IN (0, 1) AND event_id = ?"
)
_CONSUMERS = "SELECT consumer FROM event_consumer ORDER BY consumer"
_COUNT = (
    "SELECT count(*) FROM (SELECT 1 FROM event WHERE consumer = ? AND state = {state} LIMIT ?) AS counted"
)
_COUNTS = tuple(_COUNT.format(state=state) for state in range(3))
_OLDEST = "SELECT event_id FROM event WHERE consumer = ? AND state = {state} ORDER BY event_id LIMIT 1"
_OLDESTS = tuple(_OLDEST.format(state=state) for state in range(2))


class EventLog:
    """Executes what consumers say of events inside the writer's transaction."""

    def __init__(self, connection: Connection, events: EventWriter) -> None:
        self._connection = connection
        self._events = events

    def steps(self) -> dict[type, Callable[[Any, int], EventResult]]:
        """What executes each write."""
        return {
            SubscribeEvents: self._events.subscribe,
            SettleEvents: self.settle,
            KeepEvents: self.keep,
            ReplayDead: self.replay,
        }

    def settle(self, write: SettleEvents, now_ms: int) -> EventsSettled:
        """Take what became of lanes."""
        consumer = write.consumer
        self._park(consumer, write.behind)
        return EventsSettled(sum(self._settle_lane(consumer, outcome) for outcome in write.lanes))

    def _settle_lane(self, consumer: str, outcome: LaneOutcome) -> int:
        execute = self._connection.execute
        settled = sum(execute(_DONE, (consumer, event)).rowcount for event in outcome.done)
        for event, attempts, error in outcome.dead:
            settled += execute(_BURY, (attempts, error, consumer, event)).rowcount
        self._park(consumer, outcome.waiting)
        at = (consumer, outcome.lane)
        if outcome.attempts:
            execute(_HOLD_LANE, (*at, outcome.attempts, outcome.next_ms))
        elif execute(_IS_BEHIND, at).fetchone() is None:
            execute(_FREE_LANE, at)
        else:
            execute(_LET_GO_ON, at)
        return settled

    def _park(self, consumer: str, events: Iterable[bytes]) -> None:
        self._connection.executemany(_PARK, [(consumer, event) for event in events])

    def replay(self, write: ReplayDead, now_ms: int) -> DeadReplayed:
        """Let dead letters wait again."""
        found = self._connection.execute(_FIND_DEAD, (write.consumer, write.most)).fetchall()
        self._connection.executemany(_REPLAY, [(now_ms, write.consumer, event) for (event,) in found])
        return DeadReplayed(len(found))

    def keep(self, write: KeepEvents, now_ms: int) -> EventsKept:
        """Give up and remove what is too old, and what is of nobody."""
        rows, consumer = 0, self._following("")
        while consumer is not None and rows < write.most:
            rows += self._keep(consumer, write.most - rows, now_ms)
            consumer = self._following(consumer)
        return EventsKept(rows)

    def _following(self, consumer: str) -> str | None:
        (found,) = self._connection.execute(_NEXT_CONSUMER, (consumer,)).fetchone()
        return None if found is None else str(found)

    def _keep(self, consumer: str, most: int, now_ms: int) -> int:
        if self._connection.execute(_IS_CONSUMER, (consumer,)).fetchone() is None:
            rows = self._each(_FREE_LANE, _FIND_LANES, (consumer,), most)
            return rows + self._each(_REMOVE, _FIND_ANY, (consumer,), most - rows)
        old_ms = now_ms - MOST_AGE_MS
        long_ago = first_event(now_ms - DEAD_KEPT_MS)
        rows = self._each(_REMOVE, _FIND_OLD_DEAD, (consumer, long_ago), most)
        for find in _FIND_OLDS:
            rows += self._each(_GIVE_UP, find, (consumer, first_event(old_ms), old_ms), most - rows)
        return rows

    def _each(self, sql: str, find: str, values: tuple[Any, ...], most: int) -> int:
        """Run `sql` for a consumer, the first of `values`, and each of what is found, at most `most`."""
        found = self._connection.execute(find, (*values, most)).fetchall()
        self._connection.executemany(sql, [(values[0], key) for (key,) in found])
        return len(found)


def events_found(connection: Connection, query: FindEvents) -> EventsFound:
    """What is to be carried to a consumer now: first the lanes that failed, then what is new."""
    consumer, now_ms, most = query
    lanes: list[EventLane] = []
    due = connection.execute(_DUE_LANES, (consumer, now_ms, most)).fetchall()
    left = most
    for lane, attempts in due:
        if left <= 0:
            break
        rows = connection.execute(_BEHIND, (consumer, consumer, lane, min(left, _LANE_EVENTS))).fetchall()
        left -= max(1, len(rows))
        lanes.append(EventLane(lane, attempts, tuple(_event(row) for row in rows)))
    waiting = connection.execute(_WAITING, (consumer, most)).fetchall()
    fresh: dict[str, list[Event]] = {}
    behind = []
    for *row, lane, held in waiting:
        if held is not None:
            behind.append(bytes(row[0]))
        else:
            fresh.setdefault(lane, []).append(_event(row))
    lanes += [EventLane(lane, 0, tuple(events)) for lane, events in fresh.items()]
    (next_ms,) = connection.execute(_NEXT_LANE, (consumer, now_ms)).fetchone()
    return EventsFound(tuple(lanes), tuple(behind), len(waiting) == most or bool(due), next_ms)


def dead_of(connection: Connection, query: ListDead) -> DeadLetters:
    """A page of a consumer's dead letters."""
    rows = connection.execute(_DEAD, (query.consumer, query.after, query.limit + 1)).fetchall()
    letters = tuple(DeadLetter(_event(row[:5]), *row[5:]) for row in rows[: query.limit])
    return DeadLetters(letters, letters[-1].event.id if len(rows) > query.limit else b"")


def counts_of(connection: Connection, query: CountEvents) -> EventCounts:
    """What waits for each consumer, and what is dead."""
    counts = []
    for (consumer,) in connection.execute(_CONSUMERS).fetchall():
        waiting, behind, dead = (
            connection.execute(sql, (consumer, query.most)).fetchone()[0] for sql in _COUNTS
        )
        found = (connection.execute(sql, (consumer,)).fetchone() for sql in _OLDESTS)
        oldest = [event_ms(bytes(row[0])) for row in found if row is not None]
        pending = min(query.most, waiting + behind)
        counts.append(EventCount(consumer, pending, dead, min(oldest, default=0)))
    return EventCounts(tuple(counts))


def _event(row: Any) -> Event:
    event_id, *rest = row
    return Event(bytes(event_id), *rest)
