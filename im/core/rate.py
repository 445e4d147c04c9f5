"""A token bucket: so many at once, so many in the long run."""

from typing import NamedTuple


class Rate(NamedTuple):
    """`per_unit` takes in one unit of time in the long run, at most `burst` at once."""

    per_unit: float
    burst: int


class TokenBucket:
    """The state of one who is limited. Full at first; time is in the unit of the rate.

    It keeps the moment at which it would be full again, so that it neither counts nor ticks.
    """

    __slots__ = ("_full_at", "_rate")

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._full_at = 0.0

    def take(self, now: float) -> float:
        """Take one token: 0.0. If none is there: the time until one is, and nothing changes."""
        rate = self._rate
        full_at = (self._full_at if self._full_at > now else now) + 1.0 / rate.per_unit
        # The slack is far below one token: sums of fractions must not cost the last of a burst.
        wait = full_at - now - (rate.burst + 1e-6) / rate.per_unit
        if wait > 0.0:
            return wait
        self._full_at = full_at
        return 0.0
