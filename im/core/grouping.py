"""What is asked of the store for groups, and what it answers. See `im.core.commands`, `im.core.groups`.

A change is asked for by a user, "" for the app itself, under a `key` of 16 bytes that stays the same at
every repetition: the first answer stands. Each change that changes anything is one entry of the log.
"""

from typing import NamedTuple

from im.core.groups import DEFAULT_SETTINGS, GroupSettings
from im.core.messages import Entry


class SetGroup(NamedTuple):
    """Describe a group anew; None leaves as it is."""

    name: str | None = None
    avatar: str | None = None
    announcement: str | None = None
    may_invite: str | None = None
    may_post: str | None = None
    joining: str | None = None
    history: str | None = None
    is_muted: bool | None = None


class Invite(NamedTuple):
    """Add users; those who are in already are left out."""

    users: tuple[str, ...]


class Join(NamedTuple):
    """Come in, or ask an admin for it, as the group's settings say."""

    text: str = ""


class Approve(NamedTuple):
    """Let somebody in who asked."""

    user: str


class Decline(NamedTuple):
    """Let somebody not in who asked; nobody is told."""

    user: str


class Leave(NamedTuple):
    """Be no member any more, or take back what one asked."""


class Remove(NamedTuple):
    """Put members out; those who are out already are left out."""

    users: tuple[str, ...]


class SetRole(NamedTuple):
    """Make a member an admin, or a plain member again."""

    user: str
    role: str


class Transfer(NamedTuple):
    """Give the group to another member; who had it stays as an admin."""

    user: str


class Silence(NamedTuple):
    """Let a member post nothing for so many seconds from now; 0 lets them again."""

    user: str
    seconds: int


class Dissolve(NamedTuple):
    """End the group for everybody. What was theirs stays readable."""


GroupChange = (
    SetGroup | Invite | Join | Approve | Decline | Leave | Remove | SetRole | Transfer | Silence | Dissolve
)


class CreateGroup(NamedTuple):
    """Write: make a group of `owner` and `members`. Result `GroupChanged`.

    `conversation` is what `im.core.groups.group_conversation` makes of `user` and `key`.
    """

    conversation: str
    user: str
    key: bytes
    owner: str
    name: str = ""
    avatar: str = ""
    announcement: str = ""
    settings: GroupSettings = DEFAULT_SETTINGS
    members: tuple[str, ...] = ()


class ChangeGroup(NamedTuple):
    """Write: result `GroupChanged`."""

    conversation: str
    user: str
    key: bytes
    change: GroupChange


class GroupChanged(NamedTuple):
    """What became of a change. `entry` is None where everything stood so before.

    `is_new` is false of a repetition: nobody is to be told. `joined` and `left` are the users whose
    membership it moved, from `version_before` to `member_version`; `asked`: an admin has to approve, and
    those who may are in `lookers`, as is whoever else has something new to look at.
    """

    conversation: str
    entry: Entry | None
    epoch: str
    is_new: bool
    version_before: int
    member_version: int
    joined: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    lookers: tuple[str, ...] = ()
    asked: bool = False


class GetGroup(NamedTuple):
    """Query: what a group is, to a member, or to one who was; "" asks as the app. Result `GroupRecord`."""

    conversation: str
    user: str


class GroupRecord(NamedTuple):
    """A group, and the asker's own place in it. `role` is "" of who is no member."""

    conversation: str
    name: str
    avatar: str
    announcement: str
    owner: str
    settings: GroupSettings
    members: int
    asking: int
    member_version: int
    created_ms: int
    is_dissolved: bool
    role: str
    silenced_until_ms: int


class ListMembers(NamedTuple):
    """Query: the members by id, after `after`, at most `limit`. Result `MemberPage`."""

    conversation: str
    user: str
    after: str
    limit: int


class MemberRecord(NamedTuple):
    """A member, as others see them."""

    user: str
    role: str
    silenced_until_ms: int


class MemberPage(NamedTuple):
    """`next` is the last of them while more follow."""

    conversation: str
    member_version: int
    members: tuple[MemberRecord, ...]
    next: str


class ListAsking(NamedTuple):
    """Query: who asks to be let in, by id after `after`; for admins. Result `AskingPage`."""

    conversation: str
    user: str
    after: str
    limit: int


class Asking(NamedTuple):
    """Somebody who asks to be let in."""

    user: str
    text: str
    time_ms: int


class AskingPage(NamedTuple):
    """`next` is the last of them while more follow."""

    conversation: str
    asking: tuple[Asking, ...]
    next: str


class GetMemberships(NamedTuple):
    """Query: in which groups is a user? A node asks at a login. Result `Memberships`."""

    user: str


class Memberships(NamedTuple):
    """The groups with their `member_version`."""

    user: str
    groups: tuple[tuple[str, int], ...]


class FindMembers(NamedTuple):
    """Query: which of `users` are in a group? A node asks that is behind. Result `MembersFound`."""

    conversation: str
    users: tuple[str, ...]


class MembersFound(NamedTuple):
    """Those that are, at just this version; 0 of a group that isn't there."""

    conversation: str
    member_version: int
    users: tuple[str, ...]


GroupWrite = CreateGroup | ChangeGroup
GroupQuery = GetGroup | ListMembers | ListAsking | GetMemberships | FindMembers
GroupResult = GroupChanged | GroupRecord | MemberPage | AskingPage | Memberships | MembersFound

GROUP_WRITES = (CreateGroup, ChangeGroup)
