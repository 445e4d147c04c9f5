"""What a relay tells of: counts for meters, notes for logs."""

import enum
from collections.abc import Callable
from typing import NamedTuple

from twisted.logger import Logger

_log = Logger()


class Kind(enum.Enum):
    """What a note is about."""

    TROUBLE = "trouble"
    RECOVERED = "recovered"
    DATABASE = "database"
    DEAD = "dead"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


class Note(NamedTuple):
    """Something that an operator wants to know; `key` is the push's, or ""."""

    kind: Kind
    text: str
    key: str = ""


Tell = Callable[[Note], None]


def log_note(note: Note) -> None:
    """Write a note to Twisted's log."""
    write = _log.info if note.kind in (Kind.RECOVERED, Kind.EXPIRED) else _log.warn
    write("{note}", note=note.text, kind=note.kind.value, push_key=note.key)


class Counts:
    """What a relay did since it began. `slowest_ms` is the longest time from a push to its delivery."""

    def __init__(self) -> None:
        self.delivered = 0
        self.attempts = 0
        self.failed_attempts = 0
        self.dead = 0
        self.expired = 0
        self.unknown_users = 0
        self.slowest_ms = 0

    def as_dict(self) -> dict[str, int]:
        """All of them by name."""
        return dict(vars(self))
