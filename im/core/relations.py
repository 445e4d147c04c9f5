"""Friends, blocks and what a user keeps of a conversation: what is asked of the store, what it answers.

A relation is written on the shard of the pair's direct conversation and stands in the two members'
rows of it: so accepting is one transaction, and a change comes to other devices with the next sync.
"""

from typing import NamedTuple

from im.core.errors import Code, Refused, invalid
from im.core.ids import id_problem

FRIEND, OPEN, STRANGER = "friend", "open", ""
"""What the other side is to a member. `OPEN`: no friend, but may be written to."""

PENDING, ACCEPTED, DECLINED, WITHDRAWN, EXPIRED = "pending", "accepted", "declined", "withdrawn", "expired"
"""The states of a friend request."""

KEPT_MS = 90 * 86_400_000
"""How long a request that is decided stays in the lists."""

REQUEST_TEXT_CHARACTERS = 200
REMARK_CHARACTERS = 64
REQUESTS_AT_ONCE = 50
"""Requests of one page."""

MOST_PENDING = 200
"""Requests of one user that wait for an answer."""


class FriendRequest(NamedTuple):
    """The newest request of one user to another. `decided_ms` is 0 while it is pending."""

    requester: str
    addressee: str
    text: str
    state: str
    created_ms: int
    decided_ms: int = 0


class AskFriend(NamedTuple):
    """Write: ask a user to be a friend; where they have asked, too, it is an acceptance."""

    user: str
    peer: str
    text: str


class AnswerFriend(NamedTuple):
    """Write: accept or decline what `peer` asked. Who accepts says `greeting`, unless it is empty."""

    user: str
    peer: str
    accept: bool
    greeting: str = ""


class WithdrawRequest(NamedTuple):
    """Write: take a request back that has no answer yet."""

    user: str
    peer: str


class EndFriendship(NamedTuple):
    """Write: be no friends any more, on both sides. The history stays."""

    user: str
    peer: str


class Block(NamedTuple):
    """Write: take no messages and no requests from `peer` any more, or take them again."""

    user: str
    peer: str
    blocked: bool


class OpenDirect(NamedTuple):
    """Write: let `user` write to `peer` although they are no friends."""

    user: str
    peer: str


class SetContact(NamedTuple):
    """Write: what a user keeps of a conversation; None leaves as it is.

    `hidden` until the next entry; `marked` unread until the next read; `remark` is the user's own name
    for the other side, or for the group.
    """

    user: str
    conversation: str
    remark: str | None = None
    pinned: bool | None = None
    muted: bool | None = None
    hidden: bool | None = None
    marked: bool | None = None


class SeeRequests(NamedTuple):
    """Write: the user has seen all requests received so far. Result `RequestsSeen`."""

    user: str


class ExpireRequests(NamedTuple):
    """Write: a step of upkeep, of at most `most` rows. Result `RequestsExpired`.

    Requests that are pending for more than `pending_ms` end; those decided long ago are forgotten.
    """

    pending_ms: int
    most: int


class RelationEntry(NamedTuple):
    """An entry that a change of a relation stored in the direct conversation."""

    seq: int
    n: int
    kind: int
    sender: str
    client_msg_id: bytes
    content: bytes


class RelationChanged(NamedTuple):
    """How `user` stands to `peer` now. `moved` is false when it stood so before.

    `request` is the newest between the two in the direction that was meant, if there is any. With
    `is_private` the other side is told nothing.
    """

    user: str
    peer: str
    relation: str
    is_blocking: bool
    request: FriendRequest | None
    entries: tuple[RelationEntry, ...]
    epoch: str
    time_ms: int
    moved: bool
    is_private: bool = False


class Contact(NamedTuple):
    """What a user keeps of a conversation, and how the two stand in a direct one.

    `is_blocked`: the other side takes nothing from this user.
    """

    remark: str = ""
    pinned: bool = False
    muted: bool = False
    hidden: bool = False
    marked: bool = False
    relation: str = STRANGER
    is_blocking: bool = False


NO_CONTACT = Contact()


class ContactChanged(NamedTuple):
    """`moved` is false when it stood so before."""

    user: str
    conversation: str
    contact: Contact
    moved: bool


class RequestsSeen(NamedTuple):
    """How many became seen."""

    user: str
    requests: int


class RequestsExpired(NamedTuple):
    """How many rows were changed or removed."""

    rows: int


class ListRequests(NamedTuple):
    """Query: a user's requests, sent or received, newest first. Result `RequestPage`.

    `before_ms` and `after` are the `next` of the page before; 0 and "" ask for the first.
    """

    user: str
    sent: bool
    before_ms: int
    after: str
    limit: int


class RequestPage(NamedTuple):
    """`unseen` counts those received and pending that the user has not seen. `more`: another page follows."""

    requests: tuple[FriendRequest, ...]
    unseen: int
    more: bool


class GetRelation(NamedTuple):
    """Query: how a user stands to another. Result `RelationChanged`, not moved."""

    user: str
    peer: str


RelationWrite = (
    AskFriend
    | AnswerFriend
    | WithdrawRequest
    | EndFriendship
    | Block
    | OpenDirect
    | SetContact
    | SeeRequests
    | ExpireRequests
)
RelationQuery = ListRequests | GetRelation
RelationResult = RelationChanged | ContactChanged | RequestsSeen | RequestsExpired | RequestPage

RELATION_WRITES = (
    AskFriend,
    AnswerFriend,
    WithdrawRequest,
    EndFriendship,
    Block,
    OpenDirect,
    SetContact,
    SeeRequests,
    ExpireRequests,
)


def pair_problem(user: str, peer: str) -> Refused | None:
    """Why two users can't have a relation, or None."""
    problem = id_problem(peer, "user") or id_problem(user, "user")
    if problem is None and user == peer:
        return invalid("user", "user must be somebody else")
    return problem


def not_open() -> Refused:
    """The refusal of a message to somebody who takes them from friends only."""
    return _NOT_OPEN


_NOT_OPEN = Refused(Code.PERMISSION_DENIED, "this user takes messages from friends only", "conversation")
