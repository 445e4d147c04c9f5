"""A user's contacts, as a list to be shown."""

from msgspec import Struct

from im.core.contacts import ContactPage, ListContacts
from im.core.groups import GroupFacts
from im.core.ids import direct_peer
from im.core.messages import Head
from im.core.validation import after_problem
from im.http.api.asking import Asking, PageQuery, check, path_user
from im.http.api.contents import EntryAnswer, shown
from im.http.api.table import Call, Route


class GroupFactsAnswer(Struct):
    """Of a group; `role` is "" of who left. `mentions` are unseen ones. `asking`: to admins."""

    name: str
    avatar: str
    members: int
    role: str
    asking: int
    is_dissolved: bool
    mentions: int


class ContactAnswer(Struct):
    """A conversation of the user; `peer` is the other side of a direct one, else ""."""

    conversation: str
    peer: str
    group: GroupFactsAnswer | None
    last: EntryAnswer | None
    unread: int
    head_seq: int
    head_time_ms: int
    visible_from: int
    read_seq: int
    delivered_seq: int
    peer_read_seq: int
    peer_delivered_seq: int
    active: bool
    remark: str
    pinned: bool
    muted: bool
    marked: bool
    relation: str
    is_blocking: bool


class ContactsAnswer(Struct):
    """Pinned ones first, then where something happened last. `unread` sums up all but muted ones.

    With `next` as `after` goes on, "" at the end.
    """

    contacts: list[ContactAnswer]
    unread: int
    next: str


class ContactRoutes:
    """The route of contacts."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route(
                "GET",
                "/v1/users/{user}/contacts",
                "The contacts of a user, with previews and what is unread.",
                "messages:read",
                ContactsAnswer,
                self._list,
                query=PageQuery,
                own="user",
            )
        ]

    async def _list(self, call: Call) -> object:
        user, query = path_user(call), call.query
        check(after_problem(query.after))
        page = await self._asking.read(ListContacts(user, query.after, query.limit), ContactPage)
        return ContactsAnswer([_contact(head, user) for head in page.heads], page.unread, page.next)


def _contact(head: Head, user: str) -> ContactAnswer:
    kept = head.contact
    return ContactAnswer(
        conversation=head.conversation,
        peer=direct_peer(head.conversation, user) or "",
        group=None if head.group is None else _group(head.group),
        last=None if head.last is None else shown(head.last),
        unread=head.unread,
        head_seq=head.head_seq,
        head_time_ms=head.head_time_ms,
        visible_from=head.visible_from,
        read_seq=head.read_seq,
        delivered_seq=head.delivered_seq,
        peer_read_seq=head.peer_read_seq,
        peer_delivered_seq=head.peer_delivered_seq,
        active=head.active,
        remark=kept.remark,
        pinned=kept.pinned,
        muted=kept.muted,
        marked=kept.marked,
        relation=kept.relation,
        is_blocking=kept.is_blocking,
    )


def _group(facts: GroupFacts) -> GroupFactsAnswer:
    return GroupFactsAnswer(**facts._asdict())
