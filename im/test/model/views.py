"""What everybody must see of all that is stored."""

from typing import Any

from im.core.changing import Readers
from im.core.contacts import Related, RelatedPage
from im.core.errors import Code
from im.core.folding import Fold, Reaction
from im.core.grouping import (
    Asking,
    AskingPage,
    GroupRecord,
    MemberPage,
    MemberRecord,
    MembersFound,
    Memberships,
)
from im.core.groups import GroupFacts, GroupSettings
from im.core.messages import Entry, Head
from im.core.relations import FriendRequest, RelationChanged, RequestPage
from im.test.model.memory import EPOCH, Place, Talk, rank
from im.test.model.relations import contact_of, standing
from im.test.model.shop import Shop


def heads(shop: Shop, user: str) -> dict[str, Head]:
    """All conversations of a user, as a sync tells of them."""
    found = {name: shop.place(name, user) for name in sorted(shop.talks)}
    return {name: _head(shop, *each) for name, each in found.items() if each is not None}


def _head(shop: Shop, talk: Talk, place: Place) -> Head:
    head_seq = talk.head(place)
    last = talk.entry(head_seq, place) if head_seq >= place.visible_from else None
    head_time_ms = talk.log[-1].time_ms if talk.log else 0
    if not place.is_in:
        head_time_ms = 0 if last is None else last.time_ms
    peer = shop.peer(talk, place.user) or Place("")
    return Head(
        conversation=talk.id,
        head_seq=head_seq,
        head_n=talk.n(head_seq),
        head_time_ms=head_time_ms,
        unread=len(talk.unseen(place)),
        read_seq=place.read,
        delivered_seq=place.delivered,
        visible_from=place.visible_from,
        active=place.is_in and not (talk.group is not None and talk.group.is_dissolved),
        member_version=talk.version,
        epoch_seq=0,
        peer_read_seq=peer.read,
        peer_delivered_seq=peer.delivered,
        last=last,
        contact=contact_of(talk, place),
        group=_facts(talk, place),
    )


def _facts(talk: Talk, place: Place) -> GroupFacts | None:
    group = talk.group
    if group is None:
        return None
    role = place.role if place.is_in else ""
    name, avatar = (group.name, group.avatar) if place.is_in else place.was
    return GroupFacts(
        name,
        avatar,
        len(talk.members()) if role else 0,
        role,
        len(group.asking) if rank(role) >= rank("admin") else 0,
        group.is_dissolved and place.is_in,
        talk.mentions(place),
    )


def contacts(shop: Shop, user: str) -> tuple[list[Head], int]:
    """A user's contact list, pinned ones first, then by activity; and what is unread in all."""
    listed = [head for head in heads(shop, user).values() if head.head_seq and not head.contact.hidden]

    def order(head: Head) -> tuple[bool, int, str]:
        is_out = head.group is not None and not head.group.role
        return not head.contact.pinned, 0 if is_out else -head.head_time_ms, head.conversation

    unread = sum(head.unread for head in listed if not head.contact.muted)
    return sorted(listed, key=order), unread


def related(shop: Shop, user: str, is_blocking: bool) -> RelatedPage:
    """A user's friends, or whom the user blocks, with the names that the user gave them."""
    found = []
    for name, talk in sorted(shop.talks.items()):
        place = talk.places.get(user)
        if talk.group is None and place is not None:
            if place.is_blocking if is_blocking else place.relation == "friend":
                (peer,) = set(name.split("~")[1:]) - {user}
                found.append(Related(peer, place.remark))
    return RelatedPage(tuple(found), "")


def history(shop: Shop, conversation: str, user: str) -> tuple[list[Entry], list[Fold]] | Code:
    """All that a user may see of a conversation, and what became of it."""
    found = shop.place(conversation, user)
    if found is None:
        return Code.NOT_FOUND
    talk, place = found
    seqs = range(place.visible_from, talk.head(place) + 1)
    folds = [_fold(talk, place, seq) for seq in seqs if seq not in place.deleted]
    return [talk.entry(seq, place) for seq in seqs], [fold for fold in folds if fold is not None]


def _fold(talk: Talk, place: Place, seq: int) -> Fold | None:
    said, head = talk.log[seq - 1], talk.head(place)
    reactions = []
    for reaction, users in sorted(said.reactions.items()):
        while_in = [user for user, at in users.items() if at <= head]
        if while_in:
            reactions.append(Reaction(reaction, len(while_in), place.user in while_in))
    edited = said.edited_at if said.edited_at <= head else 0
    return Fold(seq, edited, tuple(reactions)) if edited or reactions else None


def requests(shop: Shop, user: str, sent: bool) -> RequestPage:
    """A user's friend requests, newest first."""
    mine, other = (0, 1) if sent else (1, 0)

    def order(request: FriendRequest) -> tuple[int, str]:
        return -request.created_ms, (request.requester, request.addressee)[other]

    listed = [request for pair, request in shop.requests.items() if pair[mine] == user]
    unseen = sum(pair[1] == user and shop.requests[pair].state == "pending" for pair in shop.unseen_requests)
    return RequestPage(tuple(sorted(listed, key=order)), unseen, False)


def relation(shop: Shop, user: str, peer: str) -> RelationChanged:
    """How a user stands to another."""
    newest = shop.requests.get((user, peer))
    return RelationChanged(user, peer, *standing(shop, user, peer), newest, (), EPOCH, 0, False)


def group(shop: Shop, conversation: str, user: str) -> GroupRecord | Code:
    """A group, as somebody sees it; "" is the app."""
    talk = shop.talks.get(conversation)
    if talk is None or talk.group is None:
        return Code.NOT_FOUND
    place = talk.places.get(user) if user else Place("", role="app")
    if place is None:
        return Code.NOT_FOUND
    role, about = place.role if place.is_in else "", talk.group
    return GroupRecord(
        conversation,
        about.name,
        about.avatar,
        about.announcement if role else "",
        about.owner if role else "",
        GroupSettings(**about.settings),
        len(talk.members()) if role else 0,
        len(about.asking) if rank(role) >= rank("admin") else 0,
        talk.version,
        talk.created_ms,
        about.is_dissolved,
        role,
        place.silenced_until_ms if role else 0,
    )


def members(shop: Shop, conversation: str, user: str) -> MemberPage | Code:
    """The members of a group, as members see them."""
    talk = shop.talks.get(conversation)
    place = None if talk is None else talk.places.get(user)
    if talk is None or place is None:
        return Code.NOT_FOUND
    if not place.is_in:
        return Code.PERMISSION_DENIED
    inside = sorted(talk.members(), key=lambda each: each.user)
    records = tuple(MemberRecord(each.user, each.role, each.silenced_until_ms) for each in inside)
    return MemberPage(conversation, talk.version, records, "")


def asking(shop: Shop, conversation: str, user: str) -> AskingPage | Code:
    """Who wants to be let in, as admins see it."""
    talk = shop.talks.get(conversation)
    place = None if talk is None else talk.places.get(user)
    if talk is None or talk.group is None or place is None:
        return Code.NOT_FOUND
    if not place.is_in or rank(place.role) < rank("admin"):
        return Code.PERMISSION_DENIED
    waiting = tuple(Asking(name, *rest) for name, rest in sorted(talk.group.asking.items()))
    return AskingPage(conversation, waiting, "")


def memberships(shop: Shop, user: str) -> Memberships:
    """In which groups a user is."""
    return Memberships(user, tuple(sorted((talk.id, talk.version) for talk in shop.groups_of(user))))


def found(shop: Shop, conversation: str, users: tuple[str, ...]) -> MembersFound:
    """Which of some users are in a group."""
    talk = shop.talks.get(conversation)
    if talk is None:
        return MembersFound(conversation, 0, ())
    inside = {place.user for place in talk.members()}
    return MembersFound(conversation, talk.version, tuple(user for user in users if user in inside))


def readers(shop: Shop, conversation: str, user: str, seq: int) -> Any:
    """Who has read an entry, of those who were in when it came."""
    found = shop.place(conversation, user)
    if found is None:
        return Code.NOT_FOUND
    talk, mine = found
    if not mine.is_in:
        is_theirs = mine.visible_from <= seq <= talk.head(mine)
        return Code.PERMISSION_DENIED if is_theirs else Code.NOT_FOUND
    if not mine.visible_from <= seq <= talk.head(mine):
        return Code.NOT_FOUND
    others = [
        place for place in talk.members() if place.user != talk.log[seq - 1].sender and place.came <= seq
    ]
    names = sorted(place.user for place in others if max(place.read, place.wrote) >= seq)
    return Readers(conversation, seq, len(names), len(others), tuple(names))
