"""Counts values by size, in ranges that are fixed: cheap to observe, small to keep."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate


class Histogram:
    """`sum` is of all values that were observed."""

    __slots__ = ("_bounds", "_counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        """`bounds` ascend; each is the largest value of its range, and one more range has no bound."""
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(self._bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self.sum += value

    def cumulated(self) -> list[tuple[float, int]]:
        """(bound, how many values were at most that), in ascending order; the last bound is infinite."""
        return list(zip((*self._bounds, float("inf")), accumulate(self._counts), strict=True))
