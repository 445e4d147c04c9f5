"""What scenarios are given and yield, and what their loads have in common."""

from collections.abc import Mapping
from typing import Any, NamedTuple

PAIRS = 200
SECONDS = 8.0

TALK = {"IM_NEW_USERS_PER_MINUTE": "1000000", "IM_FRAMES_PER_SECOND": "10000"}
"""The users of a load appear within a second, and one pair alone is faster than any two people."""

Figures = dict[str, Any]


class Options(NamedTuple):
    """What a user may choose."""

    sessions: int = 10_000
    seconds: float = SECONDS
    members: int = 500


class Measured(NamedTuple):
    """One variant's raw figures. `settings`: what differs from the configuration of `scripts/run`.

    `busy` is the least share of its core that the server must have used; 0: any. `unit`: of what each costs.
    """

    variant: str
    figures: Figures
    settings: Mapping[str, str] = {}
    busy: float = 0.0
    unit: str = ""
