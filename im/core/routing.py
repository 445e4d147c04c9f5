"""Which nodes a client should try: the least loaded first, the same for a user while load allows."""

import zlib
from collections.abc import Iterable
from typing import NamedTuple

UP = "up"
SLACK = 1.25
"""A node within so much of the least load is as good as that one."""

SPARE_SESSIONS = 50
"""Differences below this are no load."""


class Offer(NamedTuple):
    """A live node, as it told of itself."""

    node: str
    sessions: int
    capacity: int
    state: str = UP


def ordered(user: str, offers: Iterable[Offer]) -> list[Offer]:
    """The nodes that take logins, the best for this user first.

    Among those that are as good as the least loaded the user's own order holds, by rendezvous hashing:
    so a user comes back to the same node, and its going moves nobody else.
    """
    takers = [each for each in offers if each.state == UP and each.sessions < max(each.capacity, 1)]
    if not takers:
        return []
    least = min(each.sessions for each in takers)

    def rank(offer: Offer) -> tuple[bool, int, int, str]:
        is_loaded = offer.sessions > max(least * SLACK, least + SPARE_SESSIONS)
        mine = zlib.crc32(f"{user} {offer.node}".encode())
        return is_loaded, offer.sessions if is_loaded else 0, -mine, offer.node

    return sorted(takers, key=rank)
