"""What a node in doubt asks: who of its users has anything new since its last good moment?"""

from typing import NamedTuple


class WhatChanged(NamedTuple):
    """Query: for which of `users` did a conversation or their place in it change since a sync cursor?

    `node` asks. Without users it asks for the present cursor only. Result `Changed`.
    """

    node: str
    users: tuple[str, ...]
    epoch: str
    position: int


class Changed(NamedTuple):
    """`epoch` and `position` are the cursor of this answer; asked of another epoch, all users changed."""

    users: tuple[str, ...]
    epoch: str
    position: int
