"""What is stored about a person: all of it told, or erased as far as it is not also others'.

An export is pages of lines of JSON. An erasure is small writes, each of which finds by itself what is left
to do, so that it may be broken off anywhere and begun again: first the user is shut out for good, then
each conversation is gone through from its beginning, then goes what remains.
"""

from typing import NamedTuple


class ExportUser(NamedTuple):
    """Query: a page of all that is stored about `user`. Result `UserExported`, or `not_found`.

    `after` is the `next` of the page before; "" asks for the first.
    """

    user: str
    after: str = ""


class UserExported(NamedTuple):
    """Each line is a JSON object whose `record` says what it is; `next` is "" after the last page."""

    lines: tuple[str, ...]
    next: str


class FindTraces(NamedTuple):
    """Query: a page of what of `user` lies with others, after a conversation. Result `Traces`."""

    user: str
    after: str = ""


class Trace(NamedTuple):
    """A conversation with a place of the user. `role` is theirs in a group that they are in, else "".

    `successor` is who would have the group after them: of the others the admin who came first, else the
    member who did; "" where nobody else is.
    """

    conversation: str
    role: str
    successor: str


class Traces(NamedTuple):
    """`asking` are groups that the user asks to be let in, `handlers` those with records under their id.

    `is_last`: there is no conversation after these.
    """

    traces: tuple[Trace, ...]
    is_last: bool
    asking: tuple[str, ...]
    handlers: tuple[tuple[str, str], ...]
    """Handler and key."""


class EraseUser(NamedTuple):
    """Write: shut a user out for good and remove a bounded part of what is theirs alone.

    That is profile, devices, push tokens, friend requests, the ledger. Result `UserErased`, or `not_found`.
    """

    user: str
    most: int = 500


class UserErased(NamedTuple):
    """How many rows were removed; at `most` there may be more. `sessions` are still open in the ledger."""

    user: str
    rows: int
    sessions: int


class EraseMessages(NamedTuple):
    """Write: empty what `user` wrote in a conversation, from a seq on, a bounded part of the log.

    With the last part goes what the user keeps of the conversation, and what the other side of a direct
    one calls them. An inbox goes whole. Result `MessagesErased`.
    """

    conversation: str
    user: str
    from_seq: int = 1


class MessagesErased(NamedTuple):
    """How many messages were emptied; go on at `next_seq`, 0 when the log is at its end."""

    conversation: str
    user: str
    messages: int
    next_seq: int


PersonalQuery = ExportUser | FindTraces
PersonalResult = UserExported | Traces | UserErased | MessagesErased
PersonalWrite = EraseUser | EraseMessages

PERSONAL_WRITES = (EraseUser, EraseMessages)
