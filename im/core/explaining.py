"""What operators ask about unread numbers: where one comes from, and whether all are right.

Both answers hold a second count beside the formula's, made from the messages alone.
"""

from typing import NamedTuple

MOST_SHOWN = 100
"""Messages that an explanation names; the rest are counted."""


class ExplainUnread(NamedTuple):
    """Query: how does `user` come to what is unread in `conversation`? Result `UnreadExplained`."""

    conversation: str
    user: str


class Mark(NamedTuple):
    """A seq, and the running count of entries that count as unread up to it."""

    seq: int
    n: int


class CountedMessage(NamedTuple):
    """A message that is unread. What it says is nobody's business here."""

    seq: int
    kind: int
    sender: str
    time_ms: int


class UnreadExplained(NamedTuple):
    """Each term of unread = n(head) - n(c) - own after c - recalled after c - deleted after c.

    `seen` is c, the furthest of `read`, `own_last`, `clear` and `join`, where `join` is the last entry
    before the user came in. `recounted` is the number of messages behind the cursors, `messages` the
    first of them. `marked` and `muted` change how a client shows the number, never the number.
    """

    conversation: str
    user: str
    unread: int
    head: Mark
    seen: Mark
    read: Mark
    own_last: Mark
    clear: Mark
    join: Mark
    own_after: int
    recalled: int
    deleted: int
    recounted: int
    messages: tuple[CountedMessage, ...]
    marked: bool
    muted: bool


class VerifyUnread(NamedTuple):
    """Query: are the unread numbers of a page of places right? Result `UnreadVerified`.

    Of all places of `user`, or of everyone's. A page begins after a place; the first one after ("", "").
    """

    user: str = ""
    after_conversation: str = ""
    after_user: str = ""


class UnreadDifference(NamedTuple):
    """A place whose unread number is not the number of messages that are there."""

    conversation: str
    user: str
    unread: int
    recounted: int


class UnreadVerified(NamedTuple):
    """How many places were recounted, and which differ; the next page begins after the last of them.

    Both texts of `next` are "" after the last page.
    """

    places: int
    differences: tuple[UnreadDifference, ...]
    next_conversation: str = ""
    next_user: str = ""


ExplainingQuery = ExplainUnread | VerifyUnread
ExplainingResult = UnreadExplained | UnreadVerified
