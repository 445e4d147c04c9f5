"""Which rows may be delivered now: of each user, the first that waits and no other.

Rows of one user whose pushes were committed one after the other have ascending ids, and whoever sees
the later one sees the earlier one, too. So a row goes once no row before it shares a user with it.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

LONGEST_WAIT_MS = 300_000
"""No row is put off or leased for longer; a time further away tells that a clock was set back."""

SCANNED_ROWS = 2_000
SCANNED_USERS = 100_000
"""How far a relay looks past rows that can't go yet; what stands behind that waits until they went."""


class Place(NamedTuple):
    """A row as it stands in the line; see the table for its fields."""

    id: int
    due_ms: int
    leased_until_ms: int
    first_ms: int
    users_bytes: int


class Line:
    """Goes along the rows in the order of their ids, and picks at most `most`."""

    def __init__(self, now_ms: int, most: int) -> None:
        self.picked: list[Place] = []
        self._now_ms = now_ms
        self._most = most
        self._rows = 0
        self._ahead: set[str] = set()

    @property
    def is_over(self) -> bool:
        """Whether to look no further."""
        return (
            len(self.picked) >= self._most or self._rows >= SCANNED_ROWS or len(self._ahead) >= SCANNED_USERS
        )

    def look(self, place: Place, users: Sequence[str]) -> None:
        """Look at the next row."""
        self._rows += 1
        is_held = self._is_to_come(place.leased_until_ms) or self._is_to_come(place.due_ms)
        if not is_held and self._ahead.isdisjoint(users):
            self.picked.append(place)
        self._ahead.update(users)

    def _is_to_come(self, moment_ms: int) -> bool:
        return self._now_ms < moment_ms <= self._now_ms + LONGEST_WAIT_MS


def slices(places: Iterable[Place], most_bytes: int) -> list[list[Place]]:
    """The same places in parts whose users are read together: so many bytes, or one row."""
    found: list[list[Place]] = []
    size = 0
    for place in places:
        size += place.users_bytes
        if size > most_bytes or not found:
            found.append([])
            size = place.users_bytes
        found[-1].append(place)
    return found
