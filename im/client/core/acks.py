"""Acknowledgements of what was received: at once when idle, else joined for some milliseconds."""

from typing import NamedTuple

from im.client.core.events import Effects
from im.client.core.state import ClientState, Watermark
from im.client.core.timing import Timing
from im.wire.hot import deliver_ack

JOINED = 32
"""So many received messages are acknowledged without further waiting."""

DOUBTFUL_SECONDS = 30.0
"""An acknowledgement this young is given again on the next connection, and out of the background."""


class _Given(NamedTuple):
    at: float
    watermark: Watermark


class Acks:
    """The furthest received seq of each conversation, on its way to the server and into the state."""

    def __init__(self, effects: Effects, state: ClientState, timing: Timing) -> None:
        self._effects = effects
        self._state = state
        self._wait = timing.ack
        self._due: dict[str, Watermark] = {}
        self._unsaved: dict[str, Watermark] = {}
        self._count = 0
        self._last_at = float("-inf")
        self._given: dict[str, _Given] = {}
        self._is_online = False

    def add(self, watermark: Watermark, now: float) -> None:
        """Everything up to the watermark was received, or was received before and came again."""
        self._due[watermark.conversation] = self._unsaved[watermark.conversation] = watermark
        self._count += 1
        if now - self._last_at >= self._wait or self._count >= JOINED:
            self.flush(now)

    def keep(self, watermark: Watermark) -> None:
        """Save a watermark that moved without a message that the server waits for."""
        self._state.save_watermark(watermark)
        self._unsaved.pop(watermark.conversation, None)
        if watermark.conversation in self._due:
            self._due[watermark.conversation] = watermark

    def forget(self, conversation: str) -> None:
        """What was received of a conversation counts no more: its numbers begin anew."""
        for each in (self._due, self._unsaved, self._given):
            each.pop(conversation, None)

    def flush(self, now: float) -> None:
        """Save and acknowledge all that waits. Without a session it is saved and waits on."""
        if not self._due:
            return
        for watermark in self._unsaved.values():
            self._state.save_watermark(watermark)
        self._unsaved.clear()
        self._count = 0
        self._last_at = now
        if self._is_online:
            for conversation, watermark in self._due.items():
                self._given[conversation] = _Given(now, watermark)
                self._effects.frames.append(deliver_ack(conversation, watermark.seq))
            self._due.clear()

    def give_again(self, now: float) -> None:
        """Give those of the last seconds again: what was acknowledged in the background reached nobody."""
        for conversation, given in self._given.items():
            if now - given.at < DOUBTFUL_SECONDS:
                self._effects.frames.append(deliver_ack(conversation, given.watermark.seq))

    def online(self, now: float) -> None:
        """A session stands: give what waits, and again what may have been lost with the last one."""
        self._is_online = True
        self.flush(now)

    def offline(self, now: float) -> None:
        """The session is over."""
        self._is_online = False
        for conversation, given in self._given.items():
            if now - given.at < DOUBTFUL_SECONDS:
                self._due.setdefault(conversation, given.watermark)
        self._given.clear()

    def deadline(self) -> float:
        """When `flush` is needed next."""
        return self._last_at + self._wait if self._count else float("inf")
