"""Friends and groups as another system kept them, many at once: who is refused is told, the rest is done.

The same again changes nothing, so that what was cut short is simply asked for again.
"""

from collections.abc import Awaitable, Callable, Sequence
from hashlib import blake2b
from typing import NamedTuple, TypeVar

from twisted.internet.defer import Deferred

from im.core.commands import Command
from im.core.errors import Refused, RefusedError
from im.core.grouping import ChangeGroup, CreateGroup, GroupChanged, Invite
from im.core.groups import DEFAULT_SETTINGS, KEY_BYTES, USERS_AT_ONCE, GroupSettings, group_conversation
from im.core.relations import FRIEND, AnswerFriend, AskFriend, RelationChanged
from im.ports import Ask

AT_ONCE = 32
"""Pairs or groups that are worked on at a time: chat goes on in between."""

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


class Pair(NamedTuple):
    """Two users who are friends."""

    user: str
    friend: str


class OldGroup(NamedTuple):
    """A group of another system, which knows it by `key`, a text."""

    key: str
    owner: str
    name: str = ""
    avatar: str = ""
    announcement: str = ""
    settings: GroupSettings = DEFAULT_SETTINGS
    members: tuple[str, ...] = ()


class NotIn(NamedTuple):
    """Who of a group was refused, and why; "" is the group itself."""

    key: str
    user: str
    why: Refused


class Imported(NamedTuple):
    """The groups that are there now, by their keys, and who is not in them."""

    conversations: dict[str, str]
    refused: list[NotIn]


class Imports:
    """Each method raises `RefusedError` where something refuses for the moment only."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def friends(self, pairs: Sequence[Pair]) -> dict[Pair, Refused]:
        """Make friends of pairs, and say which were refused, and why."""
        wanted = list(dict.fromkeys(pairs))
        outcomes = await _in_pages(wanted, self._befriend)
        return {pair: why for pair, why in zip(wanted, outcomes, strict=True) if why is not None}

    async def groups(self, groups: Sequence[OldGroup]) -> Imported:
        """Make groups with their members."""
        conversations: dict[str, str] = {}
        refused: list[NotIn] = []
        for group, not_in in zip(groups, await _in_pages(groups, self._make), strict=True):
            if not any(each.user == "" for each in not_in):
                conversations[group.key] = _conversation(group)
            refused += not_in
        return Imported(conversations, refused)

    async def _befriend(self, pair: Pair) -> Refused | None:
        asked = await self._done(AskFriend(pair.user, pair.friend, ""))
        if isinstance(asked, Refused):
            return asked
        assert isinstance(asked, RelationChanged)
        if asked.relation == FRIEND:
            return None
        answered = await self._done(AnswerFriend(pair.friend, pair.user, True))
        return answered if isinstance(answered, Refused) else None

    async def _make(self, group: OldGroup) -> list[NotIn]:
        described = (group.owner, group.name, group.avatar, group.announcement, group.settings)
        made = await self._done(CreateGroup(_conversation(group), "", _key(group.key), *described))
        if isinstance(made, Refused):
            return [NotIn(group.key, "", made)]
        users = [user for user in dict.fromkeys(group.members) if user != group.owner]
        refused: list[NotIn] = []
        for start in range(0, len(users), USERS_AT_ONCE):
            page = tuple(users[start : start + USERS_AT_ONCE])
            if isinstance(await self._invite(group, page), Refused):
                refused += await self._invite_each(group, page)
        return refused

    async def _invite_each(self, group: OldGroup, users: Sequence[str]) -> list[NotIn]:
        refused = []
        for user in users:
            why = await self._invite(group, (user,))
            if isinstance(why, Refused):
                refused.append(NotIn(group.key, user, why))
        return refused

    async def _invite(self, group: OldGroup, users: tuple[str, ...]) -> GroupChanged | Refused:
        key = _key(group.key, *users)
        invited = await self._done(ChangeGroup(_conversation(group), "", key, Invite(users)))
        assert isinstance(invited, GroupChanged | Refused)
        return invited

    async def _done(self, command: Command) -> object:
        result = await self._ask(command)
        if isinstance(result, Refused) and result.code.is_retryable:
            raise RefusedError(result)
        return result


async def _in_pages(items: Sequence[Item], work: Callable[[Item], Awaitable[Outcome]]) -> list[Outcome]:
    """What the work on each made, some at a time. Raises the first error, when its page has ended."""
    outcomes: list[Outcome] = []
    for start in range(0, len(items), AT_ONCE):
        errors: list[RefusedError] = []

        async def tried(item: Item, errors: list[RefusedError] = errors) -> list[Outcome]:
            try:
                return [await work(item)]
            except RefusedError as error:
                errors.append(error)
                return []

        page = [Deferred.fromCoroutine(tried(item)) for item in items[start : start + AT_ONCE]]
        for each in page:
            outcomes += await each
        if errors:
            raise errors[0]
    return outcomes


def _conversation(group: OldGroup) -> str:
    return group_conversation("", _key(group.key))


def _key(*parts: str) -> bytes:
    text = "\0".join(("import", *parts))
    return blake2b(text.encode(), digest_size=KEY_BYTES).digest()
