"""Friends over the wire: two clients, a node and its tables."""

from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from im.client.errors import ServerError
from im.core.relations import ACCEPTED, PENDING, Contact
from im.testing.fronts import FrontClient
from im.testing.world import World

T = TypeVar("T")
DIRECT = "d~alice~bob"


class RelationTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World(1, client_type=FrontClient)
        self.alice, self.bob = self.client("alice"), self.client("bob")
        self.world.run_until(lambda: self.alice.is_online and self.bob.is_online)

    def client(self, user: str, device: str = "phone") -> FrontClient:
        client = self.world.client(user, device)
        assert isinstance(client, FrontClient)
        return client

    def get(self, waiting: "Deferred[T]") -> T:
        found: list[Any] = []
        waiting.addBoth(found.append)
        self.assertTrue(self.world.run_until(lambda: bool(found)))
        result: T = found[0]
        return result

    def contact(self, client: FrontClient) -> Contact:
        heads = self.get(client.client.heads())
        return next(head.contact for head in heads if head.conversation == DIRECT)

    def test_a_request_and_its_acceptance_reach_both_sides(self) -> None:
        asked = self.get(self.alice.client.ask_friend("bob", "it's me"))
        assert asked.request is not None
        self.assertEqual((asked.relation, asked.request.state), ("", PENDING))
        page = self.get(self.bob.client.friend_requests())
        self.assertEqual([(each.requester, each.text) for each in page.requests], [("alice", "it's me")])
        self.assertEqual(page.unseen, 1)
        self.get(self.bob.client.see_requests())
        self.assertEqual(self.get(self.bob.client.friend_requests()).unseen, 0)
        accepted = self.get(self.bob.client.accept_friend("alice"))
        assert accepted.request is not None
        self.assertEqual((accepted.relation, accepted.request.state), ("friend", ACCEPTED))
        self.world.run(2)
        self.assertEqual(self.get(self.alice.client.relation("bob")).relation, "friend")
        self.assertEqual(self.contact(self.alice).relation, "friend")
        history = self.get(self.alice.client.history(DIRECT)).messages
        self.assertEqual([each.content for each in history], [b"requested", b"accepted"])

    def test_who_was_away_learns_at_the_next_login(self) -> None:
        carol = self.client("carol")
        self.world.run_until(lambda: carol.is_online)
        self.get(self.alice.client.ask_friend("carol"))
        self.world.restart_node()
        self.world.run_until(lambda: self.alice.is_online and carol.is_online)
        heads = self.get(carol.client.heads())
        last = next(head.last for head in heads if head.conversation == "d~alice~carol")
        assert last is not None
        self.assertEqual((last.kind, last.content), (110, b"requested"))

    def test_a_block_is_told_to_one_s_other_devices_and_to_nobody_else(self) -> None:
        tablet = self.client("bob", "tablet")
        self.world.run_until(lambda: tablet.is_online)
        blocked = self.get(self.bob.client.block("alice"))
        self.assertTrue(blocked.is_blocking)
        self.world.run(3)
        self.assertTrue(self.contact(tablet).is_blocking)
        self.assertEqual(self.get(self.alice.client.heads()), [])
        self.assertFalse(self.get(self.alice.client.relation("bob")).is_blocking)

    def test_what_is_kept_of_a_conversation_comes_to_the_other_devices(self) -> None:
        self.get(self.alice.client.ask_friend("bob"))
        kept = self.get(self.alice.client.set_contact(DIRECT, remark="Bobby", pinned=True))
        self.assertEqual((kept.remark, kept.pinned), ("Bobby", True))
        tablet = self.client("alice", "tablet")
        self.world.run_until(lambda: tablet.is_online)
        self.assertEqual(self.contact(tablet).remark, "Bobby")

    def refusal(self, waiting: "Deferred[Any]") -> str:
        failed: list[Any] = []
        waiting.addErrback(failed.append)
        self.assertTrue(self.world.run_until(lambda: bool(failed)))
        assert isinstance(failed[0].value, ServerError)
        return failed[0].value.label

    def test_what_cannot_be_is_refused(self) -> None:
        alice = self.alice.client
        self.assertEqual(self.refusal(alice.ask_friend("alice")), "invalid_argument")
        self.assertEqual(self.refusal(alice.ask_friend("bob", "x" * 201)), "invalid_argument")
        self.assertEqual(self.refusal(alice.accept_friend("bob")), "not_found")
        self.assertEqual(self.refusal(alice.set_contact("d~bob~carol", pinned=True)), "not_found")
