"""What a store allows, whatever its database."""

from dataclasses import dataclass

from im.core.limits import Limits


@dataclass(frozen=True)
class StorePolicy:
    """What a store allows. `users_open`: a user is made by the first mention.

    The days of the ledger are those of `time_zone`. With `is_for_friends` nobody else writes to a user.
    For each of `away_consumers` it notes what may have reached nobody.
    """

    limits: Limits
    users_open: bool
    time_zone: str = "UTC"
    is_for_friends: bool = False
    away_consumers: frozenset[str] = frozenset()
