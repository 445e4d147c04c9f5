"""The kinds of entries, and which of them count as unread: one table for every layer.

A kind never changes its number. 1 to 31 are the system's messages, 32 to 99 an app's own; from 100 on
entries tell what happened, and never count. What others must see of a message's later life (a recall,
an edit, a reaction) is an entry of its own that refers to its target, so that the same pull brings it.

An entry whose content was removed for its age is stored under the negative of its kind: so it still counts as
it did. Readers are told of a placeholder.
"""

from typing import NamedTuple

PLACEHOLDER = 0
TEXT = 1
IMAGE = 2
FILE = 3
VOICE = 4
LOCATION = 5
CARD = 6
CUSTOM = 7
RICH = 8
RECALLED = 9
FIRST_APP_KIND = 32
FIRST_SYSTEM_KIND = 100
PUSH = 100
GROUP_CREATED = 101
GROUP_SET = 102
MEMBERS_ADDED = 103
MEMBER_LEFT = 104
MEMBERS_REMOVED = 105
ROLE_SET = 106
OWNER_SET = 107
MEMBER_SILENCED = 108
GROUP_DISSOLVED = 109
RELATION = 110
RECALL = 120
EDIT = 121
REACTION = 122


class EntryKind(NamedTuple):
    """A row of the table. `counts`: it is unread to everyone but its sender until they have seen it."""

    name: str
    counts: bool
    content: str


KINDS: dict[int, EntryKind] = {
    PLACEHOLDER: EntryKind("placeholder", False, ""),
    TEXT: EntryKind("text", True, "UTF-8"),
    IMAGE: EntryKind("image", True, "Media"),
    FILE: EntryKind("file", True, "Media"),
    VOICE: EntryKind("voice", True, "Media"),
    LOCATION: EntryKind("location", True, "Location"),
    CARD: EntryKind("card", True, "Card"),
    CUSTOM: EntryKind("custom", True, "any bytes"),
    RICH: EntryKind("rich", True, "Rich"),
    RECALLED: EntryKind("recalled", False, ""),
    PUSH: EntryKind("push", False, "Push"),
    GROUP_CREATED: EntryKind("group created", False, "GroupEvent"),
    GROUP_SET: EntryKind("group set", False, "GroupEvent"),
    MEMBERS_ADDED: EntryKind("members added", False, "GroupEvent"),
    MEMBER_LEFT: EntryKind("member left", False, "GroupEvent"),
    MEMBERS_REMOVED: EntryKind("members removed", False, "GroupEvent"),
    ROLE_SET: EntryKind("role set", False, "GroupEvent"),
    OWNER_SET: EntryKind("owner set", False, "GroupEvent"),
    MEMBER_SILENCED: EntryKind("member silenced", False, "GroupEvent"),
    GROUP_DISSOLVED: EntryKind("group dissolved", False, "GroupEvent"),
    RELATION: EntryKind("relation", False, "name of what happened"),
    RECALL: EntryKind("recall", False, "MessageChange"),
    EDIT: EntryKind("edit", False, "MessageChange"),
    REACTION: EntryKind("reaction", False, "MessageChange"),
}
"""The kinds that have a name; of the others `counts` tells by the number alone."""

MEDIA = frozenset({IMAGE, FILE, VOICE})
"""Messages that refer to bytes in the app's own object store."""

LASTING = frozenset({RECALLED, PUSH, *range(GROUP_CREATED, RELATION + 1), RECALL})
"""Kinds whose content stays however old it is: what tells of groups and relations, what has none of its own,
and pushes, which have a time of their own."""

_NAMED_UNCOUNTED = frozenset(number for number, kind in KINDS.items() if not kind.counts)


def counts(kind: int) -> bool:
    """Whether an entry that is stored as this kind counts as unread."""
    return 1 <= kind < FIRST_SYSTEM_KIND and kind not in _NAMED_UNCOUNTED


def original(kind: int) -> int:
    """The kind that an entry came in with, purged or not."""
    return abs(kind)


def shown(kind: int) -> int:
    """The kind that readers are told of."""
    return max(kind, PLACEHOLDER)


def is_message(kind: int) -> bool:
    """Whether a user may send an entry of this kind."""
    return counts(kind)


def is_editable(kind: int) -> bool:
    """Whether a message of this kind may get other content."""
    return kind in (TEXT, CUSTOM, RICH, CARD)
