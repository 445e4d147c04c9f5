"""What every store does with groups: who may what, and what is told of it."""

from im.core import entries
from im.core.commands import Result, SetDisabled
from im.core.errors import Code, Refused
from im.core.grouping import (
    Approve,
    ChangeGroup,
    CreateGroup,
    Decline,
    Dissolve,
    GetGroup,
    GetMemberships,
    GroupChanged,
    GroupRecord,
    Invite,
    Join,
    Leave,
    ListAsking,
    ListMembers,
    MemberPage,
    Memberships,
    Remove,
    SetGroup,
    SetRole,
    Silence,
    Transfer,
)
from im.core.groups import GroupFacts, GroupSettings, group_conversation
from im.core.limits import Limits
from im.core.messages import MoveDelivered, MoveRead, Pull, Sent
from im.testing.contracts.groups_base import GROUP, KEY, GroupCase, creation
from im.testing.contracts.store_base import client_id


class GroupContract(GroupCase):
    """How groups begin, change and end."""

    async def test_who_makes_a_group_owns_it(self) -> None:
        (made,) = await self.write(creation("bob", "carol"))
        assert isinstance(made, GroupChanged)
        self.assertEqual((True, 0, 1), (made.is_new, made.version_before, made.member_version))
        self.assertEqual(("alice", "bob", "carol"), made.joined)
        self.assertEqual({"alice": "owner", "bob": "member", "carol": "member"}, await self.members())
        record = await self.record("bob")
        self.assertEqual(
            ("Friends", "alice", 3, "member"), (record.name, record.owner, record.members, record.role)
        )

    async def test_every_member_has_the_group_in_the_list_and_nothing_unread(self) -> None:
        await self.write(creation("bob"))
        for user, role in (("alice", "owner"), ("bob", "member")):
            head = await self.group_head(user)
            self.assertEqual((1, 0, True, 1), (head.head_seq, head.unread, head.active, head.member_version))
            self.assertEqual(GroupFacts("Friends", "", 2, role, 0, False), self.facts(head))
            self.assertEqual([entries.GROUP_CREATED], await self.kinds(user))

    async def test_the_same_request_makes_one_group(self) -> None:
        first, again = await self.write(creation("bob"), creation("bob"))
        (later,) = await self.write(creation("bob"))
        assert isinstance(first, GroupChanged)
        for each in (again, later):
            assert isinstance(each, GroupChanged)
            self.assertEqual((False, first.entry, ()), (each.is_new, each.entry, each.joined))
        self.assertEqual(2, (await self.record("")).members)

    async def test_what_is_no_group_is_refused(self) -> None:
        right = creation("bob")
        for wrong, field in (
            (right._replace(conversation="g~mine"), "conversation"),
            (right._replace(key=b"short", conversation=group_conversation("alice", b"short")), "key"),
            (right._replace(name="nul\0"), "name"),
            (right._replace(members=("a b",)), "users"),
            (right._replace(settings=GroupSettings(joining="never")), "joining"),
        ):
            (result,) = await self.write(wrong)
            self.assert_refused(result, Code.INVALID_ARGUMENT, field)
        (result,) = await self.write(right._replace(owner="bob"))
        self.assert_refused(result, Code.PERMISSION_DENIED, "owner")
        self.assertEqual([], (await self.sync("bob")).heads)

    async def test_the_app_makes_groups_for_anybody(self) -> None:
        name = group_conversation("", KEY)
        (made,) = await self.write(CreateGroup(name, "", KEY, "bob", "Support", members=("alice",)))
        assert isinstance(made, GroupChanged)
        record = await self.read(GetGroup(name, "bob"))
        assert isinstance(record, GroupRecord)
        self.assertEqual("owner", record.role)
        (left,) = await self.write(ChangeGroup(name, "", client_id(1), Leave()))
        self.assert_refused(left, Code.NOT_FOUND, "user")

    async def test_a_description_is_changed_by_admins_and_told_by_an_entry(self) -> None:
        await self.write(creation("bob"))
        await self.denied("bob", SetGroup(name="Bob's"), SetGroup(is_muted=True))
        told = await self.done("alice", SetGroup(name="Old friends", announcement="Hello,\nall"))
        assert told.entry is not None
        self.assertEqual((entries.GROUP_SET, 2, 0), (told.entry.kind, told.entry.seq, told.entry.n))
        self.assertEqual((1, 1), (told.version_before, told.member_version))
        record = await self.record("bob")
        self.assertEqual(("Old friends", "Hello,\nall"), (record.name, record.announcement))
        self.assertEqual("Old friends", self.facts(await self.group_head("bob")).name)
        same = await self.done("alice", SetGroup(name="Old friends"))
        self.assertEqual((None, False), (same.entry, same.is_new))
        await self.denied("alice", SetGroup(may_post="nobody"), code=Code.INVALID_ARGUMENT)

    async def test_a_change_is_made_once_under_its_key(self) -> None:
        await self.write(creation("bob"))
        invite = self.change("alice", Invite(("carol",)), key=5)
        first, again = await self.write(invite, invite)
        await self.write(self.change("alice", Remove(("carol",))))
        (later,) = await self.write(invite)
        assert isinstance(first, GroupChanged)
        for each in (again, later):
            assert isinstance(each, GroupChanged)
            self.assertEqual((first.entry, False, ()), (each.entry, each.is_new, each.joined))
        self.assertEqual({"alice", "bob"}, set(await self.members()))

    async def test_a_key_of_something_else_is_a_conflict(self) -> None:
        await self.write(creation("bob"), self.post(7))
        (result,) = await self.write(self.change("alice", Invite(("carol",)), key=7))
        self.assert_refused(result, Code.CONFLICT, "key")

    async def test_who_may_invite_is_a_setting(self) -> None:
        await self.write(creation("bob", may_invite="admin"))
        await self.denied("bob", Invite(("carol",)))
        await self.done("alice", SetGroup(may_invite="member"))
        told = await self.done("bob", Invite(("carol", "alice")))
        self.assertEqual((("carol",), 1, 2), (told.joined, told.version_before, told.member_version))
        none = await self.done("bob", Invite(("carol", "alice")))
        self.assertEqual((None, False, 2), (none.entry, none.is_new, none.member_version))

    async def test_a_group_has_room_for_so_many(self) -> None:
        self.store = self.open_store(Limits(group_members=3, groups_per_user=2), True)
        await self.write(creation("bob"))
        await self.denied("alice", Invite(("carol", "dave")), code=Code.LIMIT_EXCEEDED)
        await self.done("alice", Invite(("carol",)))
        await self.denied("alice", Invite(("dave",)), code=Code.LIMIT_EXCEEDED)
        results = []
        for number in (1, 2):
            key, name = client_id(number), group_conversation("zoe", client_id(number))
            results += await self.write(CreateGroup(name, "zoe", key, "zoe", members=("bob",)))
        self.assertIsInstance(results[0], GroupChanged)
        self.assert_refused(results[1], Code.LIMIT_EXCEEDED, "users")

    async def test_a_user_has_room_for_so_many_groups_in_one_batch_too(self) -> None:
        self.store = self.open_store(Limits(groups_per_user=1), True)
        names = [group_conversation("", client_id(number)) for number in (1, 2)]
        one, other = (
            CreateGroup(name, "", client_id(number), owner, members=("zoe",))
            for number, name, owner in zip((1, 2), names, ("alice", "bob"), strict=True)
        )
        made, refused = await self.write(one, other)
        self.assertIsInstance(made, GroupChanged)
        self.assert_refused(refused, Code.LIMIT_EXCEEDED, "users")
        gone, again = await self.write(ChangeGroup(names[0], "zoe", client_id(3), Leave()), other)
        self.assertEqual([GroupChanged] * 2, [type(gone), type(again)])

    async def test_one_asks_and_an_admin_approves(self) -> None:
        await self.write(creation("bob"))
        asked = await self.done("carol", Join("let me in"))
        self.assertEqual((True, None, ("alice",)), (asked.asked, asked.entry, asked.lookers))
        await self.done("carol", Join("please"))
        self.assertEqual((1, 0), ((await self.record("alice")).asking, (await self.record("bob")).asking))
        self.assertEqual(1, self.facts(await self.group_head("alice")).asking)
        page = await self.read(ListAsking(GROUP, "alice", "", 0))
        self.assertEqual([("carol", "please")], [each[:2] for each in page.asking])  # type: ignore[union-attr]
        self.assertIsInstance(await self.read(ListAsking(GROUP, "bob", "", 0)), Refused)
        await self.denied("bob", Approve("carol"), Decline("carol"))
        await self.denied("alice", Approve("dave"), code=Code.NOT_FOUND)
        approved = await self.done("alice", Approve("carol"))
        self.assertEqual(("carol",), approved.joined)
        again = await self.done("alice", Approve("carol"))
        self.assertEqual((None, 0), (again.entry, (await self.record("alice")).asking))

    async def test_who_is_declined_or_takes_it_back_waits_no_more(self) -> None:
        await self.write(creation("bob"))
        await self.done("carol", Join())
        await self.done("alice", Decline("carol"))
        await self.done("alice", Decline("carol"))
        await self.done("dave", Join())
        await self.done("dave", Leave())
        await self.denied("carol", Leave(), code=Code.NOT_FOUND)
        self.assertEqual(0, (await self.record("alice")).asking)
        self.assertEqual({"alice", "bob"}, set(await self.members()))

    async def test_an_open_group_is_joined_at_once_and_a_closed_one_is_not_there(self) -> None:
        await self.write(creation("bob", joining="open"))
        joined = await self.done("carol", Join())
        self.assertEqual((("carol",), True), (joined.joined, joined.is_new))
        self.assertIsNone((await self.done("carol", Join())).entry)
        await self.done("alice", SetGroup(joining="closed"))
        await self.denied("dave", Join(), code=Code.NOT_FOUND)
        await self.done("bob", Leave())
        await self.denied("bob", Join())

    async def test_who_leaves_is_out_and_keeps_what_was_there(self) -> None:
        await self.write(creation("bob"), self.post(1))
        left = await self.done("bob", Leave())
        self.assertEqual((("bob",), 1, 2), (left.left, left.version_before, left.member_version))
        await self.write(self.post(2))
        page = await self.page("bob")
        self.assertEqual([1, 2, 3], [entry.seq for entry in page.entries])
        self.assertEqual((3, False), (page.head_seq, page.active))
        head = await self.group_head("bob")
        self.assertEqual((3, False, ""), (head.head_seq, head.active, self.facts(head).role))
        self.assertIsNone((await self.done("bob", Leave())).entry)
        (result,) = await self.write(self.post(3, "bob"))
        self.assert_refused(result, Code.PERMISSION_DENIED, "conversation")

    async def test_who_is_out_knows_the_group_as_it_was_called_then(self) -> None:
        await self.write(creation("bob", "carol"))
        await self.done("bob", Leave())
        await self.done("alice", SetGroup(name="Without Bob"))
        await self.done("alice", Dissolve())
        facts = self.facts(await self.group_head("bob"))
        self.assertEqual(("Friends", "", False), (facts.name, facts.role, facts.is_dissolved))
        self.assertEqual("Without Bob", self.facts(await self.group_head("carol")).name)

    async def test_the_owner_does_not_leave(self) -> None:
        await self.write(creation("bob"))
        await self.denied("alice", Leave())
        await self.denied("", Remove(("alice",)), SetRole("alice", "member"))

    async def test_one_removes_those_of_lower_roles(self) -> None:
        await self.write(creation("bob", "carol", "dave"))
        await self.done("alice", SetRole("bob", "admin"))
        await self.done("alice", SetRole("carol", "admin"))
        await self.denied("dave", Remove(("bob",)))
        await self.denied("bob", Remove(("alice",)), Remove(("carol",)), Remove(("dave", "carol")))
        removed = await self.done("bob", Remove(("dave", "nobody")))
        self.assertEqual(("dave",), removed.left)
        self.assertIsNone((await self.done("bob", Remove(("dave",)))).entry)
        self.assertEqual({"alice": "owner", "bob": "admin", "carol": "admin"}, await self.members())

    async def test_roles_are_given_by_the_owner(self) -> None:
        await self.write(creation("bob", "carol"))
        await self.denied("bob", SetRole("carol", "admin"), Transfer("bob"))
        await self.denied("alice", SetRole("bob", "owner"), code=Code.INVALID_ARGUMENT)
        await self.denied("alice", SetRole("zoe", "admin"), Transfer("zoe"), code=Code.NOT_FOUND)
        await self.done("alice", SetRole("bob", "admin"))
        self.assertIsNone((await self.done("alice", SetRole("bob", "admin"))).entry)
        await self.done("alice", Transfer("carol"))
        self.assertIsNone((await self.done("", Transfer("carol"))).entry)
        self.assertEqual({"alice": "admin", "bob": "admin", "carol": "owner"}, await self.members())
        self.assertEqual("carol", (await self.record("bob")).owner)
        await self.denied("alice", Dissolve())

    async def test_a_silenced_member_posts_later(self) -> None:
        await self.write(creation("bob"))
        await self.denied("bob", Silence("alice", 60))
        told = await self.done("alice", Silence("bob", 60))
        self.assertEqual((1, 2, ("bob",)), (told.version_before, told.member_version, told.lookers))
        (result,) = await self.write(self.post(1, "bob"))
        self.assert_refused(result, Code.PERMISSION_DENIED, "conversation")
        self.assertEqual(self.time_ms + 60_000, (await self.record("bob")).silenced_until_ms)
        self.time_ms += 60_000
        await self.send(self.post(1, "bob"))
        await self.done("alice", Silence("bob", 60))
        await self.done("alice", Silence("bob", 0))
        self.assertIsNone((await self.done("alice", Silence("bob", 0))).entry)
        await self.send(self.post(2, "bob"))

    async def test_in_a_muted_group_only_admins_post(self) -> None:
        await self.write(creation("bob"))
        await self.done("alice", SetGroup(is_muted=True))
        (result,) = await self.write(self.post(1, "bob"))
        self.assert_refused(result, Code.PERMISSION_DENIED, "conversation")
        await self.send(self.post(2))
        await self.done("alice", SetRole("bob", "admin"))
        await self.send(self.post(1, "bob"))

    async def test_a_dissolved_group_is_over_and_stays_readable(self) -> None:
        await self.write(creation("bob"), self.post(1))
        await self.denied("bob", Dissolve())
        await self.done("alice", Dissolve())
        self.assertIsNone((await self.done("alice", Dissolve())).entry)
        await self.denied("alice", SetGroup(name="x"), Invite(("carol",)), Transfer("bob"))
        await self.denied("carol", Join(), code=Code.NOT_FOUND)
        (result,) = await self.write(self.post(2))
        self.assert_refused(result, Code.PERMISSION_DENIED, "conversation")
        head = await self.group_head("bob")
        self.assertEqual((3, False, True), (head.head_seq, head.active, self.facts(head).is_dissolved))
        self.assertEqual([101, 1, 109], await self.kinds("bob"))
        self.assertEqual(Memberships("bob", ()), await self.read(GetMemberships("bob")))

    async def test_strangers_find_nothing(self) -> None:
        await self.write(creation("bob", joining="closed"), self.post(1))
        for change in (SetGroup(name="x"), Invite(("zoe",)), Remove(("bob",)), Leave(), Join(), Dissolve()):
            await self.denied("zoe", change, code=Code.NOT_FOUND)
        results: list[Result] = [
            *await self.write(self.post(2, "zoe"), MoveRead(GROUP, "zoe", 1), MoveDelivered(GROUP, "zoe", 1)),
            await self.read(Pull(GROUP, "zoe", 1, False, 0)),
            await self.read(GetGroup(GROUP, "zoe")),
            await self.read(ListMembers(GROUP, "zoe", "", 0)),
            await self.read(ListAsking(GROUP, "zoe", "", 0)),
        ]
        for result in results:
            self.assert_refused(result, Code.NOT_FOUND, "conversation")
        unmade = await self.read(GetGroup("g~nowhere", ""))
        self.assert_refused(unmade, Code.NOT_FOUND, "conversation")

    async def test_a_disabled_user_changes_nothing(self) -> None:
        await self.write(creation("bob"), SetDisabled("alice", True))
        (result,) = await self.write(self.change("alice", Invite(("carol",))))
        self.assert_refused(result, Code.DISABLED, "user")

    async def test_members_are_listed_by_pages(self) -> None:
        names = [f"user{number:02}" for number in range(20)]
        await self.write(creation(*names))
        listed: list[str] = []
        after = ""
        while True:
            page = await self.read(ListMembers(GROUP, "alice", after, 8))
            assert isinstance(page, MemberPage)
            listed += [member.user for member in page.members]
            after = page.next
            if not after:
                break
        self.assertEqual(["alice", *names], listed)

    async def test_a_rolled_back_change_leaves_nothing_behind(self) -> None:
        await self.write(creation("bob"), self.post(1))
        # The second post is taken for new, and found stored at the end: everything is done anew.
        invited, again = await self.write(self.change("alice", Invite(("carol",))), self.post(1))
        assert isinstance(invited, GroupChanged)
        assert isinstance(again, Sent)
        self.assertEqual((2, True), (invited.member_version, again.duplicate))
        self.assertEqual(3, (await self.record("")).members)

    async def test_groups_are_there_after_a_crash(self) -> None:
        await self.write(creation("bob", "carol"))
        await self.done("alice", SetGroup(may_post="admin", name="Old"))
        await self.done("alice", SetRole("bob", "admin"))
        await self.done("carol", Leave())
        before = (await self.record("bob"), await self.members())
        self.store = self.reopen_store(self.store, False)
        self.assertEqual(before, (await self.record("bob"), await self.members()))
        (result,) = await self.write(self.post(1, "carol"))
        self.assert_refused(result, Code.PERMISSION_DENIED, "conversation")
        await self.send(self.post(2, "bob"))
