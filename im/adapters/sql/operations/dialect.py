"""In what the databases differ, as far as the shared operations are concerned."""

from collections.abc import Callable
from typing import NamedTuple

UNCLAIMED = "/* unclaimed */"
"""Ends a SELECT of rows that several writers may want at once: each leaves out what another holds."""


class Dialect(NamedTuple):
    """`error` is what the driver raises; of it, `is_damage` tells that a row, not the moment, is at fault.

    `snapshot` begins a transaction that reads one state; `position` selects the store epoch and the
    position that a cursor has in it: all that changed up to there is seen.
    """

    error: type[Exception]
    is_damage: Callable[[Exception], bool]
    snapshot: str
    position: str
