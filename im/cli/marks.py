"""How far an own message has got: the marks behind it."""

import enum


class Mark(enum.StrEnum):
    """What is known of an own message; the value is what JSON says."""

    WAITING = "waiting"
    UNKNOWN = "unknown"
    FAILED = "failed"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"


SIGNS = {
    Mark.WAITING: "…",
    Mark.UNKNOWN: "?",
    Mark.FAILED: "✗",
    Mark.SENT: "✓",
    Mark.DELIVERED: "✓✓",
    Mark.READ: "✓✓ read",
}
"""What people see of a mark."""


def mark_of(seq: int, peer_delivered: int, peer_read: int) -> Mark:
    """The mark of a stored message by the other side's cursors. Who has read has received."""
    if seq <= peer_read:
        return Mark.READ
    return Mark.DELIVERED if seq <= peer_delivered else Mark.SENT
