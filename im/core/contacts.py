"""A user's contacts, as a list to be shown: pinned ones first, then where something happened last."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from im.core.errors import Refused, invalid
from im.core.messages import Head

CONTACTS_AT_ONCE = 100
"""Contacts of one page, and users of one page of friends."""

MOST_COUNTED = 2_000
"""Conversations with something unread that a store sums up for a badge."""

_POSITION = re.compile(r"([01])\.([0-9]{1,15})\.(.+)", re.ASCII)


class Position(NamedTuple):
    """Where a contact stands in the list. `active_ms` is 0 of a conversation that the user left."""

    is_pinned: int
    active_ms: int
    conversation: str


START = Position(1, 10**15 - 1, "")
"""Before all contacts."""


class ListContacts(NamedTuple):
    """Query: a user's contacts from behind `after`, the `next` of a page or "". Result `ContactPage`.

    Those that are hidden are left out, and those where nothing happened yet.
    """

    user: str
    after: str
    limit: int


class ContactPage(NamedTuple):
    """`unread` is the user's `badge`, over contacts of this page and all others."""

    heads: list[Head]
    unread: int
    next: str


class ListRelated(NamedTuple):
    """Query: a user's friends, or whom the user blocks, from behind `after`. Result `RelatedPage`."""

    user: str
    is_blocking: bool
    after: str
    limit: int


class Related(NamedTuple):
    """Another user, with the name that the asker gave them."""

    user: str
    remark: str


class RelatedPage(NamedTuple):
    """`next` is "" at the end."""

    related: tuple[Related, ...]
    next: str


ContactQuery = ListContacts | ListRelated
ContactResult = ContactPage | RelatedPage


def badge(heads: Iterable[Head]) -> int:
    """How much a user has not seen in conversations that are neither muted nor hidden, left ones too."""
    return sum(head.unread for head in heads if not head.contact.muted and not head.contact.hidden)


def token_of(position: Position) -> str:
    """The text by which the list goes on behind a position."""
    return f"{position.is_pinned}.{position.active_ms}.{position.conversation}"


def position_of(after: str) -> Position | Refused:
    """The position that a text names; "" is the start."""
    if not after:
        return START
    found = _POSITION.fullmatch(after)
    if found is None or not after.isprintable():
        return invalid("after", "after must be the `next` of a page")
    return Position(int(found[1]), int(found[2]), found[3])
