"""How long the core waits for what. All in seconds."""

from collections.abc import Callable
from dataclasses import dataclass

Jitter = Callable[[], float]
"""A number from 0 up to, not including, 1."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """The waits of one client; the defaults fit the defaults of a node."""

    login: float = 15.0
    """From the connection to a login's answer."""
    answer: float = 8.0
    """From a request or a send to its answer, before it is repeated."""
    give_up: float = 60.0
    """From a request to its failure, with all repetitions and reconnects. Sends never give up."""
    retry: float = 0.25
    """Before the first retry of what was refused for the moment; doubles, jittered."""
    retry_cap: float = 15.0
    """The longest of those waits."""
    ack: float = 0.05
    """The longest an acknowledgement waits for others to join it."""
    gap: float = 0.25
    """For a delivery that an own message overtook, before it is pulled."""
    audit_grace: float = 2.0
    """For deliveries that were on their way when an audit was answered."""
    audit_beats: int = 10
    """About how many heartbeats lie between two audits."""
    silence: float = 1.5
    """Heartbeat intervals without a byte until the server is given up."""
    stall: float = 1.0
    """A deadline that is noticed later than this tells of a stall of our own process."""

    def backoff(self, failures: int, jitter: float) -> float:
        """The wait after so many failures in a row: half of it fixed, half by chance."""
        full = min(self.retry_cap, self.retry * 2.0 ** min(failures - 1, 16))
        return full * (0.5 + jitter / 2)
