"""Who watches whom on a node: what is told, when, and what is kept."""

from twisted.internet.defer import Deferred, fail, succeed
from twisted.trial.unittest import SynchronousTestCase

from im.adapters.memory.watchers import MemoryWatchers
from im.core.errors import Code, Refused
from im.core.limits import Limits
from im.core.presence import FindPresence, OnlineDevice, Presence, PresenceFound, Visibility
from im.gateway.settings import PresenceSettings
from im.gateway.watching import AUDIT_SECONDS, RETRY_SECONDS
from im.ports import NodeBatch, UnavailableError
from im.proto import base_pb2, presence_pb2, session_pb2
from im.test.gateway.world import Client, World, online

PHONE, WEB = OnlineDevice("phone", True), OnlineDevice("web", False)
GRACE = 5.0
AWAY = Presence("bob", (), 4_000)
LIMITS = Limits(watched_users=3)


class WatchingCase(SynchronousTestCase):
    visibility = Visibility.EVERYONE

    def setUp(self) -> None:
        self.watchers = MemoryWatchers()
        self.world = World(LIMITS, presence=PresenceSettings(self.watchers, self.visibility))
        self.alice = self.world.log_in()
        self.truth: dict[str, Presence] = {}
        self.asked: list[FindPresence] = []
        self.hidden: set[str] = set()

    def is_online(self, *devices: OnlineDevice, user: str = "bob") -> None:
        """From now on the store says so; the node is told that something changed."""
        self.truth[user] = Presence(user, devices)
        self.hint(user)

    def is_away(self) -> None:
        self.truth["bob"] = AWAY
        self.hint("bob")

    def hint(self, *users: str) -> None:
        self.world.bus.publish("n1", NodeBatch(presence=users))

    def answer(self) -> None:
        """Answer every question with what is so now."""
        while self.world.bridge.requests:
            request = self.world.bridge.requests.pop(0)
            assert isinstance(request.command, FindPresence)
            self.asked.append(request.command)
            users = [user for user in request.command.users if user not in self.hidden]
            found = tuple(self.truth.get(user, Presence(user)) for user in users)
            self.world.bridge.answer(request, PresenceFound(found))

    def passes(self, seconds: float) -> None:
        self.world.pass_seconds(seconds, self.answer)

    def watch(self, *users: str, client: Client | None = None) -> presence_pb2.Watched:
        who = client or self.alice
        who.send(presence_pb2.Watch(users=users), 7)
        self.answer()
        return who.last(presence_pb2.Watched)

    def refusal(self, body: presence_pb2.Watch | presence_pb2.Unwatch) -> base_pb2.Error:
        self.alice.send(body, 7)
        self.answer()
        return self.alice.last(base_pb2.Error)

    def told(self, client: Client | None = None) -> list[tuple[list[str], int]]:
        """Of each PRESENCE that came: the classes, and when last seen."""
        bodies = [each for each in (client or self.alice).bodies() if isinstance(each, presence_pb2.Presence)]
        return [([device.device_class for device in each.devices], each.last_seen_ms) for each in bodies]


class TellingTests(WatchingCase):
    def test_who_watches_is_told_the_present_state(self) -> None:
        self.truth["bob"] = Presence("bob", (PHONE, WEB))
        watched = self.watch("bob", "eve")
        self.assertEqual([each.user for each in watched.users], ["bob", "eve"])
        states = [(each.device_class, each.app_state) for each in watched.users[0].devices]
        expected = [("phone", session_pb2.FOREGROUND), ("web", session_pb2.BACKGROUND)]
        self.assertEqual((states, watched.refused), (expected, []))

    def test_who_comes_online_is_told_within_half_a_second(self) -> None:
        self.watch("bob")
        self.is_online(PHONE)
        self.passes(0.5)
        self.assertEqual(self.told(), [(["phone"], 0)])

    def test_a_reconnect_within_the_grace_is_not_told(self) -> None:
        self.is_online(PHONE)
        self.watch("bob")
        self.is_away()
        self.passes(GRACE - 1)
        self.is_online(PHONE)
        self.passes(3 * GRACE)
        self.assertEqual(self.told(), [])

    def test_who_stays_away_is_told_after_the_grace_with_the_moment_last_heard(self) -> None:
        self.is_online(PHONE)
        self.watch("bob")
        self.is_away()
        self.passes(GRACE)
        self.assertEqual(self.told(), [])
        self.passes(1.0)
        self.assertEqual(self.told(), [([], 4_000)])

    def test_changes_soon_after_each_other_are_one(self) -> None:
        self.watch("bob", "carol")
        self.asked.clear()
        self.is_online(PHONE)
        self.is_online(WEB, user="carol")
        self.is_online(PHONE, WEB)
        self.passes(1.0)
        self.assertEqual(self.told(), [(["phone", "web"], 0), (["web"], 0)])
        self.assertEqual(self.asked, [FindPresence(("bob", "carol"))])

    def test_all_who_watch_are_told_the_same_bytes(self) -> None:
        eve = self.world.log_in(token="eve", device_id="e1")
        self.watch("bob")
        self.watch("bob", client=eve)
        self.is_online(PHONE)
        self.passes(0.5)
        self.assertEqual(self.alice.transport.frames[-1:], eve.transport.frames[-1:])
        self.assertIs(self.alice.transport.frames[-1], eve.transport.frames[-1])

    def test_one_who_watches_later_is_shown_what_the_others_are(self) -> None:
        self.is_online(PHONE)
        self.watch("bob")
        self.is_away()
        self.passes(1.0)
        eve = self.world.log_in(token="eve", device_id="e1")
        watched = self.watch("bob", client=eve)
        self.assertEqual([each.device_class for each in watched.users[0].devices], ["phone"])

    def test_whom_nobody_watches_costs_no_question(self) -> None:
        self.watch("bob")
        self.asked.clear()
        self.hint("carol", "dave")
        self.passes(1.0)
        self.assertEqual(self.asked, [])

    def test_a_hint_that_was_lost_is_made_up_for(self) -> None:
        self.watch("bob")
        self.truth["bob"] = Presence("bob", (PHONE,))
        for _ in range(3):
            self.alice.send(session_pb2.Heartbeat())
            self.passes(AUDIT_SECONDS / 3 + 1.0)
        self.assertEqual(self.told(), [(["phone"], 0)])

    def test_a_question_that_fails_is_asked_again(self) -> None:
        self.watch("bob")
        self.is_online(PHONE)
        self.world.pass_seconds(0.5)
        self.world.bridge.take(Refused(Code.UNAVAILABLE, "down"))
        self.assertEqual(self.told(), [])
        self.passes(RETRY_SECONDS + 0.5)
        self.assertEqual(self.told(), [(["phone"], 0)])

    def test_an_answer_that_was_overtaken_is_not_believed(self) -> None:
        self.watch("bob")
        self.is_online(PHONE)
        eve = self.world.log_in(token="eve", device_id="e1")
        eve.send(presence_pb2.Watch(users=["bob"]), 7)
        self.world.pass_seconds(0.5)
        early, late = self.world.bridge.requests
        self.world.bridge.answer(late, PresenceFound((Presence("bob", (PHONE,)),)))
        self.world.bridge.answer(early, PresenceFound((AWAY,)))
        self.assertEqual(self.told(), [(["phone"], 0)])
        shown = eve.last(presence_pb2.Watched).users[0]
        self.assertEqual([each.device_class for each in shown.devices], ["phone"])


class KeepingTests(WatchingCase):
    def kept(self) -> tuple[int, int]:
        """Users that the node keeps, and that it is known to watch."""
        return len(self.world.node.watching), len(self.watchers)

    def test_of_a_session_that_ended_nothing_is_kept(self) -> None:
        self.is_online(PHONE)
        self.watch("bob", "carol")
        self.is_away()
        self.passes(1.0)
        self.assertEqual(self.kept(), (2, 2))
        self.alice.connection.connection_lost("test")
        self.assertEqual(self.kept(), (0, 0))
        self.asked.clear()
        self.passes(2 * AUDIT_SECONDS)
        self.assertEqual(self.asked, [])

    def test_who_is_watched_by_another_is_kept(self) -> None:
        eve = self.world.log_in(token="eve", device_id="e1")
        self.watch("bob", client=eve)
        self.watch("bob")
        self.alice.connection.connection_lost("test")
        self.is_online(PHONE)
        self.passes(0.5)
        self.assertEqual((self.told(eve), self.kept()), ([(["phone"], 0)], (1, 1)))

    def test_after_an_unwatch_nothing_more_is_told_nor_kept(self) -> None:
        self.watch("bob", "carol")
        self.alice.send(presence_pb2.Unwatch(users=["bob", "dave"]), 8)
        self.alice.only(base_pb2.Ok)
        self.is_online(PHONE)
        self.passes(0.5)
        self.assertEqual((self.told(), self.kept()), ([], (1, 1)))
        self.alice.send(presence_pb2.Unwatch(), 9)
        self.alice.only(base_pb2.Ok)
        self.alice.send(presence_pb2.Unwatch(), 9)
        self.alice.only(base_pb2.Ok)
        self.assertEqual(self.kept(), (0, 0))

    def test_a_session_that_ends_while_it_is_answered_leaves_nothing(self) -> None:
        self.alice.send(presence_pb2.Watch(users=["bob"]), 7)
        self.alice.connection.connection_lost("test")
        self.answer()
        self.assertEqual(self.kept(), (0, 0))

    def test_an_unwatch_that_overtakes_the_answer_holds(self) -> None:
        self.alice.send(presence_pb2.Watch(users=["bob"]), 7)
        self.alice.send(presence_pb2.Unwatch(users=["bob"]), 8)
        self.answer()
        self.assertEqual(self.kept(), (0, 0))

    def test_a_store_that_fails_leaves_all_as_it_was(self) -> None:
        self.watch("bob")
        self.alice.send(presence_pb2.Watch(users=["bob", "carol"]), 7)
        self.world.bridge.take(Refused(Code.UNAVAILABLE, "down"))
        self.assertEqual(self.alice.last(base_pb2.Error).name, "unavailable")
        self.assertEqual(self.kept(), (1, 1))
        self.is_online(PHONE)
        self.passes(0.5)
        self.assertEqual(self.told(), [(["phone"], 0)])

    def test_a_registry_that_fails_or_hangs_is_told(self) -> None:
        answers: list[Deferred[None]] = [fail(UnavailableError("gone")), Deferred()]
        self.patch(self.watchers, "join", lambda node, users: answers.pop(0))
        for _ in range(2):
            self.alice.send(presence_pb2.Watch(users=["bob"]), 7)
            self.world.pass_seconds(LIMITS.request_seconds + 1)
            self.assertEqual(self.alice.last(base_pb2.Error).name, "unavailable")
        self.assertEqual(len(self.world.node.watching), 0)

    def test_one_that_fails_takes_nothing_from_another_of_the_same_session(self) -> None:
        answers: list[Deferred[None]] = [Deferred(), succeed(None)]
        first = answers[0]
        self.patch(self.watchers, "join", lambda node, users: answers.pop(0))
        self.alice.send(presence_pb2.Watch(users=["bob"]), 7)
        self.alice.send(presence_pb2.Watch(users=["bob", "carol"]), 8)
        first.errback(UnavailableError("gone"))
        self.answer()
        self.assertEqual(len(self.alice.last(presence_pb2.Watched).users), 2)
        self.is_online(PHONE)
        self.passes(0.5)
        self.assertEqual(self.told(), [(["phone"], 0)])
        self.alice.send(presence_pb2.Unwatch(), 9)
        self.assertEqual(len(self.world.node.watching), 0)


class BadInputTests(WatchingCase):
    def test_more_than_the_limit_is_refused_and_the_others_stay(self) -> None:
        self.watch("bob", "carol")
        error = self.refusal(presence_pb2.Watch(users=["bob", "dave", "eve"]))
        self.assertEqual((error.name, error.field), ("limit_exceeded", "users"))
        self.watch("bob", "carol", "dave", "dave")
        self.assertEqual(len(self.watchers), 3)

    def test_the_limit_counts_what_is_not_answered_yet(self) -> None:
        self.alice.send(presence_pb2.Watch(users=["a", "b", "c"]), 7)
        self.alice.send(presence_pb2.Watch(users=["d"]), 8)
        self.assertEqual(self.alice.only(base_pb2.Error).name, "limit_exceeded")
        self.answer()
        self.assertEqual(len(self.watchers), 3)

    def test_bad_ids_and_bad_numbers_of_them_are_refused(self) -> None:
        for body in (
            presence_pb2.Watch(),
            presence_pb2.Watch(users=["bob", "a b"]),
            presence_pb2.Watch(users=["u"] * 101),
            presence_pb2.Unwatch(users=[""]),
        ):
            error = self.refusal(body)
            self.assertEqual((error.name, error.field), ("invalid_argument", "users"))

    def test_too_many_at_once_are_refused(self) -> None:
        for _ in range(LIMITS.sends_in_flight):
            self.alice.send(presence_pb2.Watch(users=["bob"]), 7)
        self.alice.send(presence_pb2.Watch(users=["bob"]), 8)
        self.assertEqual(self.alice.only(base_pb2.Error).name, "rate_limited")

    def test_too_many_at_once_are_refused_while_the_registry_is_slow(self) -> None:
        self.patch(self.watchers, "join", lambda node, users: Deferred())
        for _ in range(LIMITS.sends_in_flight):
            self.alice.send(presence_pb2.Watch(users=["bob"]), 7)
        self.alice.send(presence_pb2.Watch(users=["bob"]), 8)
        self.assertEqual(self.alice.only(base_pb2.Error).name, "rate_limited")
        self.world.pass_seconds(LIMITS.request_seconds + 1)
        self.assertEqual(self.alice.connection.in_flight, 0)


class ContactsTests(WatchingCase):
    visibility = Visibility.CONTACTS

    def test_the_store_says_whom_one_may_watch(self) -> None:
        self.hidden = {"eve"}
        watched = self.watch("bob", "eve")
        self.assertEqual(([each.user for each in watched.users], watched.refused), (["bob"], ["eve"]))
        self.assertEqual(self.asked, [FindPresence(("bob", "eve"), "alice")])

    def test_whom_one_may_not_watch_is_not_watched(self) -> None:
        self.hidden = {"eve"}
        self.watch("bob", "eve")
        self.is_online(PHONE, user="eve")
        self.passes(0.5)
        self.assertEqual((self.told(), len(self.watchers)), ([], 1))
        self.watch("carol", "dave")  # eve took no place

    def test_what_others_see_of_a_user_is_not_shown_to_one_who_may_not(self) -> None:
        eve = self.world.log_in(token="eve", device_id="e1")
        self.watch("bob", client=eve)
        self.hidden = {"bob"}
        self.assertEqual(self.watch("bob").refused, ["bob"])
        self.hidden = set()
        self.is_online(PHONE)
        self.passes(0.5)
        self.assertEqual((self.told(), self.told(eve)), ([], [(["phone"], 0)]))


class NobodyTests(WatchingCase):
    visibility = Visibility.NOBODY

    def test_one_may_watch_oneself_alone(self) -> None:
        watched = self.watch("alice", "bob")
        self.assertEqual(([each.user for each in watched.users], watched.refused), (["alice"], ["bob"]))
        self.assertEqual(self.refusal(presence_pb2.Watch(users=["bob"])).name, "permission_denied")


class WithoutTests(SynchronousTestCase):
    def test_a_node_without_presence_refuses(self) -> None:
        client = World().log_in()
        client.send(presence_pb2.Watch(users=["alice"]), 7)
        self.assertEqual(client.only(base_pb2.Error).name, "permission_denied")

    def test_before_the_login_nobody_watches(self) -> None:
        client = World().connect()
        client.send(presence_pb2.Watch(users=["bob"]), 7)
        self.assertEqual(client.last(base_pb2.Close).name, "not_logged_in")

    def test_a_slow_reader_is_told_nothing(self) -> None:
        watchers = MemoryWatchers()
        world = World(presence=PresenceSettings(watchers, Visibility.EVERYONE))
        client = world.connect()
        client.send(online(), 1)
        client.bodies()
        client.send(presence_pb2.Watch(users=["bob"]), 7)
        world.bridge.take(PresenceFound((AWAY,)))
        client.bodies()
        client.connection.write_paused()
        world.bus.publish("n1", NodeBatch(presence=["bob"]))
        world.pass_seconds(0.5)
        world.bridge.take(PresenceFound((Presence("bob", (PHONE,)),)))
        self.assertEqual(client.bodies(), [])
