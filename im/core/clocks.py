"""What a process knows of its clocks: where node time stood still, and where the wall clock jumped."""

from bisect import bisect_right

REMEMBERED_STALLS = 256

JUMP_MS = 250.0
"""What the wall clock gains or loses between two looks and is no mere adjustment of its pace."""

_FOLLOWED = 0.001
"""Adjustment of its pace that is followed: more than any time service does (500 parts in a million)."""


class Stalls:
    """How much of a monotonic clock node time left out until each tick: the last stalls, and a sum before."""

    __slots__ = ("_lost", "_ticks")

    def __init__(self) -> None:
        self._ticks: list[int] = []
        self._lost: list[float] = [0.0]

    def note(self, tick: int, seconds: float) -> None:
        """`seconds` were left out just before `tick`; ticks never go back."""
        self._ticks.append(tick)
        self._lost.append(self._lost[-1] + seconds)
        if len(self._ticks) > REMEMBERED_STALLS:
            del self._ticks[0], self._lost[0]

    def before(self, tick: int) -> float:
        """The seconds left out until a tick."""
        return self._lost[bisect_right(self._ticks, tick)]

    def around(self, tick: int, ticks: int) -> float:
        """The seconds left out within so many ticks of this one."""
        return self.before(tick + ticks) - self.before(tick - ticks - 1)


class JumpWatch:
    """Compares the wall clock with a monotonic one, from look to look."""

    __slots__ = ("_ahead_ms", "_looked_at")

    def __init__(self, monotonic: float, wall_ms: int) -> None:
        self._looked_at = monotonic
        self._ahead_ms = wall_ms - monotonic * 1000

    def look(self, monotonic: float, wall_ms: int) -> int:
        """How far the wall clock jumped since the last look, in ms; 0: it did not."""
        followed_ms = max(0.0, monotonic - self._looked_at) * 1000 * _FOLLOWED
        self._looked_at = monotonic
        gained_ms = wall_ms - monotonic * 1000 - self._ahead_ms
        if abs(gained_ms) > JUMP_MS:
            self._ahead_ms += gained_ms
            return round(gained_ms)
        self._ahead_ms += max(-followed_ms, min(gained_ms, followed_ms))
        return 0
