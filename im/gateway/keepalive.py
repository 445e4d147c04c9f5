"""Pings for connections that fall silent, all from one timer."""

from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime

_TICK_SECONDS = 0.25


class Pinged(Protocol):
    """A connection that is looked at once a round. `slot` belongs to the keepalive."""

    slot: "set[Pinged] | None"

    def beat(self) -> None:
        """A round is over: ping when nothing was heard in it, give up when nothing was in the last two."""


class Keepalive:
    """Calls `beat` of each connection once a round of `seconds`, spread over the round.

    Rounds are counted in ticks, and a tick that comes late is not judged: after a stall of our own
    the bytes that arrived meanwhile are read first.
    """

    def __init__(self, clock: IReactorTime, seconds: float = 20.0) -> None:
        self._clock = clock
        self._slots: list[set[Pinged]] = [set() for _ in range(max(1, round(seconds / _TICK_SECONDS)))]
        self._position = 0
        self._due = 0.0
        self._count = 0
        self._call: IDelayedCall | None = None

    def add(self, pinged: Pinged) -> None:
        """Beat this connection one round from now, and then each round."""
        pinged.slot = self._slots[self._position - 1]
        pinged.slot.add(pinged)
        self._count += 1
        if self._call is None:
            self._schedule()

    def remove(self, pinged: Pinged) -> None:
        """Forget a connection; idempotent. Without any, no timer runs."""
        if pinged.slot is None:
            return
        pinged.slot.discard(pinged)
        pinged.slot = None
        self._count -= 1
        if self._count == 0 and self._call is not None:
            self._call.cancel()
            self._call = None

    def _schedule(self) -> None:
        self._due = self._clock.seconds() + _TICK_SECONDS
        self._call = self._clock.callLater(_TICK_SECONDS, self._tick)

    def _tick(self) -> None:
        is_late = self._clock.seconds() - self._due > _TICK_SECONDS
        self._schedule()
        if is_late:
            return
        due = tuple(self._slots[self._position])
        self._position = (self._position + 1) % len(self._slots)
        for pinged in due:
            pinged.beat()
