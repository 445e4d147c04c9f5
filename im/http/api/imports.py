"""Friends and groups of another system, many at once."""

from typing import Annotated

from msgspec import Meta, Struct, field

from im.business.importing import Imports, OldGroup, Pair
from im.core.errors import Refused, RefusedError, invalid
from im.http.api.asking import UserId
from im.http.api.groups import Announcement, Avatar, Name, SettingsInput, settings_of
from im.http.api.table import Call, Route
from im.http.api.table import Struct as Input

MOST_PAIRS = 1_000
MOST_GROUPS = 1_000
MOST_MEMBERS = 5_000
"""Of all groups of one import."""

_SECONDS = 60.0
Key = Annotated[str, Meta(min_length=1, max_length=64)]


class PairInput(Input):
    """Two users who are friends."""

    user: UserId
    friend: UserId


class FriendsInput(Input):
    """Who is whose friend."""

    friends: Annotated[list[PairInput], Meta(min_length=1, max_length=MOST_PAIRS)]


class OldGroupInput(SettingsInput, kw_only=True):
    """A group; `key` is the other system's own name for it: the same again is the same group."""

    key: Key
    owner: UserId
    name: Name = ""
    avatar: Avatar = ""
    announcement: Announcement = ""
    members: Annotated[list[UserId], Meta(max_length=MOST_MEMBERS)] = field(default_factory=list)


class GroupsInput(Input):
    """Groups with their members."""

    groups: Annotated[list[OldGroupInput], Meta(min_length=1, max_length=MOST_GROUPS)]


class RefusedPair(Struct):
    """A pair that was refused, and why."""

    user: str
    friend: str
    code: str
    text: str


class FriendsImportAnswer(Struct):
    """How many pairs are friends now, and which were refused."""

    imported: int
    refused: list[RefusedPair]


class ImportedGroup(Struct):
    """A group that is there now."""

    key: str
    conversation: str


class RefusedMember(Struct):
    """Who of a group was refused, and why; `user` "" is the group itself."""

    key: str
    user: str
    code: str
    text: str


class GroupsImportAnswer(Struct):
    """The groups that are there now, and who was refused."""

    groups: list[ImportedGroup]
    refused: list[RefusedMember]


class ImportRoutes:
    """The routes of imports."""

    def __init__(self, imports: Imports) -> None:
        self._imports = imports

    def routes(self) -> list[Route]:
        """All of them."""
        friends = Route(
            "POST",
            "/v1/friends/import",
            "Make friends of many pairs.",
            "relations",
            FriendsImportAnswer,
            self._friends,
            FriendsInput,
            is_once=True,
            seconds=_SECONDS,
        )
        groups = friends._replace(
            path="/v1/groups/import",
            summary="Make many groups with their members.",
            scope="groups",
            answer=GroupsImportAnswer,
            run=self._groups,
            body=GroupsInput,
        )
        return [friends, groups]

    async def _friends(self, call: Call) -> object:
        pairs = [Pair(each.user, each.friend) for each in call.body.friends]
        refused = await self._imports.friends(pairs)
        rows = [RefusedPair(*pair, why.code.label, why.text) for pair, why in refused.items()]
        return FriendsImportAnswer(len(set(pairs)) - len(rows), rows)

    async def _groups(self, call: Call) -> object:
        groups: list[OldGroupInput] = call.body.groups
        if len({each.key for each in groups}) < len(groups):
            raise RefusedError(invalid("groups", "each key must be there once"))
        if sum(len(each.members) for each in groups) > MOST_MEMBERS:
            raise RefusedError(invalid("groups", f"one import has at most {MOST_MEMBERS} members in all"))
        imported = await self._imports.groups([_old_group(each) for each in groups])
        made = [ImportedGroup(*each) for each in imported.conversations.items()]
        refused = [RefusedMember(each.key, each.user, *_why(each.why)) for each in imported.refused]
        return GroupsImportAnswer(made, refused)


def _why(refused: Refused) -> tuple[str, str]:
    return refused.code.label, refused.text


def _old_group(body: OldGroupInput) -> OldGroup:
    described = (body.name, body.avatar, body.announcement)
    return OldGroup(body.key, body.owner, *described, settings_of(body), tuple(body.members))
