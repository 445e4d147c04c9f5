"""A node's groups: who is in them here, and at which version."""

from collections.abc import Mapping, Sequence

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from im.core.errors import Code, Refused
from im.core.grouping import FindMembers, GetMemberships, MembersFound, Memberships
from im.core.groups import GroupFacts
from im.core.messages import Head, Sync, SyncCursor, SyncPage
from im.gateway.groups import RETRY_SECONDS
from im.ports import Delivery, MembershipChange
from im.proto import base_pb2, chat_pb2, session_pb2, sync_pb2
from im.test.gateway.world import Client, World, online
from im.wire import hot

GROUP = "g~talk"


def posted(seq: int, version: int, change: MembershipChange | None = None, but: str = "") -> Delivery:
    """An entry of the group, for its members at a version."""
    frame = hot.deliver(GROUP, "e1", seq, seq, 1, "zoe", b"i" * 16, 1, b"hi")
    named = () if change is None else (*change.joined, *change.left)
    return Delivery(named, GROUP, seq, frame, but, version, change)


def seqs(client: Client) -> list[int]:
    """What of the group came since the last look; RESYNC is 0."""
    bodies = client.bodies()
    assert all(isinstance(body, chat_pb2.Deliver | sync_pb2.Resync) for body in bodies), bodies
    return [body.entry.seq if isinstance(body, chat_pb2.Deliver) else 0 for body in bodies]


class GroupTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World()
        self.groups = self.world.node.groups
        self.bridge = self.world.bridge

    def member(self, user: str, version: int = 3) -> Client:
        """A member who is online; the group is at a version."""
        self.bridge.memberships[user] = ((GROUP, version),)
        return self.world.log_in(token=user, device_id=user)

    def held(self) -> Sequence[str]:
        """The audiences that the registry has of the node."""
        held: Mapping[str, Sequence[str]] = self.successResultOf(self.world.registry.holding([GROUP]))
        return held.get("n1", [])

    def answer(self, version: int, *users: str) -> tuple[str, ...]:
        """Answer who is in; who was asked for."""
        asked = self.bridge.take(MembersFound(GROUP, version, users))
        assert isinstance(asked, FindMembers)
        self.world.pass_seconds(0.5)
        return asked.users

    def test_a_message_reaches_the_members_who_are_here(self) -> None:
        alice, bob, eve = self.member("alice"), self.member("bob"), self.world.log_in(token="eve")
        self.world.deliver(posted(5, 3))
        self.assertEqual([[5], [5], []], [seqs(each) for each in (alice, bob, eve)])
        self.assertEqual(["alice", "bob"], self.groups.users(GROUP))

    def test_the_session_that_sent_it_is_left_out(self) -> None:
        alice, bob = self.member("alice"), self.member("bob")
        self.world.deliver(posted(5, 3, but=alice.session_id))
        self.assertEqual([[], [5]], [seqs(alice), seqs(bob)])

    def test_a_group_is_held_while_a_member_is_here(self) -> None:
        alice, bob = self.member("alice"), self.member("bob")
        self.assertEqual([GROUP], self.held())
        alice.connection.connection_lost("gone")
        self.assertEqual([GROUP], self.held())
        bob.connection.connection_lost("gone")
        self.assertEqual(([], []), (self.held(), self.groups.audiences))

    def test_one_of_two_sessions_of_a_user_goes_and_the_other_stays_a_member(self) -> None:
        first = self.member("alice")
        second = self.world.log_in(device_id="other")
        first.connection.connection_lost("gone")
        self.world.deliver(posted(5, 3))
        self.assertEqual([5], seqs(second))

    def test_some_at_once_come_as_one_by_one(self) -> None:
        alice, bob = self.member("alice"), self.member("bob")
        self.world.deliver(posted(5, 3), posted(6, 3, but=alice.session_id), posted(7, 3))
        self.assertEqual([[5, 7], [5, 6, 7]], [seqs(alice), seqs(bob)])
        bob.connection.acknowledge(GROUP, 7)
        self.world.deliver(*(posted(seq, 3) for seq in range(8, 30)))
        self.assertEqual(list(range(8, 30)), seqs(bob))
        bob.connection.write_paused()
        self.world.deliver(posted(30, 3), posted(31, 3))
        self.assertEqual([], seqs(bob))

    def test_another_version_is_dropped_read_anew_and_looked_for(self) -> None:
        alice, bob = self.member("alice"), self.member("bob")
        self.world.deliver(posted(5, 4), posted(6, 4))
        self.assertEqual([[], []], [seqs(alice), seqs(bob)])
        self.assertEqual([], self.groups.users(GROUP))
        self.assertEqual({"alice", "bob"}, set(self.answer(4, "alice")))
        self.assertEqual([[0], [0]], [seqs(alice), seqs(bob)])
        self.world.deliver(posted(7, 4))
        self.assertEqual([[7], []], [seqs(alice), seqs(bob)])

    def test_an_answer_older_than_what_was_told_is_asked_for_again(self) -> None:
        alice = self.member("alice")
        self.world.deliver(posted(5, 5))
        self.answer(4, "alice")
        self.assertEqual([], seqs(alice))
        self.world.pass_seconds(RETRY_SECONDS)
        self.answer(5, "alice")
        self.world.deliver(posted(6, 5))
        self.assertEqual([0, 6], seqs(alice))

    def test_a_store_that_went_back_is_believed_in_the_end(self) -> None:
        alice = self.member("alice", 9)
        self.world.deliver(posted(5, 12))
        for _ in range(3):
            self.answer(2, "alice")
            self.world.pass_seconds(RETRY_SECONDS)
        self.world.deliver(posted(6, 2))
        self.assertEqual([0, 6], seqs(alice))

    def test_the_making_of_a_group_that_comes_late_reaches_nobody_who_joined_since(self) -> None:
        alice, bob = self.member("alice"), self.member("bob")
        self.world.deliver(posted(5, 4))
        self.world.deliver(posted(1, 1, MembershipChange(0, ("alice",))))
        self.answer(4, "alice", "bob")
        self.world.deliver(posted(6, 4))
        self.assertEqual([[0, 0, 6], [0, 6]], [seqs(alice), seqs(bob)])

    def test_a_refused_reading_is_repeated(self) -> None:
        alice = self.member("alice")
        self.world.deliver(posted(5, 4))
        self.bridge.take(Refused(Code.UNAVAILABLE, "down"))
        self.world.pass_seconds(RETRY_SECONDS + 0.2)
        self.answer(4, "alice")
        self.assertEqual([0], seqs(alice))

    def test_who_is_added_gets_what_comes_from_then_on_and_looks(self) -> None:
        alice, eve = self.member("alice"), self.world.log_in(token="eve", device_id="eve")
        self.world.deliver(posted(5, 3), posted(6, 4, MembershipChange(3, ("eve",))), posted(7, 4))
        self.world.pass_seconds(0.5)
        self.assertEqual([[5, 6, 7], [6, 7, 0]], [seqs(alice), seqs(eve)])

    def test_who_is_removed_gets_nothing_after_and_looks(self) -> None:
        alice, bob = self.member("alice"), self.member("bob")
        self.world.deliver(posted(5, 3), posted(6, 4, MembershipChange(3, (), ("bob",))), posted(7, 4))
        self.world.pass_seconds(0.5)
        self.assertEqual([[5, 6, 7], [5, 0]], [seqs(alice), seqs(bob)])
        self.assertEqual(["alice"], self.groups.users(GROUP))

    def test_the_last_member_who_is_removed_takes_the_group_along(self) -> None:
        bob = self.member("bob")
        self.world.deliver(posted(6, 4, MembershipChange(3, (), ("bob",))))
        self.world.pass_seconds(0.5)
        self.assertEqual(([0], []), (seqs(bob), self.held()))

    def test_the_first_member_here_who_is_added_has_the_group_held_and_read(self) -> None:
        eve = self.world.log_in(token="eve", device_id="eve")
        self.world.deliver(posted(6, 4, MembershipChange(3, ("eve", "zoe"))))
        self.assertEqual([GROUP], self.held())
        self.assertEqual(("eve",), self.answer(4, "eve"))
        self.world.deliver(posted(7, 4))
        self.assertEqual([0, 0, 7], seqs(eve))

    def test_a_change_that_does_not_follow_makes_those_look_whom_it_names(self) -> None:
        alice, eve = self.member("alice"), self.world.log_in(token="eve", device_id="eve")
        self.world.deliver(posted(6, 6, MembershipChange(5, ("eve",))))
        self.assertEqual({"alice", "eve"}, set(self.answer(6, "alice", "eve")))
        self.assertEqual([[0], [0, 0]], [seqs(alice), seqs(eve)])

    def test_a_member_who_comes_while_who_is_in_is_read_is_asked_for_next(self) -> None:
        self.member("alice")
        self.world.deliver(posted(5, 4))
        bob = self.member("bob", 4)
        self.assertEqual(("alice",), self.answer(4, "alice"))
        self.assertEqual(("alice", "bob"), self.answer(4, "alice", "bob"))
        self.world.deliver(posted(6, 4))
        self.assertEqual([0, 6], seqs(bob))

    def test_a_head_of_a_group_that_the_node_missed_is_made_up_for(self) -> None:
        eve = self.world.log_in(token="eve", device_id="eve")
        self.bridge.is_manual = True
        eve.send(sync_pb2.Sync(), 7)
        facts = GroupFacts("Talk", "", 2, "member", 0, False)
        head = Head(GROUP, 5, 5, 1, 0, 0, 0, 1, True, 4, 0, 0, 0, None, group=facts)
        self.assertIsInstance(self.bridge.take(SyncPage(SyncCursor("e1", 1), [head], "")), Sync)
        eve.only(sync_pb2.SyncResult)
        self.answer(4, "eve")
        self.world.deliver(posted(6, 4))
        self.assertEqual([0, 6], seqs(eve))

    def test_groups_are_held_before_the_heads_are_read(self) -> None:
        joining: Deferred[None] = Deferred()
        asked: list[str] = []

        def join(node: str, audiences: Sequence[str]) -> "Deferred[None]":
            asked.extend(audiences)
            return joining

        self.world.registry.join = join
        self.bridge.memberships["alice"] = ((GROUP, 3),)
        first, second = self.world.connect(), self.world.connect()
        first.send(online(), 1)
        second.send(online(device_id="a2"), 1)
        self.assertEqual(([GROUP], [], []), (asked, first.bodies(), second.bodies()))
        joining.callback(None)
        for client in (first, second):
            client.only(session_pb2.OnlineResult)

    def test_a_login_whose_groups_can_not_be_held_comes_again_later(self) -> None:
        self.world.registry.join = lambda node, audiences: Deferred()
        self.bridge.memberships["alice"] = ((GROUP, 3),)
        client = self.world.connect()
        client.send(online(), 1)
        self.world.pass_seconds(6.0)
        self.assertEqual("unavailable", client.last(base_pb2.Close).name)
        self.assertEqual([], self.groups.audiences)

    def test_groups_that_can_not_be_read_refuse_the_login(self) -> None:
        self.bridge.memberships["alice"] = ((GROUP, 3),)
        self.bridge.is_deaf_to_groups = True
        client = self.world.connect()
        client.send(online(), 1)
        asked = self.bridge.take(Refused(Code.UNAVAILABLE, "down"))
        self.assertEqual(GetMemberships("alice"), asked)
        self.assertEqual("unavailable", client.last(base_pb2.Close).name)

    def test_who_left_while_the_groups_were_read_is_in_none(self) -> None:
        self.bridge.memberships["alice"] = ((GROUP, 3),)
        self.bridge.is_deaf_to_groups = True
        client = self.world.connect()
        client.send(online(), 1)
        client.connection.connection_lost("gone")
        self.bridge.take(Memberships("alice", ((GROUP, 3),)))
        self.assertEqual([], self.groups.audiences)
