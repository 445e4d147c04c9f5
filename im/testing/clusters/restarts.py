"""When a part of a cluster that has ended starts again."""

from im.tap.supervisor import STEADY_SECONDS, delays


class Restart:
    """One part's: at once and then after longer and longer, until it was up for a while. Times in seconds."""

    def __init__(self, now: float) -> None:
        self._waits = delays()
        self._since = now
        self._again_at: float | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether its end is known, and it is not started yet."""
        return self._again_at is not None

    def ended(self, now: float) -> float:
        """It has ended; how long to wait."""
        if now - self._since >= STEADY_SECONDS:
            self._waits = delays()
        wait = next(self._waits)
        self._again_at = now + wait
        return wait

    def is_due(self, now: float) -> bool:
        """Whether to start it; it is taken for started then."""
        if self._again_at is None or now < self._again_at:
            return False
        self._again_at, self._since = None, now
        return True
