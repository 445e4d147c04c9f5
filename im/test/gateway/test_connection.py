"""A connection's limits and deadlines: bad input, rates, heartbeats, expiry."""

from twisted.trial.unittest import SynchronousTestCase

from im.core.errors import Code
from im.core.limits import Limits
from im.core.sessions import State
from im.proto import base_pb2, chat_pb2, session_pb2
from im.test.gateway.world import START_MS, World, close_of, online
from im.wire.codec import pack, pack_raw


class BeforeLoginTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World()
        self.client = self.world.connect()

    def test_whatever_is_no_login_ends_the_connection_with_a_reason(self) -> None:
        cases = [
            (b"\xff\xff", "undecodable"),
            (pack_raw(1, b"\xff"), "undecodable"),
            (pack_raw(999, b""), "unknown_type"),
            (pack_raw(10_001, b""), "not_logged_in"),
            (pack(chat_pb2.SendAck()), "wrong_direction"),
            (pack(session_pb2.Heartbeat()), "not_logged_in"),
        ]
        for payload, name in cases:
            client = self.world.connect()
            client.connection.frame_received(payload)
            self.assertEqual(close_of(client).name, name)

    def test_no_login_in_time_ends_it(self) -> None:
        self.world.pass_seconds(9.9)
        self.assertFalse(self.client.transport.is_closing)
        self.world.pass_seconds(0.3)
        close = close_of(self.client)
        self.assertEqual((close.name, close.reconnect), ("login_timeout", True))

    def test_an_oversized_frame_ends_it(self) -> None:
        self.client.connection.frame_refused(Code.TOO_LARGE, "70000 bytes")
        self.assertEqual(close_of(self.client).name, "too_large")

    def test_what_comes_after_the_end_is_ignored(self) -> None:
        self.client.connection.frame_received(b"\xff\xff")
        self.client.received()
        self.client.send(online(), 1)
        self.client.connection.write_paused()
        self.client.connection.write_resumed()
        self.assertEqual(self.client.received(), [])

    def test_a_lost_connection_leaves_nothing_behind(self) -> None:
        self.client.connection.connection_lost("reset")
        self.client.connection.connection_lost("reset")
        self.assertEqual(self.world.node.connections, 0)
        self.world.pass_seconds(11)
        self.assertEqual(self.client.received(), [])
        self.assertEqual(self.world.node.counters.ends, {"lost": 1})


class BadInputTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World()
        self.client = self.world.log_in()

    def test_a_wrong_frame_costs_an_error_frame_and_no_connection(self) -> None:
        cases = [
            (b"\xff\xff", 0, "undecodable"),
            (pack_raw(20, b"\xff", 3), 3, "undecodable"),
            (pack_raw(999, b"", 4), 4, "unknown_type"),
            (pack(chat_pb2.SendAck(), 6), 6, "wrong_direction"),
            (pack(online(attempt=2), 7), 7, "conflict"),
        ]
        for payload, request_id, name in cases:
            self.client.connection.frame_received(payload)
            ((got_id, error),) = self.client.received()
            assert isinstance(error, base_pb2.Error)
            self.assertEqual((got_id, error.name), (request_id, name))
        self.assertIs(self.client.connection.state, State.ONLINE)
        self.assertEqual(self.world.node.counters.refusals[Code.UNDECODABLE], 2)

    def test_an_oversized_frame_ends_the_session(self) -> None:
        self.client.connection.frame_refused(Code.TOO_LARGE, "70000 bytes")
        self.assertEqual(close_of(self.client).name, "too_large")
        self.assertEqual(len(self.world.node.pool), 0)


class RateTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World(Limits(frames_per_second=10, frames_burst=5))
        self.client = self.world.log_in()

    def beat(self, count: int, request_id: int = 1) -> list[object]:
        for _ in range(count):
            self.client.send(session_pb2.Heartbeat(), request_id)
        return list(self.client.bodies())

    def test_requests_over_the_rate_are_told_when_to_come_back(self) -> None:
        answers = self.beat(5)  # the login was one of the burst
        self.assertEqual([type(each) for each in answers[:4]], [session_pb2.HeartbeatAck] * 4)
        error = answers[4]
        assert isinstance(error, base_pb2.Error)
        self.assertEqual((error.name, error.retryable), ("rate_limited", True))
        self.assertEqual(error.retry_after_ms, 100)
        self.world.pass_seconds(0.1)
        self.assertIsInstance(self.beat(1)[0], session_pb2.HeartbeatAck)

    def test_frames_that_want_no_answer_are_dropped_in_silence(self) -> None:
        self.beat(4)
        self.client.connection.frame_received(b"\xff\xff")
        self.assertEqual(self.beat(1, request_id=0), [])

    def test_a_flood_ends_the_session(self) -> None:
        self.beat(4)
        errors = self.beat(6)
        self.assertEqual(len([each for each in errors if isinstance(each, base_pb2.Error)]), 5)
        close = errors[-1]
        assert isinstance(close, base_pb2.Close)
        self.assertEqual((close.name, close.reconnect), ("rate_limited", True))
        self.assertGreater(close.retry_after_ms, 0)
        self.assertTrue(self.client.transport.is_closing)


class HeartbeatTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World()
        self.client = self.world.log_in()

    def test_silence_for_an_interval_and_a_half_ends_the_session(self) -> None:
        self.world.pass_seconds(44.9)
        self.assertEqual(self.client.received(), [])
        self.world.pass_seconds(0.4)
        close = close_of(self.client)
        self.assertEqual((close.name, close.reconnect), ("heartbeat_timeout", True))

    def test_any_frame_counts_as_life_even_a_wrong_one(self) -> None:
        for _ in range(3):
            self.world.pass_seconds(40)
            self.client.connection.frame_received(b"\xff\xff")
        self.assertIs(self.client.connection.state, State.ONLINE)

    def test_a_beat_is_answered_with_time_and_interval(self) -> None:
        self.world.pass_seconds(2)
        self.client.send(session_pb2.Heartbeat(app_state=session_pb2.BACKGROUND), 5)
        ack = self.client.only(session_pb2.HeartbeatAck)
        self.assertEqual((ack.server_time_ms, ack.heartbeat_ms), (START_MS + 2_000, 240_000))

    def test_the_background_may_be_silent_for_longer(self) -> None:
        self.client.send(session_pb2.Heartbeat(app_state=session_pb2.BACKGROUND))
        self.client.received()
        self.world.pass_seconds(359.5)
        self.assertEqual(self.client.received(), [])
        self.world.pass_seconds(1)
        self.assertEqual(close_of(self.client).name, "heartbeat_timeout")

    def test_coming_back_to_the_foreground_shortens_the_patience(self) -> None:
        self.client.send(session_pb2.Heartbeat(app_state=session_pb2.BACKGROUND))
        self.world.pass_seconds(60)
        self.client.send(session_pb2.Heartbeat(app_state=session_pb2.FOREGROUND))
        self.client.received()
        self.world.pass_seconds(45.3)
        self.assertEqual(close_of(self.client).name, "heartbeat_timeout")

    def test_a_wished_interval_is_granted_and_watched(self) -> None:
        client = self.world.connect()
        client.send(online(device_id="a2", heartbeat_ms=4_000), 1)
        self.assertEqual(client.only(session_pb2.OnlineResult).heartbeat_ms, 4_000)
        self.world.pass_seconds(6.4)
        self.assertEqual(close_of(client).name, "heartbeat_timeout")

    def test_an_unknown_app_state_is_refused(self) -> None:
        self.client.send(session_pb2.Heartbeat(app_state=9), 5)  # type: ignore[arg-type]
        self.assertEqual(self.client.only(base_pb2.Error).field, "app_state")

    def test_a_stall_of_the_process_kills_nobody(self) -> None:
        self.world.pass_seconds(30)
        self.world.clock.advance(3_600)
        self.world.pass_seconds(10)
        self.assertIs(self.client.connection.state, State.ONLINE)
        self.world.pass_seconds(5.5)
        self.assertEqual(close_of(self.client).name, "heartbeat_timeout")

    def test_a_token_that_ends_during_the_session_ends_it(self) -> None:
        client = self.world.log_in(device_id="a2", token=f"alice:{START_MS // 1000 + 20}")
        self.world.pass_seconds(19.9)
        self.assertIs(client.connection.state, State.ONLINE)
        self.world.pass_seconds(0.5)
        close = close_of(client)
        self.assertEqual((close.name, close.reconnect), ("expired", False))

    def test_a_token_that_ended_within_the_skew_has_what_is_left_of_it(self) -> None:
        client = self.world.log_in(device_id="a2", token=f"alice:{START_MS // 1000 - 50}")
        self.world.pass_seconds(9.9)
        self.assertIs(client.connection.state, State.ONLINE)
        self.world.pass_seconds(0.5)
        self.assertEqual(close_of(client).name, "expired")

    def test_silence_ends_a_session_before_a_far_expiry(self) -> None:
        client = self.world.log_in(device_id="a2", token="alice:1e30")
        self.world.pass_seconds(45.4)
        self.assertEqual(close_of(client).name, "heartbeat_timeout")
