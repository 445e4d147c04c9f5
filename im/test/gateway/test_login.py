"""Logins: their order, their refusals, who is displaced."""

from twisted.internet.defer import Deferred, fail
from twisted.logger import formatEvent
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from im.adapters.memory.registry import MemoryRegistry
from im.core.commands import LoggedIn, Login
from im.core.errors import Code, Refused
from im.core.limits import Limits
from im.core.messages import Sync, SyncCursor, SyncPage
from im.core.sessions import ClassPolicy, State
from im.ports import Eviction, ISessionRegistry, NodeBatch, Session, UnavailableError
from im.proto import base_pb2, chat_pb2, session_pb2, sync_pb2
from im.test.gateway.world import START_MS, Client, World, close_of, delivery, logged, online

PAGE = SyncPage(SyncCursor("e1", 5), [], "")


@implementer(ISessionRegistry)
class ScriptedRegistry(MemoryRegistry):
    """Registers when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[Deferred[list[Session]]] = []

    def register(self, session: Session) -> Deferred[list[Session]]:
        super().register(session)
        self.answers.append(Deferred())
        return self.answers[-1]


class LoginTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World()
        self.bridge = self.world.bridge

    def refusal(self, **fields: object) -> base_pb2.Close:
        client = self.world.connect()
        client.send(online(**fields), 9)
        return close_of(client)

    def test_the_answer_names_session_node_limits_interval_and_what_changed(self) -> None:
        client = self.world.connect()
        client.send(online(), 7)
        ((request_id, result),) = client.received()
        assert isinstance(result, session_pb2.OnlineResult)
        self.assertEqual(request_id, 7)
        self.assertEqual((result.version, result.node, result.user), (1, "n1", "alice"))
        self.assertEqual(result.session, client.session_id)
        self.assertEqual((result.heartbeat_ms, result.server_time_ms), (30_000, START_MS))
        self.assertEqual(result.limits.frame_bytes, 65_536)
        self.assertEqual((result.sync.cursor.epoch, result.sync.cursor.position), ("e1", 5))

    def test_store_then_pool_then_registry_then_sync(self) -> None:
        self.bridge.is_manual = True
        registry = ScriptedRegistry()
        world = World(registry=registry)
        world.bridge.is_manual = True
        client = world.connect()
        client.send(online(attempt=4), 1)
        self.assertEqual(len(world.node.pool), 0)
        self.assertEqual(world.bridge.take(LoggedIn("alice", "a1", 4)), Login("alice", "a1", "phone", 4))
        self.assertEqual(len(world.node.pool), 1)
        session = client.connection.session
        assert session is not None
        self.assertEqual((session.fence, session.generation), (4, "g1"))
        self.assertEqual(world.bridge.requests, [])
        registry.answers[0].callback([session])
        self.assertEqual(world.bridge.take(PAGE), Sync("alice", None, "", "a1"))
        client.only(session_pb2.OnlineResult)

    def test_the_cursor_of_the_client_is_handed_on(self) -> None:
        self.bridge.is_manual = True
        client = self.world.connect()
        client.send(online(cursor=sync_pb2.SyncCursor(epoch="e1", position=3)), 1)
        self.bridge.take(LoggedIn("alice", "a1", 1))
        self.assertEqual(self.bridge.take(PAGE), Sync("alice", SyncCursor("e1", 3), "", "a1"))

    def test_when_the_token_was_signed_goes_with_the_login_and_its_sync(self) -> None:
        self.bridge.is_manual = True
        client = self.world.connect()
        client.send(online(token="alice:0:1234.567"), 1)
        login = Login("alice", "a1", "phone", 1, 1_234_567)
        self.assertEqual(self.bridge.take(LoggedIn("alice", "a1", 1)), login)
        disabled = Refused(Code.DISABLED, "this user is disabled")
        self.assertEqual(self.bridge.take(disabled), Sync("alice", None, "", "a1", 1_234_567))
        close = close_of(client)
        self.assertEqual((close.code, close.reconnect), (Code.DISABLED, False))
        self.assertEqual(len(self.world.node.pool), 0)

    def test_a_delivery_during_the_login_comes_behind_the_answer(self) -> None:
        self.bridge.is_manual = True
        client = self.world.connect()
        client.send(online(), 1)
        self.bridge.take(LoggedIn("alice", "a1", 1))
        self.world.deliver(delivery(1), delivery(2))
        self.assertEqual(client.received(), [])
        self.bridge.take(PAGE)
        result, first, second = client.bodies()
        self.assertIsInstance(result, session_pb2.OnlineResult)
        assert isinstance(first, chat_pb2.Deliver) and isinstance(second, chat_pb2.Deliver)
        self.assertEqual((first.entry.seq, second.entry.seq), (1, 2))

    def test_too_many_deliveries_during_the_login_become_one_resync(self) -> None:
        world = World(Limits(window_deliveries=2))
        world.bridge.is_manual = True
        client = world.connect()
        client.send(online(), 1)
        world.bridge.take(LoggedIn("alice", "a1", 1))
        world.deliver(*(delivery(seq) for seq in range(1, 4)))
        world.bridge.take(PAGE)
        result, resync = client.bodies()
        self.assertIsInstance(result, session_pb2.OnlineResult)
        assert isinstance(resync, sync_pb2.Resync)
        self.assertEqual(list(resync.conversations), ["d~alice~bob"])

    def test_reading_stops_during_the_login_and_early_frames_are_refused(self) -> None:
        self.bridge.is_manual = True
        client = self.world.connect()
        client.send(online(), 1)
        self.assertTrue(client.transport.is_paused)
        client.send(session_pb2.Heartbeat(), 2)
        self.assertEqual(client.only(base_pb2.Error).name, "not_logged_in")
        self.bridge.take(LoggedIn("alice", "a1", 1))
        self.bridge.take(PAGE)
        self.assertFalse(client.transport.is_paused)

    def test_a_bad_token_is_answered_late(self) -> None:
        for token, name in (("bad", "unauthenticated"), ("old", "expired")):
            client = self.world.connect()
            client.send(online(token=token), 1)
            self.world.pass_seconds(0.9)
            self.assertEqual(client.received(), [])
            self.world.pass_seconds(0.4)
            close = close_of(client)
            self.assertEqual((close.name, close.reconnect), (name, False))

    def test_a_token_of_a_malformed_user_is_refused(self) -> None:
        self.assertEqual(self.refusal(token="a b").name, "unauthenticated")

    def test_an_authenticator_that_hangs_means_come_back(self) -> None:
        client = self.world.connect()
        client.send(online(token="hang"), 1)
        self.world.pass_seconds(5.2)
        close = close_of(client)
        self.assertEqual((close.name, close.reconnect), ("unavailable", True))

    def test_wrong_fields_are_refused_before_anybody_is_asked(self) -> None:
        cases: list[tuple[dict[str, object], str]] = [
            ({"device_id": ""}, "invalid_argument"),
            ({"device_id": "x~y"}, "invalid_argument"),
            ({"device_class": "toaster"}, "invalid_argument"),
            ({"attempt": 0}, "invalid_argument"),
            ({"attempt": 2**63}, "invalid_argument"),
            ({"app_state": 7}, "invalid_argument"),
            ({"cursor": sync_pb2.SyncCursor(epoch="e" * 400)}, "invalid_argument"),
            ({"min_version": 2, "max_version": 3}, "unsupported_version"),
            ({"min_version": 0, "max_version": 0}, "unsupported_version"),
        ]
        self.bridge.is_manual = True
        for fields, name in cases:
            self.assertEqual(self.refusal(**fields).name, name, fields)
        self.assertEqual(self.bridge.requests, [])

    def test_a_stale_attempt_learns_the_last_one(self) -> None:
        self.bridge.is_manual = True
        client = self.world.connect()
        client.send(online(), 6)
        self.bridge.take(Refused(Code.STALE_ATTEMPT, "old", "", 0, 41))
        (error_id, error), (close_id, close) = client.received()
        assert isinstance(error, base_pb2.Error) and isinstance(close, base_pb2.Close)
        self.assertEqual((error_id, error.name, error.last_attempt), (6, "stale_attempt", 41))
        self.assertEqual((close_id, close.name, close.reconnect), (6, "stale_attempt", True))

    def test_a_larger_fence_in_the_registry_wins(self) -> None:
        newer = Session("s9", "alice", "a1", "phone", "n2", "g2", 50)
        self.successResultOf(self.world.registry.register(newer))
        client = self.world.connect()
        client.send(online(attempt=4), 1)
        error, close = client.bodies()
        assert isinstance(error, base_pb2.Error) and isinstance(close, base_pb2.Close)
        self.assertEqual((error.last_attempt, close.name), (50, "stale_attempt"))
        self.assertEqual(len(self.world.node.pool), 0)
        self.assertEqual(self.successResultOf(self.world.registry.sessions("alice")), [newer])

    def test_a_registry_that_fails_or_hangs_means_come_back_and_leaves_nothing(self) -> None:
        for failure in (True, False):
            registry = ScriptedRegistry()
            world = World(registry=registry)
            client = world.connect()
            client.send(online(), 1)
            if failure:
                registry.answers[0].errback(UnavailableError("down"))
            else:
                world.pass_seconds(5.2)
            self.assertEqual(close_of(client).name, "unavailable")
            self.assertEqual(len(world.node.pool), 0)
            self.assertEqual(self.successResultOf(registry.sessions("alice")), [])

    def test_a_store_that_refuses_or_is_silent_ends_the_login(self) -> None:
        self.bridge.is_manual = True
        client = self.world.connect()
        client.send(online(), 1)
        self.bridge.take(LoggedIn("alice", "a1", 1))
        self.bridge.take(Refused(Code.UNAVAILABLE, "down"))
        self.assertEqual(close_of(client).name, "unavailable")
        silent = self.world.connect()
        silent.send(online(), 1)
        self.world.pass_seconds(6.7)
        self.assertEqual(close_of(silent).name, "unavailable")

    def test_a_result_of_the_wrong_kind_is_logged_and_answered_internal(self) -> None:
        self.bridge.is_manual = True
        client = self.world.connect()
        client.send(online(), 1)
        self.bridge.take(PAGE)
        self.assertEqual(close_of(client).name, "internal")
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)

    def test_a_connection_lost_at_any_step_leaves_no_session(self) -> None:
        for answered in range(3):
            world = World()
            world.bridge.is_manual = True
            client = world.connect()
            client.send(online(token="hang" if answered == 0 else "alice"), 1)
            if answered == 2:
                world.bridge.take(LoggedIn("alice", "a1", 1))
            client.connection.connection_lost("gone")
            if answered:
                world.bridge.take(LoggedIn("alice", "a1", 1) if answered == 1 else PAGE)
            world.pass_seconds(6)
            self.assertEqual(client.received(), [])
            self.assertEqual((len(world.node.pool), world.node.connections), (0, 0))
            self.assertEqual(self.successResultOf(world.registry.sessions(None)), [])

    def test_a_connection_lost_while_it_is_registered_displaces_nobody(self) -> None:
        registry = ScriptedRegistry()
        world = World(registry=registry)
        batches: list[NodeBatch] = []
        world.bus.attach("n2", batches.append)
        client = world.connect()
        client.send(online(attempt=2), 1)
        session = client.connection.session
        assert session is not None
        client.connection.connection_lost("gone")
        registry.answers[0].callback([session, Session("s1", "alice", "a1", "phone", "n2", "g2", 1)])
        self.assertEqual(batches, [])

    def test_one_line_is_logged_at_the_end_of_a_session(self) -> None:
        events = logged(self)
        client = self.world.log_in()
        self.world.pass_seconds(2)
        client.send(session_pb2.Logout(), 3)
        (line,) = [event for event in events if event.get("reason") == "logged_out"]
        shown = {name: line[name] for name in ("user", "device", "device_class", "node", "address")}
        self.assertEqual(
            shown,
            {
                "user": "alice",
                "device": "a1",
                "device_class": "phone",
                "node": "n1",
                "address": "192.0.2.1",
            },
        )
        self.assertEqual((line["frames_in"], line["frames_out"]), (2, 2))
        self.assertAlmostEqual(line["seconds"], 2.0)

    def test_the_token_stands_in_no_log_line(self) -> None:
        events = logged(self)
        client = self.world.connect()
        client.send(online(token="bad-and-secret"), 1)
        self.world.pass_seconds(1.2)
        (line,) = [event for event in events if event.get("code") == "unauthenticated"]
        self.assertNotIn("secret", repr(line) + formatEvent(line))


class DisplacementTests(SynchronousTestCase):
    def test_the_same_device_replaces_itself(self) -> None:
        world = World()
        old = world.log_in(attempt=1)
        new = world.log_in(attempt=2)
        close = close_of(old)
        self.assertEqual((close.name, close.reconnect), ("displaced", False))
        self.assertIs(new.connection.state, State.ONLINE)
        self.assertEqual(len(world.node.pool), 1)
        (left,) = self.successResultOf(world.registry.sessions("alice"))
        self.assertEqual(left.id, new.session_id)

    def test_another_device_of_the_class_goes_only_by_policy(self) -> None:
        for policy, is_open in ((ClassPolicy.COEXIST, True), (ClassPolicy.REPLACE, False)):
            world = World(policy=policy)
            first = world.log_in(device_id="a1")
            world.log_in(device_id="a2", attempt=5)
            self.assertIs(first.connection.state is State.ONLINE, is_open)

    def test_the_oldest_goes_at_the_limit_of_a_user(self) -> None:
        world = World(Limits(sessions_per_user=2))
        clients = [world.log_in(device_id=f"a{n}", attempt=n) for n in (1, 2, 3)]
        states = [client.connection.state for client in clients]
        self.assertEqual(states, [State.CLOSING, State.ONLINE, State.ONLINE])

    def test_a_session_on_another_node_is_evicted_there_and_unregistered(self) -> None:
        world = World()
        batches: list[NodeBatch] = []
        world.bus.attach("n2", batches.append)
        old = Session("s1", "alice", "a1", "phone", "n2", "g2", 1)
        self.successResultOf(world.registry.register(old))
        world.log_in(attempt=2)
        (eviction,) = batches[0].evictions
        self.assertEqual((eviction.session, eviction.code), ("s1", Code.DISPLACED))
        self.assertNotIn(old, self.successResultOf(world.registry.sessions("alice")))

    def test_an_eviction_ends_exactly_its_session(self) -> None:
        world = World()
        first, second = world.log_in(device_id="a1"), world.log_in(device_id="a2")
        evictions = [Eviction(first.session_id, Code.KICKED, "go"), Eviction("unknown", Code.KICKED, "go")]
        world.bus.publish("n1", NodeBatch(evictions=evictions))
        self.assertEqual(close_of(first).name, "kicked")
        self.assertIs(second.connection.state, State.ONLINE)

    def test_a_registry_that_cannot_unregister_costs_a_log_line(self) -> None:
        @implementer(ISessionRegistry)
        class Failing(MemoryRegistry):
            def unregister(self, session: Session) -> Deferred[None]:
                return fail(UnavailableError("down"))

        events = logged(self)
        client: Client = World(registry=Failing()).log_in()
        client.send(session_pb2.Logout())
        self.assertEqual([event["error"] for event in events if "error" in event], ["down"])
