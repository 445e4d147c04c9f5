"""What a node counts: plain integers that only grow; `/metrics` reads them."""

from im.core.errors import Code


class Counters:
    """`refusals`: error frames by code; `ends`: close frames and lost connections by reason.

    `closes`: sessions that ended, by the ledger's reason; `ledger_losses`: those that it lost.
    """

    __slots__ = (
        "acks",
        "clock_jumps",
        "closes",
        "connections",
        "deliveries",
        "dropped",
        "ends",
        "failures",
        "frames_in",
        "frames_out",
        "ledger_losses",
        "logins",
        "refusals",
        "resends",
        "resyncs",
        "sends",
        "signals",
        "timeouts",
    )

    def __init__(self) -> None:
        self.connections = 0
        self.logins = 0
        self.frames_in = 0
        self.frames_out = 0
        self.sends = 0
        self.deliveries = 0
        self.acks = 0
        self.resends = 0
        self.dropped = 0
        self.resyncs = 0
        self.signals = 0
        self.timeouts = 0
        self.failures = 0
        self.clock_jumps = 0
        self.ledger_losses = 0
        self.refusals: dict[Code, int] = {}
        self.ends: dict[str, int] = {}
        self.closes: dict[str, int] = {}

    def pushed(self, count: int) -> int:
        """Count deliveries that are written at once; how many they are."""
        self.deliveries += count
        self.frames_out += count
        return count

    def refused(self, code: Code) -> None:
        """Count an error frame."""
        self.refusals[code] = self.refusals.get(code, 0) + 1

    def ended(self, reason: str) -> None:
        """Count the end of a connection; `reason` is a code's label or "lost"."""
        self.ends[reason] = self.ends.get(reason, 0) + 1
