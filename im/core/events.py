"""Events for back ends: what happened, each written in the transaction that makes it true.

A *consumer* is somebody to whom events are carried, such as a webhook; it has a row of its own for each
event of a kind that it wants. Events of one *lane* are carried in order, one after the other: a user's
events are a lane, and so are all records of what was stored, each of which is of many users. See
`im.core.commands`.
"""

import base64
import json
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from im.core.ids import users_by_id, uuid7
from im.core.reaching import OfflineMessage

ONLINE, OFFLINE = "online", "offline"
STORED, OFFLINE_MESSAGE = "stored", "offline_message"
DELIVERED, READ = "delivered", "read"
PUSH_RESULT = "push_result"
TEST = "test"
"""Asked for by an operator, of one consumer; nobody subscribes to it."""

KINDS = (ONLINE, OFFLINE, STORED, OFFLINE_MESSAGE, DELIVERED, READ, PUSH_RESULT)

STORED_LANE = "~"
MOST_STORED = 256
"""Entries in one record of what was stored; a larger batch has more records."""

MOST_AGE_MS = 3 * 86_400_000
"""What waited so long is a dead letter, tried or not."""

DEAD_KEPT_MS = 30 * 86_400_000
"""Dead letters are removed so long after the event."""

EVENT_ID_BYTES = 16
_MOST_IN_MS = 0xFFF


class Event(NamedTuple):
    """What happened. `payload` is the text of a JSON object; `user` is "" where it is of no one user.

    The same id comes with every repetition; ids grow with time.
    """

    id: bytes
    kind: str
    user: str
    time_ms: int
    payload: str


class StoredEntry(NamedTuple):
    """An entry that a transaction stores."""

    conversation: str
    seq: int
    sender: str
    kind: int
    client_msg_id: bytes


class SubscribeEvents(NamedTuple):
    """Write: carry events of these kinds to `consumer` from now on. Result `EventsSubscribed`.

    Without any it is a consumer no more, and what it was still to get is forgotten.
    """

    consumer: str
    kinds: tuple[str, ...]


class EventsSubscribed(NamedTuple):
    """The kinds that a consumer gets."""

    consumer: str
    kinds: tuple[str, ...]


class FindEvents(NamedTuple):
    """Query: which events, at most `most`, are due to a consumer at `now_ms`? Result `EventsFound`."""

    consumer: str
    now_ms: int
    most: int


class EventLane(NamedTuple):
    """Events of one lane, in order; the first of them failed `attempts` times."""

    lane: str
    attempts: int
    events: tuple[Event, ...]


class EventsFound(NamedTuple):
    """`behind` are events whose lane waits for an earlier one. With `more`, there is more to be carried.

    `next_ms` is when the next lane is to be tried again; 0: none waits.
    """

    lanes: tuple[EventLane, ...]
    behind: tuple[bytes, ...]
    more: bool
    next_ms: int


class DeadEvent(NamedTuple):
    """An event that is given up, for the last `error` in a sentence."""

    event: bytes
    attempts: int
    error: str


class LaneOutcome(NamedTuple):
    """What became of a lane: `done` are carried, `dead` given up.

    The first of `waiting` failed `attempts` times and is to be tried again at `next_ms`, the others after
    it; 0: none did, and the lane goes on at once.
    """

    lane: str
    done: tuple[bytes, ...]
    dead: tuple[DeadEvent, ...] = ()
    waiting: tuple[bytes, ...] = ()
    attempts: int = 0
    next_ms: int = 0


class SettleEvents(NamedTuple):
    """Write: what became of lanes that an `EventsFound` named, and its `behind`. Result `EventsSettled`."""

    consumer: str
    lanes: tuple[LaneOutcome, ...]
    behind: tuple[bytes, ...]


class EventsSettled(NamedTuple):
    """How many events are carried or given up by now, that were not before."""

    events: int


class KeepEvents(NamedTuple):
    """Write: a step of upkeep, of at most `most` rows. Result `EventsKept`.

    What waited too long is given up; old dead letters go, and what is of consumers that are gone.
    """

    most: int


class EventsKept(NamedTuple):
    """How many rows the step changed; `most` of them: there may be more to do."""

    rows: int


class ListDead(NamedTuple):
    """Query: the dead letters of a consumer after event `after`, at most `limit`. Result `DeadLetters`."""

    consumer: str
    after: bytes
    limit: int


class DeadLetter(NamedTuple):
    """A dead letter, and why it is one."""

    event: Event
    attempts: int
    error: str


class DeadLetters(NamedTuple):
    """The oldest first; `next` is the last event's id while more follow, else empty."""

    letters: tuple[DeadLetter, ...]
    next: bytes


class ReplayDead(NamedTuple):
    """Write: carry dead letters again, the oldest first, at most `most`. Result `DeadReplayed`."""

    consumer: str
    most: int


class DeadReplayed(NamedTuple):
    """How many wait again; `most` of them: there may be more."""

    events: int


class CountEvents(NamedTuple):
    """Query: what waits for each consumer? Result `EventCounts`; no number above `most` is counted on."""

    most: int


class EventCount(NamedTuple):
    """`oldest_ms` is when the oldest event that waits happened; 0: none waits."""

    consumer: str
    pending: int
    dead: int
    oldest_ms: int


class EventCounts(NamedTuple):
    """By consumer."""

    counts: tuple[EventCount, ...]


EventWrite = SubscribeEvents | SettleEvents | KeepEvents | ReplayDead
EventQuery = FindEvents | ListDead | CountEvents
EventResult = (
    EventsSubscribed | EventsFound | EventsSettled | EventsKept | DeadLetters | DeadReplayed | EventCounts
)

EVENT_WRITES = (SubscribeEvents, SettleEvents, KeepEvents, ReplayDead)


class EventIds:
    """Ids of events, each larger than the one before, also when the clock goes back.

    `entropy` gives so many random bytes.
    """

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy
        self._last = (0, 0)

    def follow(self, event: bytes) -> None:
        """Give ids after that of this event."""
        self._last = max(self._last, (event_ms(event), _MOST_IN_MS))

    def next(self, now_ms: int) -> bytes:
        """The next id."""
        last_ms, count = self._last
        if now_ms > last_ms:
            self._last = (now_ms, 0)
        elif count < _MOST_IN_MS:
            self._last = (last_ms, count + 1)
        else:
            self._last = (last_ms + 1, 0)
        time_ms, count = self._last
        return uuid7(time_ms, count.to_bytes(2, "big") + self._entropy(8))


def event_ms(event: bytes) -> int:
    """The time in an event's id."""
    return int.from_bytes(event[:6], "big")


def first_event(time_ms: int) -> bytes:
    """No id of an event at this time or later is smaller."""
    return max(0, time_ms).to_bytes(6, "big") + bytes(10)


def lane_of(user: str) -> str:
    """The lane of a user's events, or of records that are of no one user."""
    return user or STORED_LANE


def payload(**fields: object) -> str:
    """The text of an event's payload."""
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def stored_payloads(entries: Sequence[StoredEntry]) -> Iterable[str]:
    """Records of what one transaction stored, in order."""
    for start in range(0, len(entries), MOST_STORED):
        part = entries[start : start + MOST_STORED]
        yield payload(entries=[_stored(entry) for entry in part])


def _stored(entry: StoredEntry) -> dict[str, object]:
    """`users` are those whom the conversation's id names: none of a group."""
    return {
        "conversation": entry.conversation,
        "seq": entry.seq,
        "sender": entry.sender,
        "kind": entry.kind,
        "client_msg_id": entry.client_msg_id.hex(),
        "users": list(users_by_id(entry.conversation)),
    }


def offline_message_payload(message: OfflineMessage) -> str:
    """A message that did not reach its user in time; its content in base64."""
    fields = message._asdict()
    del fields["user"]
    fields["content"] = base64.b64encode(message.content).decode()
    fields["devices"] = [device._asdict() for device in message.devices]
    return payload(**fields)
