"""What the contracts of groups share."""

from typing import Any

from im.core import entries
from im.core.errors import Code, Refused
from im.core.grouping import (
    ChangeGroup,
    CreateGroup,
    GetGroup,
    GroupChange,
    GroupChanged,
    GroupRecord,
    ListMembers,
    MemberPage,
)
from im.core.groups import GroupFacts, GroupSettings, group_conversation
from im.core.messages import Head, Pull, PullPage, Send
from im.testing.contracts.store_base import StoreContract, client_id

KEY = client_id(9_999)
GROUP = group_conversation("alice", KEY)


def creation(*members: str, **settings: Any) -> CreateGroup:
    """Alice makes the group GROUP."""
    return CreateGroup(
        GROUP,
        "alice",
        KEY,
        "alice",
        "Friends",
        settings=GroupSettings()._replace(**settings),
        members=members,
    )


class GroupCase(StoreContract):
    """What the contracts of groups share."""

    _keys = 0

    def change(self, user: str, change: GroupChange, key: int = 0) -> ChangeGroup:
        """A change of GROUP under a key of its own."""
        self._keys += 1
        return ChangeGroup(GROUP, user, client_id(key or 10_000 + self._keys), change)

    def post(self, number: int, user: str = "alice", mentions: tuple[str, ...] = ()) -> Send:
        """A text to GROUP."""
        text = f"text {number}".encode()
        return Send(GROUP, user, "phone", client_id(number), b"", 0, entries.TEXT, text, mentions)

    async def done(self, user: str, change: GroupChange) -> GroupChanged:
        """Make a change that is not refused."""
        (result,) = await self.write(self.change(user, change))
        assert isinstance(result, GroupChanged), result
        return result

    async def denied(self, user: str, *changes: GroupChange, code: Code = Code.PERMISSION_DENIED) -> None:
        """Check that changes are refused, and that nothing is stored by that."""
        before = await self.record("")
        for result in await self.write(*(self.change(user, change) for change in changes)):
            assert isinstance(result, Refused), result
            self.assertEqual(code, result.code, result)
        self.assertEqual(before, await self.record(""))

    async def record(self, user: str) -> GroupRecord:
        """The group as a user sees it; "" is the app."""
        record = await self.read(GetGroup(GROUP, user))
        assert isinstance(record, GroupRecord), record
        return record

    async def members(self) -> dict[str, str]:
        """The members with their roles."""
        page = await self.read(ListMembers(GROUP, "", "", 0))
        assert isinstance(page, MemberPage), page
        return {member.user: member.role for member in page.members}

    async def page(self, user: str, from_seq: int = 1) -> PullPage:
        """What a user may read."""
        page = await self.read(Pull(GROUP, user, from_seq, False, 0))
        assert isinstance(page, PullPage), page
        return page

    async def kinds(self, user: str) -> list[int]:
        """The kinds of what a user may read."""
        return [entry.kind for entry in (await self.page(user)).entries]

    async def group_head(self, user: str) -> Head:
        """A user's place in the group."""
        (head,) = [each for each in (await self.sync(user)).heads if each.conversation == GROUP]
        return head

    def facts(self, head: Head) -> GroupFacts:
        """What a head says of its group."""
        assert head.group is not None
        return head.group
