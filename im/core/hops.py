"""Hops: the numbered ways from workers to one generation of a node (rules N1 and N2).

A worker numbers what it sends to a node and beats the last number now and then. Whatever the node did
not get shows as a hole, or as silence; the node then doubts, and begins anew with new hops.
"""

from collections.abc import Iterable
from dataclasses import dataclass

BEAT_SECONDS = 1.0
"""From one beat of a hop to the next."""

SILENCE_SECONDS = 3.5
"""A hop that is silent for so long has missed three beats."""

UNHEARD_SECONDS = 6.0
"""A live worker must have been heard so long after it was first named."""


@dataclass(slots=True)
class _Hop:
    """What was heard of one worker."""

    last: int
    heard_at: float


class Hops:
    """Every worker's hop to this node. Methods answer why the node is in doubt, or "". Times are seconds."""

    def __init__(self) -> None:
        self._hops: dict[str, _Hop] = {}
        self._named_at: dict[str, float] = {}

    def message(self, worker: str, number: int, now: float) -> str:
        """A numbered message came: the first is 1, and each next one more."""
        hop = self._heard(worker, now)
        if number != hop.last + 1:
            return f"after message {hop.last} of {worker} came {number}"
        hop.last = number
        return ""

    def beat(self, worker: str, last: int, now: float) -> str:
        """A beat came; `last` is the number of the last message that was sent."""
        hop = self._heard(worker, now)
        if last != hop.last:
            return f"message {last} of {worker} did not come, only {hop.last}"
        return ""

    def ended(self, worker: str) -> None:
        """A worker said that it ends: its silence means nothing from now on."""
        self._hops.pop(worker, None)
        self._named_at.pop(worker, None)

    def _heard(self, worker: str, now: float) -> _Hop:
        hop = self._hops.get(worker)
        if hop is None:
            hop = self._hops[worker] = _Hop(0, now)
        hop.heard_at = now
        return hop

    def named(self, workers: Iterable[str], now: float) -> str:
        """The registry names the workers that live."""
        named_at = {worker: self._named_at.get(worker, now) for worker in workers}
        self._named_at = named_at
        for worker, since in named_at.items():
            if worker not in self._hops and now - since > UNHEARD_SECONDS:
                return f"worker {worker} lives and was never heard"
        return ""

    def silent(self, now: float) -> str:
        """Has a known worker been silent for too long? Asked once a beat."""
        for worker, hop in self._hops.items():
            if now - hop.heard_at > SILENCE_SECONDS:
                return f"worker {worker} is silent"
        return ""
