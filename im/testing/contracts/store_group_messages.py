"""What every store does with the messages of groups: who sees them, and when they are unread."""

from im.core.changing import ChangeMessage, DeleteEntries, Edit, React, Recall
from im.core.entries import RECALLED, TEXT
from im.core.errors import Code
from im.core.folding import Fold, Reaction
from im.core.grouping import (
    FindMembers,
    GetMemberships,
    Invite,
    Leave,
    MembersFound,
    Memberships,
    Remove,
    SetGroup,
)
from im.core.messages import MoveRead
from im.testing.contracts.groups_base import GROUP, GroupCase, creation
from im.testing.contracts.store_base import client_id


class GroupMessageContract(GroupCase):
    """What members see of the messages, and when it is unread."""

    async def test_a_message_counts_for_everyone_but_its_sender(self) -> None:
        await self.write(creation("bob", "carol"), self.post(1), self.post(2, "bob"))
        self.assertEqual(
            [1, 1, 2], [(await self.group_head(user)).unread for user in ("alice", "bob", "carol")]
        )

    async def test_a_message_says_to_which_members_it_goes(self) -> None:
        await self.write(creation("bob"))
        first = await self.send(self.post(1))
        await self.done("alice", Invite(("carol",)))
        self.assertEqual([1, 2], [first.member_version, (await self.send(self.post(2))).member_version])
        self.assertEqual(0, (await self.send(self.post(2))).member_version)

    async def test_what_tells_of_the_group_never_counts(self) -> None:
        await self.write(creation("bob"))
        await self.done("alice", SetGroup(name="x"))
        await self.done("alice", Invite(("carol",)))
        self.assertEqual((3, 0), (await self.group_head("bob"))[1:3])
        self.assertEqual(0, (await self.group_head("bob")).unread)

    async def test_who_joins_sees_what_comes_from_then_on(self) -> None:
        await self.write(creation("bob"), self.post(1))
        await self.done("alice", Invite(("carol",)))
        await self.send(self.post(2))
        page = await self.page("carol")
        self.assertEqual(([3, 4], 3), ([entry.seq for entry in page.entries], page.visible_from))
        self.assertEqual(1, (await self.group_head("carol")).unread)

    async def test_or_everything_as_the_group_wants_it(self) -> None:
        await self.write(creation("bob", history="everything"), self.post(1))
        await self.done("alice", Invite(("carol",)))
        await self.send(self.post(2))
        page = await self.page("carol")
        self.assertEqual(([1, 2, 3, 4], 1), ([entry.seq for entry in page.entries], page.visible_from))
        self.assertEqual(1, (await self.group_head("carol")).unread)

    async def test_who_comes_again_goes_on_from_there(self) -> None:
        await self.write(creation("bob"), self.post(1))
        await self.done("bob", Leave())
        await self.send(self.post(2))
        back = await self.done("alice", Invite(("bob",)))
        self.assertEqual(("bob",), back.joined)
        await self.send(self.post(3))
        page = await self.page("bob")
        self.assertEqual(
            ([5, 6], 5, True), ([each.seq for each in page.entries], page.visible_from, page.active)
        )
        self.assertEqual((3, 1), (page.member_version, (await self.group_head("bob")).unread))

    async def test_a_removed_member_hears_of_it_once_and_of_nothing_after(self) -> None:
        await self.write(creation("bob"), self.post(1))
        cursor = (await self.sync("bob")).cursor
        await self.done("alice", Remove(("bob",)))
        page = await self.sync("bob", cursor)
        self.assertEqual([(3, False)], [(head.head_seq, head.active) for head in page.heads])
        await self.send(self.post(2))
        await self.done("alice", SetGroup(name="without bob"))
        self.assertEqual([], (await self.sync("bob", page.cursor)).heads)
        (moved,) = await self.write(MoveRead(GROUP, "bob", 99))
        self.assertEqual((3, 0), (moved.read_seq, moved.unread))  # type: ignore[union-attr]
        self.assertEqual(3, (await self.page("bob")).head_seq)

    async def test_a_node_learns_who_is_in(self) -> None:
        await self.write(creation("bob", "carol"))
        await self.done("alice", Remove(("carol",)))
        for user, found in (("bob", ((GROUP, 2),)), ("carol", ()), ("zoe", ())):
            self.assertEqual(Memberships(user, found), await self.read(GetMemberships(user)))
        asked = ("alice", "bob", "carol", "zoe", *(f"user{number}" for number in range(150)))
        found_members = await self.read(FindMembers(GROUP, asked))
        assert isinstance(found_members, MembersFound)
        self.assertEqual((2, {"alice", "bob"}), (found_members.member_version, set(found_members.users)))
        self.assertEqual(MembersFound("g~no", 0, ()), await self.read(FindMembers("g~no", asked)))

    async def test_mentions_are_counted_while_they_are_unseen(self) -> None:
        await self.write(creation("bob", "carol"))
        await self.send(self.post(1, mentions=("bob",)))
        await self.send(self.post(2, mentions=("",)))
        await self.send(self.post(3, "bob"))

        async def mentions(user: str) -> int:
            return self.facts(await self.group_head(user)).mentions

        self.assertEqual([0, 2, 1], [await mentions(user) for user in ("alice", "bob", "carol")])
        await self.write(MoveRead(GROUP, "bob", 2))
        self.assertEqual(1, await mentions("bob"))

    async def test_a_message_mentions_a_user_once_and_not_who_deleted_it(self) -> None:
        await self.write(creation("bob"))
        for number in (1, 2):
            await self.send(self.post(number, mentions=("", "bob")))
        await self.write(DeleteEntries(GROUP, "bob", (3,)))
        head = await self.group_head("bob")
        self.assertEqual((1, 1), (head.unread, self.facts(head).mentions))

    async def test_who_is_out_sees_nothing_of_what_became_of_a_message_since(self) -> None:
        await self.write(creation("bob"), *(self.post(number) for number in (1, 2, 3)))
        await self.write(
            ChangeMessage(GROUP, "alice", client_id(61), 2, Edit(b"in time")),
            ChangeMessage(GROUP, "alice", client_id(62), 2, React("+1")),
        )
        await self.done("alice", Remove(("bob",)))
        await self.write(
            ChangeMessage(GROUP, "alice", client_id(63), 3, Edit(b"too late")),
            ChangeMessage(GROUP, "alice", client_id(64), 2, React("late")),
            ChangeMessage(GROUP, "alice", client_id(65), 4, Recall()),
        )
        page = await self.page("bob")
        told = [(entry.kind, entry.content) for entry in page.entries[1:4]]
        self.assertEqual([(TEXT, b"in time"), (RECALLED, b""), (RECALLED, b"")], told)
        self.assertEqual((Fold(2, 5, (Reaction("+1", 1, False),)),), page.folds)
        self.assertEqual(b"too late", (await self.page("alice")).entries[2].content)

    async def test_only_admins_mention_everyone(self) -> None:
        await self.write(creation("bob"))
        (result,) = await self.write(self.post(1, "bob", ("",)))
        self.assert_refused(result, Code.PERMISSION_DENIED, "mentions_everyone")
        await self.send(self.post(1, "bob"))
