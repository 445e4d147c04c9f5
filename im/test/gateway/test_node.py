"""A node as a whole: its limits, its drain, its end."""

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from im.core.commands import LoggedIn
from im.core.errors import Code, Refused
from im.core.limits import Limits
from im.core.messages import MoveDelivered, Sent
from im.core.sessions import State
from im.proto import base_pb2, chat_pb2, session_pb2
from im.test.gateway.world import DIRECT, Client, FakeTransport, World, close_of, delivery, online


def chat(number: int = 1) -> chat_pb2.Chat:
    return chat_pb2.Chat(conversation=DIRECT, client_msg_id=b"%016d" % number, kind=1, content=b"x")


class ConnectionLimitTests(SynchronousTestCase):
    def assert_refused(self, world: World, address: str) -> base_pb2.Close:
        transport = FakeTransport()
        self.assertIsNone(world.node.build_connection(transport, address))
        self.assertTrue(transport.is_closing)
        (frame,) = transport.frames
        return base_pb2.Close.FromString(base_pb2.BaseMessage.FromString(frame).body)

    def test_too_many_of_one_address_are_told_to_come_back_later(self) -> None:
        world = World(Limits(connections_per_address=1))
        first = world.connect("192.0.2.1")
        close = self.assert_refused(world, "192.0.2.1")
        self.assertEqual((close.name, close.reconnect), ("rate_limited", True))
        self.assertTrue(1_000 <= close.retry_after_ms <= 5_000)
        world.connect("192.0.2.2")
        first.connection.connection_lost("gone")
        world.connect("192.0.2.1")

    def test_a_full_node_takes_no_more(self) -> None:
        world = World(Limits(connections=1))
        world.connect("192.0.2.1")
        self.assertEqual(self.assert_refused(world, "192.0.2.2").name, "rate_limited")
        self.assertEqual(world.node.connections, 1)

    def test_a_refused_connection_leaves_nothing_behind(self) -> None:
        world = World(Limits(connections=1))
        world.connect()
        self.assert_refused(world, "192.0.2.2")
        world.pass_seconds(9)
        self.assertEqual(world.node.counters.connections, 1)


class DrainTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World()

    def end_closed(self, *clients: Client) -> None:
        """Let transports that were closed, or aborted, end."""
        for client in clients:
            transport, connection = client.transport, client.connection
            if (transport.is_closing or transport.is_aborted) and connection.state is not State.CLOSED:
                connection.connection_lost("closed")

    def drained(self, done: "Deferred[None]", *clients: Client) -> float:
        """How long the drain took."""
        started = self.world.clock.seconds()
        while not done.called:
            self.world.pass_seconds(0.1, lambda: self.end_closed(*clients))
            self.assertLess(self.world.clock.seconds() - started, 9)
        self.successResultOf(done)
        return self.world.clock.seconds() - started

    def test_every_session_is_told_to_move_with_jitter(self) -> None:
        clients = [self.world.log_in(device_id=f"a{n}", attempt=n) for n in range(1, 9)]
        done = self.world.node.drain()
        self.assertLess(self.drained(done, *clients), 1.0)
        closes = [close_of(client) for client in clients]
        self.assertEqual({(close.name, close.reconnect) for close in closes}, {("draining", True)})
        self.assertGreater(len({close.retry_after_ms for close in closes}), 4)
        self.assertEqual(self.successResultOf(self.world.registry.sessions(None)), [])

    def test_a_node_that_goes_down_says_where_to_go(self) -> None:
        world = World(alternate=lambda session: f"tcp:of-{session.user}:1")
        alice, nobody = world.log_in(), world.connect()
        world.node.drain()
        world.pass_seconds(1.0)
        self.assertEqual(close_of(alice).alternate, "tcp:of-alice:1")
        self.assertEqual(close_of(nobody).alternate, "")

    def test_many_sessions_go_in_waves(self) -> None:
        clients = [self.world.log_in(device_id=f"d{n}", token=f"u{n}", attempt=n + 1) for n in range(1_500)]
        done = self.world.node.drain()
        at_once: list[int] = []

        def look() -> None:
            closing = [client for client in clients if client.transport.is_closing]
            at_once.append(len(closing) - sum(at_once))

        self.world.pass_seconds(2, look)
        self.assertEqual(sum(at_once), 1_500)
        self.assertLess(max(at_once), 300)
        self.drained(done, *clients)

    def test_sends_in_flight_are_answered_first(self) -> None:
        client = self.world.log_in()
        client.send(chat(), 4)
        done = self.world.node.drain()
        self.world.pass_seconds(3)
        self.assertTrue(client.transport.is_paused)
        self.assertEqual(client.received(), [])
        self.world.bridge.take(Sent(DIRECT, 1, 1, 1, "e1", False))
        self.drained(done, client)
        ack, close = client.bodies()
        self.assertIsInstance(ack, chat_pb2.SendAck)
        assert isinstance(close, base_pb2.Close)
        self.assertEqual(close.name, "draining")

    def test_it_ends_in_time_whoever_does_not(self) -> None:
        world = self.world = World(Limits(request_seconds=60.0))
        client, deaf = world.log_in(device_id="a1"), world.log_in(device_id="a2")
        client.send(chat(), 4)
        done = world.node.drain()
        del deaf
        self.assertLess(self.drained(done), 8.3)
        self.assertTrue(client.transport.is_aborted)

    def test_a_login_on_its_way_is_told_to_go_elsewhere(self) -> None:
        waiting = self.world.connect()
        done = self.world.node.drain()
        waiting.send(online(), 1)
        self.assertEqual(close_of(waiting).name, "draining")
        self.drained(done, waiting)

    def test_a_login_that_the_store_answers_during_the_drain_makes_no_session(self) -> None:
        self.world.bridge.is_manual = True
        waiting = self.world.connect()
        waiting.send(online(), 1)
        done = self.world.node.drain()
        self.world.bridge.take(LoggedIn("alice", "a1", 1))
        self.assertEqual(close_of(waiting).name, "draining")
        self.assertEqual(len(self.world.node.pool), 0)
        self.drained(done, waiting)

    def test_no_connection_is_taken_any_more(self) -> None:
        self.world.node.drain()
        transport = FakeTransport()
        self.assertIsNone(self.world.node.build_connection(transport, "192.0.2.1"))
        self.assertTrue(transport.is_closing)

    def test_the_last_delivered_cursors_are_written(self) -> None:
        client = self.world.log_in()
        self.world.deliver(delivery(1))
        client.send(chat_pb2.DeliverAck(conversation=DIRECT, seq=1))
        done = self.world.node.drain()
        self.world.pass_seconds(0.5, lambda: self.end_closed(client))
        self.assertNoResult(done)
        self.assertEqual(
            self.world.bridge.take(Refused(Code.NOT_FOUND, "")), MoveDelivered(DIRECT, "alice", 1)
        )
        self.drained(done)

    def test_an_idle_node_drains_at_once(self) -> None:
        self.assertLess(self.drained(self.world.node.drain()), 0.2)


class EndTests(SynchronousTestCase):
    def test_a_stopped_node_leaves_no_call_behind_and_hears_nothing(self) -> None:
        world = World()
        client = world.log_in()
        world.node.stop()
        world.node.stop()
        self.assertTrue(client.transport.is_aborted)
        self.assertEqual(world.clock.getDelayedCalls(), [])
        client.received()
        world.deliver(delivery(1))
        self.assertEqual(client.received(), [])

    def test_sessions_that_ended_leave_no_timer_and_no_entry(self) -> None:
        world = World()
        clients = [world.log_in(device_id=f"a{n}", attempt=n) for n in range(1, 6)]
        world.deliver(delivery(1))
        for client in clients:
            client.send(session_pb2.Logout())
            client.connection.connection_lost("closed")
        world.pass_seconds(5)
        self.assertEqual(len(world.node._ticker._wheel), 0)
        self.assertEqual((len(world.node.pool), world.node.connections), (0, 0))
        self.assertEqual(world.node.requests_in_flight, 0)
        self.assertEqual(world.node.counters.ends, {"logged_out": 5})
