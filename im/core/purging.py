"""The content of messages that are older than an operator keeps them, removed in small writes.

What was said goes, with its edits, reactions and mentions. Its place in the log stays: number, sender, time,
client id, and whether it counts, so that every seq can be answered, a repeated send is still known, and no
unread number changes: what nobody read counts until it is read, whether it is still there or not.
"""

from typing import NamedTuple


class FindOld(NamedTuple):
    """Query: which of the next `most` conversations hold content from before `before_ms`.

    `after` is the `next` of the page before; "" asks for the first. Result `OldFound`.
    """

    before_ms: int
    after: str = ""
    most: int = 200


class OldFound(NamedTuple):
    """`next` is the last conversation that was looked at, "" after the last of all."""

    conversations: tuple[str, ...]
    next: str


class PurgeMessages(NamedTuple):
    """Write: remove content from before `before_ms`, of the oldest `most` entries that still have any.

    It goes from the beginning to the first entry that is not old. Result `MessagesPurged`.
    """

    conversation: str
    before_ms: int
    most: int


class MessagesPurged(NamedTuple):
    """How many messages lost their content; `is_more`: there may be others that are as old."""

    conversation: str
    messages: int
    is_more: bool
