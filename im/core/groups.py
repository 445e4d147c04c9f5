"""Groups: what they are, and who may do what in them. A table, and a few rules beside it."""

import hashlib
from typing import NamedTuple

from im.core.errors import Code, Refused, invalid
from im.core.ids import GROUP, MAX_ID_CHARACTERS, id_problem

MEMBER, ADMIN, OWNER = "member", "admin", "owner"
"""The roles, each may do what those before it may."""

NOBODY, APP = "", "app"
"""Who is no member, and the app itself, which may do everything."""

CLOSED, APPROVAL, OPEN = "closed", "approval", "open"
"""How one joins: by invitation only, when an admin approves, or at once."""

FROM_JOIN, EVERYTHING = "join", "everything"
"""What of the history who joins may see."""

NAME_CHARACTERS = 64
AVATAR_CHARACTERS = 1_024
ANNOUNCEMENT_CHARACTERS = 2_000
ASK_CHARACTERS = 200
BREAKS = "\n\t"
"""What texts of a group may hold beside what is printable."""

KEY_BYTES = 16
USERS_AT_ONCE = 100
"""Members that one change names."""

MOST_ASKING = 1_000
"""Users who wait for an admin of one group."""

MAX_SILENCE_SECONDS = 10 * 366 * 86_400

_PREFIX = f"{GROUP}~"
_RANKS = {NOBODY: 0, MEMBER: 1, ADMIN: 2, OWNER: 3, APP: 4}


class GroupSettings(NamedTuple):
    """Who may what. `may_invite` and `may_post` name the least role; `is_muted`: only admins post now."""

    may_invite: str = MEMBER
    may_post: str = MEMBER
    joining: str = APPROVAL
    history: str = FROM_JOIN
    is_muted: bool = False


DEFAULT_SETTINGS = GroupSettings()

_CHOICES = {
    "may_invite": (MEMBER, ADMIN, OWNER),
    "may_post": (MEMBER, ADMIN, OWNER),
    "joining": (CLOSED, APPROVAL, OPEN),
    "history": (FROM_JOIN, EVERYTHING),
}


class GroupFacts(NamedTuple):
    """What a head says of a group. `asking`: how many wait for approval; of admins only.

    `mentions` are the unseen messages that mention the user, or everyone.
    """

    name: str
    avatar: str
    members: int
    role: str
    asking: int
    is_dissolved: bool
    mentions: int = 0


def rank(role: str) -> int:
    """How much a role may; larger is more."""
    return _RANKS[role]


def group_conversation(user: str, key: bytes) -> str:
    """The id of the group that `user` makes by the request `key`: the same at every repetition of it.

    It depends on both, so that nobody can take the id of another's group.
    """
    digest = hashlib.sha256(b"%d:%b:%b" % (len(user.encode()), user.encode(), key)).hexdigest()
    return f"{GROUP}~{digest[:32]}"


def is_group(conversation: str) -> bool:
    """Whether an id is a group's."""
    return conversation.startswith(_PREFIX)


def group_problem(conversation: str) -> Refused | None:
    """Why an id can't be a group's, or None."""
    if not is_group(conversation) or len(conversation) > MAX_ID_CHARACTERS + 2:
        return invalid("conversation", "conversation must be a group's: g~…")
    return id_problem(conversation[2:], "conversation")


def key_problem(key: bytes) -> Refused | None:
    """Why bytes can't be the key of a request, or None."""
    return None if len(key) == KEY_BYTES else invalid("key", f"key must have {KEY_BYTES} bytes")


def settings_problem(settings: GroupSettings) -> Refused | None:
    """Why settings are none, or None."""
    for field, choices in _CHOICES.items():
        if getattr(settings, field) not in choices:
            return invalid(field, f"{field} must be one of {', '.join(choices)}")
    return None


def users_problem(users: tuple[str, ...]) -> Refused | None:
    """Why a change can't name these users, or None."""
    if not 1 <= len(users) <= USERS_AT_ONCE:
        return invalid("users", f"a change must name 1 to {USERS_AT_ONCE} users")
    for user in users:
        problem = id_problem(user, "users")
        if problem is not None:
            return problem
    return None if len(set(users)) == len(users) else invalid("users", "a change must name each user once")


def post_refusal(settings: GroupSettings, role: str, silenced_until_ms: int, now_ms: int) -> Refused | None:
    """Why a member of this role may not post now, or None."""
    if rank(role) >= rank(OWNER):
        return None
    if silenced_until_ms > now_ms:
        text = "an admin has silenced you here for a time"
        return Refused(Code.PERMISSION_DENIED, text, "conversation")
    if settings.is_muted and rank(role) < rank(ADMIN):
        return Refused(Code.PERMISSION_DENIED, "only admins may post now", "conversation")
    return needs(settings.may_post, role)


def needs(least: str, role: str) -> Refused | None:
    """The refusal of somebody whose role is less than `least`, or None."""
    if rank(role) >= rank(least):
        return None
    return Refused(Code.PERMISSION_DENIED, f"only the {least}s of this group may do that")


def outranks(role: str, other: str) -> Refused | None:
    """The refusal of somebody who acts on a member of the same role or a higher one, or None."""
    if rank(role) > rank(other):
        return None
    return Refused(Code.PERMISSION_DENIED, "that member's role is not below yours", "users")


def gone() -> Refused:
    """The refusal of somebody who is no member any more."""
    return Refused(Code.PERMISSION_DENIED, "you are not in this group any more", "conversation")


def dissolved() -> Refused:
    """The refusal of everything that would change a group that is dissolved."""
    return Refused(Code.PERMISSION_DENIED, "this group is dissolved", "conversation")
