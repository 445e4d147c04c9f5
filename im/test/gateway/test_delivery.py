"""Deliveries to a connection: windows, resends, slow readers, losses."""

from twisted.trial.unittest import SynchronousTestCase

from im.core.commands import LoggedIn
from im.core.limits import Limits
from im.core.messages import SyncCursor, SyncPage
from im.core.sessions import State
from im.gateway.waiting import GivenUpError, when_delivered
from im.ports import NodeBatch, Signal
from im.proto import chat_pb2, push_pb2, session_pb2, sync_pb2
from im.test.gateway.world import DIRECT, Client, World, close_of, delivery, online
from im.wire.codec import pack


class DeliveryTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World()
        self.client = self.world.log_in()

    def seqs(self, client: Client) -> list[int]:
        return [body.entry.seq for body in client.bodies() if isinstance(body, chat_pb2.Deliver)]

    def ack(self, seq: int) -> None:
        self.client.send(chat_pb2.DeliverAck(conversation=DIRECT, seq=seq))

    def beat(self) -> None:
        self.client.send(session_pb2.Heartbeat())

    def test_every_session_of_the_users_gets_it_but_the_excepted(self) -> None:
        tablet, bob = self.world.log_in(device_id="a2"), self.world.log_in(token="bob")
        self.world.deliver(delivery(1, ("alice", "bob", "nobody"), but=self.client.session_id))
        self.assertEqual([self.seqs(each) for each in (self.client, tablet, bob)], [[], [1], [1]])

    def test_a_signal_for_some_device_classes_reaches_only_those(self) -> None:
        bob = self.world.log_in(token="bob", device_class="web")
        frame = pack(push_pb2.Event(json=b"{}"))
        self.world.bus.publish(
            "n1", NodeBatch(signals=[Signal(("alice", "bob"), frame, "", frozenset({"web"}))])
        )
        got = [
            [body for body in each.bodies() if isinstance(body, push_pb2.Event)]
            for each in (self.client, bob)
        ]
        self.assertEqual([0, 1], [len(each) for each in got])

    def test_an_acknowledged_delivery_is_never_resent(self) -> None:
        self.world.deliver(delivery(1), delivery(2))
        self.assertEqual(self.seqs(self.client), [1, 2])
        self.ack(2)
        self.world.pass_seconds(40)
        self.assertEqual(self.seqs(self.client), [])
        self.assertEqual(self.world.node.counters.acks, 2)

    def test_what_is_not_acknowledged_is_resent_then_the_session_is_given_up(self) -> None:
        self.world.deliver(delivery(1))
        self.seqs(self.client)
        times = []

        def look() -> None:
            if self.seqs(self.client):
                times.append(round(self.world.clock.seconds()))
            if round(self.world.clock.seconds() * 10) % 100 == 0:
                self.beat()

        self.world.pass_seconds(74, look)
        self.assertEqual(times, [5, 15, 35])
        self.client.received()
        self.world.pass_seconds(1.5)
        close = close_of(self.client)
        self.assertEqual((close.name, close.reconnect), ("unresponsive", True))
        self.assertEqual(self.world.node.counters.resends, 3)

    def test_a_full_window_means_one_resync_that_names_the_conversation(self) -> None:
        world = World(Limits(window_deliveries=3))
        client = world.log_in()
        world.deliver(*(delivery(seq) for seq in range(1, 5)))
        self.assertEqual(self.seqs(client), [1, 2, 3])
        world.pass_seconds(1.2)
        self.assertEqual(list(client.only(sync_pb2.Resync).conversations), [DIRECT])
        world.deliver(delivery(5))
        self.assertEqual(self.seqs(client), [5])
        world.pass_seconds(2)
        self.assertEqual(client.received(), [])

    def test_a_signal_reaches_every_session_but_the_excepted(self) -> None:
        tablet = self.world.log_in(device_id="a2")
        frame = pack(chat_pb2.Cursor(conversation=DIRECT, user="bob", read_seq=3))
        signal = Signal(("alice", "nobody"), frame, self.client.session_id)
        self.world.bus.publish("n1", NodeBatch(signals=[signal]))
        self.assertEqual(self.client.received(), [])
        self.assertEqual(tablet.only(chat_pb2.Cursor).read_seq, 3)

    def test_signals_during_a_login_are_dropped(self) -> None:
        self.world.bridge.is_manual = True
        client = self.world.connect()
        client.send(online(device_id="a2", attempt=3), 1)
        client.connection.signal(b"x")
        self.assertEqual(client.received(), [])

    def test_nothing_is_delivered_after_the_end(self) -> None:
        self.client.send(session_pb2.Logout())
        self.client.received()
        self.client.connection.deliver(DIRECT, 1, b"x")
        self.assertEqual(self.client.received(), [])

    def test_who_asks_is_told_that_a_delivery_arrived(self) -> None:
        self.world.deliver(delivery(1))
        told = when_delivered(self.client.connection.window, DIRECT, 1)
        self.assertNoResult(told)
        self.ack(1)
        self.assertIsNone(self.successResultOf(told))

    def test_who_asks_is_told_that_a_delivery_was_given_up(self) -> None:
        self.world.deliver(delivery(1))
        told = when_delivered(self.client.connection.window, DIRECT, 1)
        self.client.connection.connection_lost("reset")
        self.failureResultOf(told, GivenUpError)
        self.failureResultOf(when_delivered(self.client.connection.window, DIRECT, 1), GivenUpError)


class EndWhileSendingTests(SynchronousTestCase):
    """A transport may notice within `send` that the connection is lost."""

    def break_on_send(self, client: Client) -> None:
        self.patch(client.transport, "send", lambda payload: client.connection.connection_lost("reset"))

    def assert_gone(self, world: World, client: Client) -> None:
        self.assertIs(client.connection.state, State.CLOSED)
        world.pass_seconds(50)
        self.assertEqual((len(world.node.pool), len(world.node._ticker._wheel)), (0, 0))

    def test_a_delivery_may_be_the_last(self) -> None:
        world = World()
        client = world.log_in()
        self.break_on_send(client)
        world.deliver(delivery(1))
        self.assert_gone(world, client)

    def test_a_resend_may_be_the_last(self) -> None:
        world = World()
        client = world.log_in()
        world.deliver(delivery(1), delivery(2))
        self.break_on_send(client)
        world.pass_seconds(6)
        self.assert_gone(world, client)

    def test_the_login_answer_may_be_the_last(self) -> None:
        world = World()
        world.bridge.is_manual = True
        client = world.connect()
        client.send(online(), 1)
        world.bridge.take(LoggedIn("alice", "a1", 1))
        world.deliver(delivery(1), delivery(2))
        self.break_on_send(client)
        world.bridge.take(SyncPage(SyncCursor("e1", 5), [], ""))
        self.assert_gone(world, client)


class SlowReaderTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World()
        self.client = self.world.log_in()
        self.connection = self.client.connection

    def test_while_the_network_is_full_nothing_is_read_or_pushed(self) -> None:
        self.connection.write_paused()
        self.assertTrue(self.client.transport.is_paused)
        self.world.deliver(delivery(1))
        self.connection.signal(b"x")
        self.assertEqual(self.client.received(), [])
        self.assertEqual(self.world.node.counters.dropped, 1)

    def test_one_resync_tells_of_all_that_was_dropped(self) -> None:
        self.connection.write_paused()
        self.connection.write_paused()
        self.world.deliver(delivery(1), delivery(2))
        self.world.pass_seconds(5)
        self.connection.write_resumed()
        self.assertEqual(list(self.client.only(sync_pb2.Resync).conversations), [DIRECT])
        self.assertFalse(self.client.transport.is_paused)
        self.world.deliver(delivery(3))
        self.assertEqual(self.client.only(chat_pb2.Deliver).entry.seq, 3)

    def test_too_many_dropped_conversations_mean_any(self) -> None:
        self.connection.write_paused()
        for number in range(200):
            self.connection.deliver(f"d~alice~u{number}", 1, b"x")
        self.connection.write_resumed()
        self.assertEqual(list(self.client.only(sync_pb2.Resync).conversations), [])

    def test_without_a_drop_nothing_is_told(self) -> None:
        self.connection.write_paused()
        self.connection.write_resumed()
        self.connection.write_resumed()
        self.assertEqual(self.client.received(), [])

    def test_resends_wait_until_the_network_takes_more(self) -> None:
        self.world.deliver(delivery(1))
        self.client.received()
        self.connection.write_paused()
        self.world.pass_seconds(20)
        self.assertEqual(self.client.received(), [])
        self.connection.write_resumed()
        self.world.pass_seconds(4.9)
        self.assertEqual(self.client.received(), [])
        self.world.pass_seconds(0.3)
        self.client.only(chat_pb2.Deliver)

    def test_in_the_end_the_session_is_closed(self) -> None:
        self.connection.write_paused()
        self.world.pass_seconds(29.9)
        self.assertEqual(self.client.received(), [])
        self.world.pass_seconds(0.5)
        close = close_of(self.client)
        self.assertEqual((close.name, close.reconnect), ("slow_reader", True))

    def test_reading_again_late_is_no_silence(self) -> None:
        self.world.pass_seconds(20)
        self.connection.write_paused()
        self.world.pass_seconds(29)
        self.connection.write_resumed()
        self.world.pass_seconds(40)
        self.assertIs(self.connection.state, State.ONLINE)

    def test_a_network_full_during_the_login_keeps_reading_paused_behind_it(self) -> None:
        self.world.bridge.is_manual = True
        client = self.world.connect()
        client.send(online(device_id="a2", attempt=2), 1)
        client.connection.write_paused()
        client.connection.write_resumed()
        client.connection.write_paused()
        self.world.bridge.is_manual = False
        self.world.bridge.take(LoggedIn("alice", "a2", 2))
        self.assertIs(client.connection.state, State.ONLINE)
        self.assertTrue(client.transport.is_paused)
        client.received()
        self.world.pass_seconds(30.5)
        self.assertEqual(close_of(client).name, "slow_reader")
