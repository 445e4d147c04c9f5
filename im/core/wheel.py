"""A hashed timing wheel: many deadlines, each made, dropped and found in constant time.

It has no clock. Time is a number of ticks, and somebody else says how far it has come.
"""

from collections.abc import Callable


class Timer:
    """One deadline, in ticks. Compared by identity."""

    __slots__ = ("_callback", "deadline")

    def __init__(self, deadline: int, callback: Callable[[], None]) -> None:
        self.deadline = deadline
        self._callback: Callable[[], None] | None = callback

    def fire(self) -> None:
        """Call back, once; nothing if it was cancelled, even after it expired."""
        callback, self._callback = self._callback, None
        if callback is not None:
            callback()

    def _disarm(self) -> None:
        self._callback = None


class Wheel:
    """Timers hashed by deadline into `size` slots (a power of two); `now` is the last tick passed.

    A slot holds the timers of many turns of the wheel, so far deadlines cost a look a turn.
    """

    __slots__ = ("_mask", "_slots", "now")

    def __init__(self, size: int = 1024) -> None:
        if size < 1 or size & (size - 1):
            raise ValueError("the size of a wheel must be a power of two")
        self._mask = size - 1
        # Dicts, not sets: timers of one tick fire in the order in which they were made.
        self._slots: list[dict[Timer, None]] = [{} for _ in range(size)]
        self.now = 0

    def __len__(self) -> int:
        return sum(map(len, self._slots))

    def schedule(self, deadline: int, callback: Callable[[], None]) -> Timer:
        """Have `callback` expire at tick `deadline`; one that has passed means the next tick."""
        if deadline <= self.now:
            deadline = self.now + 1
        timer = Timer(deadline, callback)
        self._slots[deadline & self._mask][timer] = None
        return timer

    def cancel(self, timer: Timer) -> None:
        """Drop a timer. Idempotent; one that expired but was not yet fired will not call back."""
        timer._disarm()
        self._slots[timer.deadline & self._mask].pop(timer, None)

    def advance(self, to: int) -> list[Timer]:
        """Pass the ticks up to and with `to`; the expired timers, earliest first, for the caller to fire."""
        expired: list[Timer] = []
        for tick in range(self.now + 1, min(to, self.now + len(self._slots)) + 1):
            slot = self._slots[tick & self._mask]
            if slot:
                due = [timer for timer in slot if timer.deadline <= to]
                for timer in due:
                    del slot[timer]
                expired += due
        self.now = max(self.now, to)
        expired.sort(key=_deadline)
        return expired


def _deadline(timer: Timer) -> int:
    return timer.deadline
