"""Groups: made, shown, changed."""

from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple

from msgspec import Meta, Struct, field

from im.core import grouping
from im.core.errors import Code
from im.core.grouping import (
    AskingPage,
    ChangeGroup,
    CreateGroup,
    GetGroup,
    GroupChange,
    GroupChanged,
    GroupRecord,
    ListAsking,
    ListMembers,
    MemberPage,
)
from im.core.groups import (
    ANNOUNCEMENT_CHARACTERS,
    ASK_CHARACTERS,
    AVATAR_CHARACTERS,
    DEFAULT_SETTINGS,
    MAX_SILENCE_SECONDS,
    NAME_CHARACTERS,
    USERS_AT_ONCE,
    GroupSettings,
    group_conversation,
    group_problem,
)
from im.core.validation import after_problem
from im.http.api.asking import Asking, AsQuery, Token, UserId, UserText, acting, acting_user, check
from im.http.api.table import Call, Route
from im.http.api.table import Struct as Input

SCOPE = "groups"
MOST_OF_PAGE = 500
_GROUPS, _GROUP = "/v1/groups", "/v1/groups/{group}"
_CODES = (Code.NOT_FOUND, Code.CONFLICT, Code.DISABLED, Code.LIMIT_EXCEEDED)

Role = Literal["member", "admin", "owner"]
Name = Annotated[str, Meta(max_length=NAME_CHARACTERS)]
Avatar = Annotated[str, Meta(max_length=AVATAR_CHARACTERS)]
Announcement = Annotated[str, Meta(max_length=ANNOUNCEMENT_CHARACTERS)]
Members = Annotated[list[UserId], Meta(max_length=USERS_AT_ONCE)]


class SettingsInput(Input):
    """Who may what; what is absent stays, or is as usual. `is_muted`: only admins post now."""

    may_invite: Role | None = None
    may_post: Role | None = None
    joining: Literal["closed", "approval", "open"] | None = None
    history: Literal["join", "everything"] | None = None
    is_muted: bool | None = None


class SetInput(SettingsInput, kw_only=True):
    """How to describe a group anew; what is absent stays."""

    name: Name | None = None
    avatar: Avatar | None = None
    announcement: Announcement | None = None


class GroupInput(SettingsInput, kw_only=True):
    """A group to be made. `owner` is who acts, or, where the app itself does, whom it names."""

    owner: UserText = ""
    name: Name = ""
    avatar: Avatar = ""
    announcement: Announcement = ""
    members: Members = field(default_factory=list)


class UsersInput(Input):
    """Whom of others."""

    users: Annotated[list[UserId], Meta(min_length=1, max_length=USERS_AT_ONCE)]


class MemberInput(Input):
    """Whom of others."""

    user: UserId


class RoleInput(MemberInput, kw_only=True):
    """The role that a member gets."""

    role: Literal["member", "admin"]


class SilenceInput(MemberInput, kw_only=True):
    """For how long a member posts nothing; 0: may again."""

    seconds: Annotated[int, Meta(ge=0, le=MAX_SILENCE_SECONDS)]


class JoinInput(Input):
    """A text to who approves."""

    text: Annotated[str, Meta(max_length=ASK_CHARACTERS)] = ""


class MembersQuery(AsQuery, kw_only=True):
    """Which page."""

    after: Token = ""
    limit: Annotated[int, Meta(ge=1, le=MOST_OF_PAGE)] = 100


class GroupChangedAnswer(Struct):
    """`seq` is that of the entry that tells of it; 0: it stood so before. `asked`: an admin must approve."""

    conversation: str
    seq: int
    member_version: int
    asked: bool


class GroupAnswer(Struct):
    """A group, and the place of who asks in it: `role` is "" of who left, "app" of the app itself."""

    conversation: str
    name: str
    avatar: str
    announcement: str
    owner: str
    may_invite: str
    may_post: str
    joining: str
    history: str
    is_muted: bool
    members: int
    asking: int
    member_version: int
    created_ms: int
    is_dissolved: bool
    role: str
    silenced_until_ms: int


class MemberAnswer(Struct):
    """A member; `silenced_until_ms` is Unix ms."""

    user: str
    role: str
    silenced_until_ms: int


class MembersAnswer(Struct):
    """Members by id; with `next` as `after` goes on, "" at the end."""

    conversation: str
    member_version: int
    members: list[MemberAnswer]
    next: str


class AskingAnswer(Struct):
    """Somebody who asks to be let in."""

    user: str
    text: str
    time_ms: int


class AskingPageAnswer(Struct):
    """Those who ask by id; with `next` as `after` goes on, "" at the end."""

    conversation: str
    asking: list[AskingAnswer]
    next: str


class _Change(NamedTuple):
    """A change with a path of its own. `is_own`: only of a user's own place."""

    what: str
    summary: str
    body: type[Any] | None
    make: Callable[[Any], GroupChange]
    is_own: bool = False


_CHANGES = (
    _Change("invite", "Add users.", UsersInput, lambda body: grouping.Invite(tuple(body.users))),
    _Change("join", "Come in, or ask for it.", JoinInput, lambda body: grouping.Join(body.text), True),
    _Change("approve", "Let somebody in who asked.", MemberInput, lambda body: grouping.Approve(body.user)),
    _Change("decline", "Let somebody not in.", MemberInput, lambda body: grouping.Decline(body.user)),
    _Change("leave", "Be no member any more.", None, lambda body: grouping.Leave(), True),
    _Change("remove", "Put members out.", UsersInput, lambda body: grouping.Remove(tuple(body.users))),
    _Change("role", "Give a role.", RoleInput, lambda body: grouping.SetRole(body.user, body.role)),
    _Change("transfer", "Give the group away.", MemberInput, lambda body: grouping.Transfer(body.user)),
    _Change(
        "silence",
        "Let a member post nothing for a time.",
        SilenceInput,
        lambda body: grouping.Silence(body.user, body.seconds),
    ),
    _Change("dissolve", "End the group for all.", None, lambda body: grouping.Dissolve()),
)


class GroupRoutes:
    """The routes of groups."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    def routes(self) -> list[Route]:
        """All of them."""
        return [self._of_making(), *self._of_showing(), *self._of_changing()]

    def _of_making(self) -> Route:
        return Route(
            "POST",
            _GROUPS,
            "Make a group.",
            SCOPE,
            GroupChangedAnswer,
            self._create,
            GroupInput,
            AsQuery,
            is_once=True,
            codes=_CODES,
            is_for_users=True,
        )

    def _of_showing(self) -> list[Route]:
        one = Route(
            "GET",
            _GROUP,
            "A group, to who is or was in it.",
            SCOPE,
            GroupAnswer,
            self._get,
            query=AsQuery,
            codes=(Code.NOT_FOUND,),
            is_for_users=True,
        )
        members = one._replace(
            path=f"{_GROUP}/members",
            summary="The members, to members.",
            answer=MembersAnswer,
            run=self._members,
            query=MembersQuery,
        )
        wanting = members._replace(
            path=f"{_GROUP}/asking",
            summary="Who asks to be let in, to admins.",
            answer=AskingPageAnswer,
            run=self._wanting,
        )
        return [one, members, wanting]

    def _of_changing(self) -> list[Route]:
        setting = self._of_making()._replace(
            method="PATCH",
            path=_GROUP,
            summary="Describe a group anew, and set who may what.",
            run=self._set,
            body=SetInput,
        )
        return [setting, *(self._changing(setting, change) for change in _CHANGES)]

    def _changing(self, like: Route, change: _Change) -> Route:
        async def run(call: Call) -> object:
            user = acting_user(call) if change.is_own else acting(call)
            return await self._change(call, user, change.make(call.body))

        path = f"{_GROUP}/{change.what}"
        return like._replace(method="POST", path=path, summary=change.summary, run=run, body=change.body)

    async def _create(self, call: Call) -> object:
        body: GroupInput = call.body
        user = acting(call)
        create = CreateGroup(
            group_conversation(user, call.token),
            user,
            call.token,
            body.owner or user,
            body.name,
            body.avatar,
            body.announcement,
            settings_of(body),
            tuple(body.members),
        )
        return _changed(await self._asking.done(create, GroupChanged))

    async def _get(self, call: Call) -> object:
        user = acting(call)
        record = await self._asking.read(GetGroup(_group(call), user), GroupRecord)
        fields = record._asdict()
        return GroupAnswer(**fields.pop("settings")._asdict(), **fields)

    async def _members(self, call: Call) -> object:
        user, query = acting(call), call.query
        check(after_problem(query.after))
        asked = ListMembers(_group(call), user, query.after, query.limit)
        page = await self._asking.read(asked, MemberPage)
        members = [MemberAnswer(*each) for each in page.members]
        return MembersAnswer(page.conversation, page.member_version, members, page.next)

    async def _wanting(self, call: Call) -> object:
        user, query = acting(call), call.query
        check(after_problem(query.after))
        page = await self._asking.read(ListAsking(_group(call), user, query.after, query.limit), AskingPage)
        return AskingPageAnswer(page.conversation, [AskingAnswer(*each) for each in page.asking], page.next)

    async def _set(self, call: Call) -> object:
        body: SetInput = call.body
        change = grouping.SetGroup(
            body.name,
            body.avatar,
            body.announcement,
            body.may_invite,
            body.may_post,
            body.joining,
            body.history,
            body.is_muted,
        )
        return await self._change(call, acting(call), change)

    async def _change(self, call: Call, user: str, change: GroupChange) -> GroupChangedAnswer:
        write = ChangeGroup(_group(call), user, call.token, change)
        return _changed(await self._asking.done(write, GroupChanged))


def settings_of(body: SettingsInput) -> GroupSettings:
    """The settings of a group to be made."""
    given = {name: getattr(body, name) for name in GroupSettings._fields}
    return DEFAULT_SETTINGS._replace(**{name: value for name, value in given.items() if value is not None})


def _group(call: Call) -> str:
    """The group of the path. Raises `RefusedError`."""
    group = call.path["group"]
    check(group_problem(group))
    return group


def _changed(changed: GroupChanged) -> GroupChangedAnswer:
    seq = 0 if changed.entry is None else changed.entry.seq
    return GroupChangedAnswer(changed.conversation, seq, changed.member_version, changed.asked)
