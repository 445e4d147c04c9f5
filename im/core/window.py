"""The delivery window of one session: what was written to it and is not acknowledged yet.

Acknowledgements are cumulative for each conversation. What is not acknowledged in time is due
again, each time after twice as long, until the session has to be given up. A window that is full
drops a conversation and marks it for a resync: the client pulls it from the store. Time is a
number of ticks and comes as an argument.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import NamedTuple

MARKS = 100
"""Conversations that a resync names; more are told as "any"."""

Waiter = Callable[[bool], None]
"""Called once: true when the delivery was acknowledged, false when it was given up."""


_seq = itemgetter(0)


class WindowBounds(NamedTuple):
    """What all windows of a node share: how much they hold, and when and how often they resend.

    `deliveries` also bounds the conversations that have to be acknowledged, those dropped among them.
    """

    deliveries: int
    bytes: int
    resend_ticks: int
    resends: int


class Due(NamedTuple):
    """Frames to be written again. `given_up`: the session ignored the last resend too."""

    frames: list[bytes]
    given_up: bool


class _Flight:
    """The unacknowledged deliveries of one conversation, ascending; empty after an overflow.

    An overflow keeps the due time: a session that never acknowledges doesn't gain time by it.
    """

    __slots__ = ("acked", "due", "entries", "resends")

    def __init__(self, due: int, entries: list[tuple[int, bytes]]) -> None:
        self.entries = entries.copy()
        self.due = due
        self.resends = 0
        self.acked = 0


class DeliveryWindow:
    """Of one session; made when its first delivery comes, so that an idle session pays nothing."""

    __slots__ = ("_any_marked", "_bounds", "_bytes", "_count", "_flights", "_marks", "_waiters")

    def __init__(self, bounds: WindowBounds) -> None:
        self._bounds = bounds
        self._flights: dict[str, _Flight] = {}
        self._count = 0
        self._bytes = 0
        self._marks: dict[str, None] | None = None
        self._any_marked = False
        self._waiters: dict[str, list[tuple[int, Waiter]]] | None = None

    def __len__(self) -> int:
        return self._count

    def add(self, conversation: str, seq: int, frame: bytes, now: int) -> bool:
        """Take a delivery in; whether its frame is to be written.

        It is not if it is in flight already, or if the window is full: then the conversation is
        dropped and marked for a resync.
        """
        bounds = self._bounds
        flight = self._flights.get(conversation)
        if self._count >= bounds.deliveries or self._bytes + len(frame) > bounds.bytes:
            self._drop(conversation, flight)
            return False
        if flight is None:
            if len(self._flights) >= bounds.deliveries:  # most of them emptied, and still of some size
                self.mark(conversation)
                return False
            self._flights[conversation] = _Flight(now + bounds.resend_ticks, [(seq, frame)])
        elif not flight.entries or flight.entries[-1][0] < seq:
            flight.entries.append((seq, frame))
        else:
            place = bisect_left(flight.entries, seq, key=_seq)
            if flight.entries[place][0] == seq:
                return False
            flight.entries.insert(place, (seq, frame))
        self._count += 1
        self._bytes += len(frame)
        return True

    def add_run(self, conversation: str, entries: list[tuple[int, bytes]], size: int, now: int) -> bool:
        """Take some deliveries of `size` bytes in at once; whether their frames are to be written.

        Else nothing was taken: they are to be added one by one.
        """
        bounds, count = self._bounds, len(entries)
        flight = self._flights.get(conversation)
        if self._count + count > bounds.deliveries or self._bytes + size > bounds.bytes:
            return False
        if flight is None:
            if len(self._flights) >= bounds.deliveries:
                return False
            self._flights[conversation] = _Flight(now + bounds.resend_ticks, entries)
        elif flight.entries and flight.entries[-1][0] >= entries[0][0]:
            return False
        else:
            flight.entries += entries
        self._count += count
        self._bytes += size
        return True

    def acknowledge(self, conversation: str, seq: int, now: int) -> int:
        """Everything of a conversation up to `seq` has arrived; how many deliveries that ends."""
        flight = self._flights.get(conversation)
        if flight is None:
            return 0
        entries = flight.entries
        if not entries or entries[-1][0] <= seq:
            freed = len(entries)
            self._release(entries)
            del self._flights[conversation]
        else:
            freed = bisect_right(entries, seq, key=_seq)
            if freed:
                self._release(entries[:freed])
                del entries[:freed]
            if seq > flight.acked:
                # A client that fills a hole acknowledges in steps: it is behind, not dead.
                flight.acked = seq
                flight.resends = 0
                flight.due = now + self._bounds.resend_ticks
        if self._waiters is not None:
            self._settle(conversation, seq, True)
        return freed

    def due(self, now: int) -> Due:
        """What has waited too long, in order for each conversation; it counts as resent at `now`."""
        frames: list[bytes] = []
        for flight in self._flights.values():
            if flight.due > now:
                continue
            if flight.resends >= self._bounds.resends:
                return Due([], True)
            flight.resends += 1
            flight.due = now + (self._bounds.resend_ticks << flight.resends)
            frames += (frame for _, frame in flight.entries)
        return Due(frames, False)

    def next_due(self) -> int | None:
        """The tick at which something is due; None: nothing is in flight."""
        return min((flight.due for flight in self._flights.values()), default=None)

    def postpone(self, now: int) -> None:
        """Start the waiting anew: up to now nothing could reach the client."""
        for flight in self._flights.values():
            flight.due = max(flight.due, now + self._bounds.resend_ticks)

    def frames(self) -> Iterator[bytes]:
        """Everything in flight, in order for each conversation."""
        for flight in self._flights.values():
            for _, frame in flight.entries:
                yield frame

    def resends_of(self, conversation: str, seq: int) -> int | None:
        """How often a delivery that is in flight was written again; None: it isn't in flight."""
        flight = self._flights.get(conversation)
        if flight is None or all(each != seq for each, _ in flight.entries):
            return None
        return flight.resends

    def is_marked(self, conversation: str) -> bool:
        """Whether the client is yet to be told that a delivery of a conversation was dropped."""
        return self._any_marked or conversation in (self._marks or ())

    def mark(self, conversation: str) -> None:
        """Remember that a delivery of a conversation was dropped."""
        if self._any_marked:
            return
        if self._marks is None:
            self._marks = {}
        self._marks[conversation] = None
        if len(self._marks) > MARKS:
            self._marks = None
            self._any_marked = True

    @property
    def has_marks(self) -> bool:
        """Whether the client must be told to resync."""
        return self._marks is not None or self._any_marked

    def take_marks(self) -> tuple[str, ...]:
        """The marked conversations, in the order of their marks; empty: any. They are marked no more."""
        marks, self._marks, self._any_marked = self._marks, None, False
        return tuple(marks or ())

    def wait(self, conversation: str, seq: int, waiter: Waiter) -> bool:
        """Tell `waiter` what becomes of a delivery; false, and nothing is told, if it isn't in flight."""
        if self.resends_of(conversation, seq) is None:
            return False
        if self._waiters is None:
            self._waiters = {}
        self._waiters.setdefault(conversation, []).append((seq, waiter))
        return True

    def abandon(self) -> None:
        """The session is over: forget everything; who waits is told that it was given up."""
        self._flights.clear()
        self._count = self._bytes = 0
        self.take_marks()
        for conversation in list(self._waiters or ()):
            self._settle(conversation, None, False)

    def _drop(self, conversation: str, flight: _Flight | None) -> None:
        self.mark(conversation)
        if flight is not None:
            self._release(flight.entries)
            flight.entries = []
            if self._waiters is not None:
                self._settle(conversation, None, False)

    def _release(self, entries: list[tuple[int, bytes]]) -> None:
        self._count -= len(entries)
        for _, frame in entries:
            self._bytes -= len(frame)

    def _settle(self, conversation: str, seq: int | None, arrived: bool) -> None:
        """Tell the waiters of a conversation up to `seq` (None: all)."""
        waiters = self._waiters or {}
        waiting = waiters.pop(conversation, [])
        later = [each for each in waiting if seq is not None and each[0] > seq]
        if later:
            waiters[conversation] = later
        elif not waiters:
            self._waiters = None
        for each_seq, waiter in waiting:
            if seq is None or each_seq <= seq:
                waiter(arrived)
