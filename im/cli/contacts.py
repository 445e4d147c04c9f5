"""A user's conversations as a list of contacts: what each is called, what waits there, what was said last."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from im.cli.output import Json, shown
from im.cli.records import APP, moment
from im.cli.words import in_words
from im.core.groups import GroupFacts
from im.core.ids import direct_peer
from im.core.messages import Head
from im.core.relations import FRIEND


class Contact(NamedTuple):
    """A conversation of a user's. `user` is the other side of a direct one, else "".

    `name` is the user's own, else the group's, else the other side's id.
    """

    user: str
    name: str
    preview: str
    head: Head

    @property
    def is_friend(self) -> bool:
        """Whether the other side is a friend."""
        return self.head.contact.relation == FRIEND

    @property
    def mentions(self) -> int:
        """How many messages that are not seen mention the user."""
        return self.head.group.mentions if self.head.group is not None else 0


def contacts_of(heads: Iterable[Head], user: str) -> list[Contact]:
    """All of them: the pinned ones first, then by when something happened last."""
    contacts = [_contact(head, user) for head in heads]
    contacts.sort(key=lambda each: (not each.head.contact.pinned, -each.head.head_time_ms, each.name))
    return contacts


def record(contact: Contact) -> dict[str, Json]:
    """A contact for programs."""
    head, kept = contact.head, contact.head.contact
    return {
        "conversation": head.conversation,
        "user": contact.user,
        "name": contact.name,
        "unread": head.unread,
        "mentions": contact.mentions,
        "pinned": kept.pinned,
        "muted": kept.muted,
        "hidden": kept.hidden,
        "marked": kept.marked,
        "active": head.active,
        "preview": contact.preview,
        "time_ms": head.head_time_ms,
    }


def row(contact: Contact) -> tuple[str, ...]:
    """A contact for people: unread, when, name, what was said last, and what is to be known of it."""
    head = contact.head
    when = moment(head.head_time_ms) if head.head_time_ms else ""
    return (f"{head.unread:6}", when, shown(named(contact)), shown(contact.preview + _remarks(contact)))


def group_row(contact: Contact, group: GroupFacts) -> tuple[str, ...]:
    """A group for people: unread, one's role, how many are in it, name, and what is to be known of it."""
    flags = {
        f"mentioned {group.mentions}": group.mentions,
        f"{group.asking} asking": group.asking,
        "dissolved": group.is_dissolved,
    }
    members = f"{group.members} members"
    name = shown(named(contact)) + _bracketed(flags)
    return (f"{contact.head.unread:6}", group.role, members, name)


def groups_of(contacts: Iterable[Contact]) -> list[tuple[Contact, GroupFacts]]:
    """Those that are groups which the user is in."""
    return [(each, group) for each in contacts if (group := each.head.group) is not None and group.role]


def named(contact: Contact) -> str:
    """What a contact is called, with the id where that is another."""
    by_id = contact.user or contact.head.conversation
    return contact.name if contact.name in (by_id, APP) else f"{contact.name} ({by_id})"


def _remarks(contact: Contact) -> str:
    kept = contact.head.contact
    flags = {
        "pinned": kept.pinned,
        "muted": kept.muted,
        "hidden": kept.hidden,
        "marked unread": kept.marked,
        "blocked": kept.is_blocking,
        "left": not contact.head.active,
        f"mentioned {contact.mentions}": contact.mentions,
    }
    return _bracketed(flags)


def _bracketed(flags: Mapping[str, int]) -> str:
    said = ", ".join(name for name, is_set in flags.items() if is_set)
    return f"  [{said}]" if said else ""


def _contact(head: Head, user: str) -> Contact:
    peer = direct_peer(head.conversation, user) or ""
    if head.group is not None:
        called = head.group.name or head.conversation
    else:
        called = peer or APP
    return Contact(peer, head.contact.remark or called, _preview(head), head)


def _preview(head: Head) -> str:
    last = head.last
    if last is None:
        return ""
    said = in_words(last.kind, last.content)
    return f"{last.sender}: {said}" if head.group is not None and last.sender else said
