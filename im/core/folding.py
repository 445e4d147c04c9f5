"""What became of an entry by those that refer to it, as a page tells it beside the entry."""

from typing import NamedTuple


class Reaction(NamedTuple):
    """How many `users` set a reaction to a message; whether the asker did."""

    reaction: str
    users: int
    is_own: bool


class Fold(NamedTuple):
    """What became of an entry of a page: the seq of its last edit (0: none), and its reactions."""

    seq: int
    edited_seq: int
    reactions: tuple[Reaction, ...]
