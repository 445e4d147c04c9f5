"""The client's beat, and its patience with a silent server."""

from im.client.core.timing import Jitter, Timing


class Heartbeat:
    """Beats once an interval, and finds a server dead that was silent for one and a half."""

    def __init__(self, timing: Timing, jitter: Jitter) -> None:
        self._timing = timing
        self._jitter = jitter
        self._interval = float("inf")
        self._next_at = float("inf")
        self._heard_at = 0.0
        self._beats_to_audit = 0

    def start(self, interval: float, now: float) -> None:
        """A session stands, with this interval."""
        self._heard_at = now
        self.change(interval, now)
        self._plan_audit()

    def stop(self) -> None:
        """The session is over."""
        self._interval = self._next_at = float("inf")

    def change(self, interval: float, now: float) -> None:
        """The server asks for another interval; the next beat is one of the shorter ones away."""
        if interval != self._interval:
            self._interval = interval
            self._next_at = now + interval

    def heard(self, now: float) -> None:
        """Bytes came. Nothing else tells that a server lives."""
        self._heard_at = now

    def forgive(self, seconds: float) -> None:
        """Our own process stood still: that was no silence of the server's (rule N6)."""
        self._heard_at += seconds

    def is_silent(self, now: float) -> bool:
        """Whether the server is to be given up."""
        return now >= self._heard_at + self._timing.silence * self._interval

    def is_due(self, now: float) -> bool:
        """Whether to beat now; if so, the next beat is planned."""
        if now < self._next_at:
            return False
        self._next_at = now + self._interval
        self._beats_to_audit -= 1
        return True

    def is_audit_due(self) -> bool:
        """Whether this beat comes with an audit; if so, the next audit is planned (rule L7)."""
        if self._beats_to_audit > 0:
            return False
        self._plan_audit()
        return True

    def deadline(self) -> float:
        """When something of this is due."""
        return min(self._next_at, self._heard_at + self._timing.silence * self._interval)

    def _plan_audit(self) -> None:
        self._beats_to_audit = max(1, round(self._timing.audit_beats * (0.75 + self._jitter() / 2)))
