"""Login, heartbeat, requests and the end of a session."""

from twisted.trial.unittest import SynchronousTestCase

from im.client.core.events import (
    Answered,
    CursorMoved,
    Ended,
    LoggedIn,
    Message,
    RequestRefused,
    RequestTimedOut,
)
from im.client.core.session import CoreSettings, Phase
from im.core.errors import Code
from im.proto import base_pb2, chat_pb2, session_pb2
from im.test.client import server
from im.test.client.core.driver import Driver
from im.wire.codec import pack, pack_raw


class LoginTests(SynchronousTestCase):
    """The first frame and its answers."""

    def test_a_login_says_who_asks_and_how(self) -> None:
        driver = Driver(settings=CoreSettings(device_class="phone", program="app/1", heartbeat=20.0))
        driver.core.connected("secret", 1.0, 5_000)
        driver.collect()
        ((_, body),) = driver.take(session_pb2.OnlineMessage)
        self.assertEqual(
            (body.token, body.device_id, body.device_class, body.attempt, body.client, body.heartbeat_ms),
            ("secret", "phone-1", "phone", 5_000, "app/1", 20_000),
        )

    def test_l2_each_attempt_is_larger_than_every_one_before_whatever_the_clock_says(self) -> None:
        driver = Driver()
        driver.core.connected("t", 1.0, 5_000)
        again = Driver(driver.state)
        again.core.connected("t", 1.0, 10)
        again.collect()
        ((_, body),) = again.take(session_pb2.OnlineMessage)
        self.assertEqual(body.attempt, 5_001)

    def test_a_stale_attempt_is_overtaken_by_the_next_login(self) -> None:
        driver = Driver()
        refusal = base_pb2.Error(
            code=Code.STALE_ATTEMPT, name="stale_attempt", retryable=True, last_attempt=10**15
        )
        driver.answer(driver.connect(), refusal)
        self.assertEqual(driver.told(Ended), [Ended("stale_attempt", "", reconnect=True)])
        driver.disconnect()
        driver.core.connected("t", driver.now, 1)
        driver.collect()
        ((_, body),) = driver.take(session_pb2.OnlineMessage)
        self.assertEqual(body.attempt, 10**15 + 1)

    def test_an_answered_login_tells_who_we_are(self) -> None:
        driver = Driver()
        driver.login()
        self.assertEqual(driver.told(LoggedIn), [LoggedIn("alice", "s1", "n1", 1_000)])
        self.assertEqual(driver.state.load().user, "alice")

    def test_l3_a_login_without_an_answer_ends_the_connection(self) -> None:
        driver = Driver()
        driver.connect()
        driver.wait(15.0)
        self.assertEqual([each.label for each in driver.told(Ended)], ["login_timeout"])

    def test_a_state_of_somebody_else_is_not_used(self) -> None:
        driver = Driver()
        driver.login()
        again = Driver(driver.state)
        result = server.online_result()
        result.user = "mallory"
        again.login(result)
        self.assertEqual([each.reconnect for each in again.told(Ended)], [False])
        self.assertEqual(again.state.load().user, "alice")

    def test_an_answer_to_an_earlier_login_is_ignored(self) -> None:
        driver = Driver()
        first = driver.connect()
        driver.disconnect()
        driver.connect()
        driver.answer(first, server.online_result())
        self.assertIs(driver.core.phase, Phase.LOGGING_IN)


class HeartbeatTests(SynchronousTestCase):
    """Both ends must hear something."""

    def setUp(self) -> None:
        self.driver = Driver()
        self.driver.login(server.online_result(heartbeat_ms=10_000))

    def beats(self) -> list[int]:
        return [body.app_state for _, body in self.driver.take(session_pb2.Heartbeat)]

    def ended(self) -> list[str]:
        return [each.label for each in self.driver.told(Ended)]

    def test_it_beats_once_an_interval(self) -> None:
        for _ in range(3):
            self.driver.wait(10.0)
            self.driver.receive(pack(session_pb2.HeartbeatAck(heartbeat_ms=10_000)))
        self.assertEqual(self.beats(), [session_pb2.FOREGROUND] * 3)
        self.assertEqual(self.ended(), [])

    def test_a_server_that_is_silent_for_one_and_a_half_intervals_is_given_up(self) -> None:
        self.driver.wait(14.9)
        self.assertEqual(self.ended(), [])
        self.driver.wait(0.2)
        self.assertEqual(self.ended(), ["heartbeat_timeout"])

    def test_a_part_of_a_payload_is_a_sign_of_life(self) -> None:
        self.driver.wait(14.0)
        self.driver.core.heard(self.driver.now)
        self.driver.wait(14.0)
        self.assertEqual(self.ended(), [])

    def test_what_we_send_is_no_sign_of_life(self) -> None:
        self.driver.wait(14.0)
        self.driver.send(1)
        self.driver.wait(1.1)
        self.assertEqual(self.ended(), ["heartbeat_timeout"])

    def test_n6_a_stall_of_our_own_is_no_silence_of_the_server(self) -> None:
        self.driver.now += 60.0
        self.driver.core.tick(self.driver.now)
        self.driver.collect()
        self.assertEqual(self.ended(), [])
        self.driver.wait(15.0)
        self.assertEqual(self.ended(), ["heartbeat_timeout"])

    def test_going_to_the_background_is_told_at_once_and_slows_the_beat(self) -> None:
        self.driver.core.set_background(True, self.driver.now)
        self.driver.collect()
        self.assertEqual(self.beats(), [session_pb2.BACKGROUND])
        self.driver.receive(pack(session_pb2.HeartbeatAck(heartbeat_ms=240_000)))
        self.driver.wait(200.0)
        self.assertEqual(self.beats(), [])
        self.driver.wait(40.0)
        self.assertEqual(self.beats(), [session_pb2.BACKGROUND])


class RequestTests(SynchronousTestCase):
    """What the front asks for."""

    def setUp(self) -> None:
        self.driver = Driver()
        self.driver.login()

    def ask(self) -> int:
        request = self.driver.core.ask(chat_pb2.Read(conversation=server.CHAT, seq=3), self.driver.now)
        self.driver.collect()
        return request

    def asked(self) -> list[int]:
        return [request for request, _ in self.driver.take(chat_pb2.Read)]

    def test_an_answer_is_told_once(self) -> None:
        request = self.ask()
        profile = session_pb2.Profile(user="bob")
        self.driver.answer(request, profile)
        self.driver.answer(request, profile)
        self.assertEqual(self.driver.told(Answered), [Answered(request, profile)])

    def test_l3_a_request_without_an_answer_is_repeated_and_at_last_given_up(self) -> None:
        request = self.ask()
        for _ in range(12):
            self.driver.wait(5.0)
            self.driver.core.heard(self.driver.now)
        self.assertEqual(self.asked(), [request] * 8)
        self.assertEqual(self.driver.told(RequestTimedOut), [RequestTimedOut(request)])
        self.driver.wait(10.0)
        self.assertEqual(self.asked(), [])

    def test_a_request_outlives_its_connection(self) -> None:
        request = self.ask()
        self.driver.disconnect()
        self.driver.login()
        self.assertEqual(self.asked(), [request])

    def test_a_refusal_for_the_moment_is_tried_again(self) -> None:
        request = self.ask()
        self.asked()
        self.driver.receive(
            server.error(request, Code.UNAVAILABLE, "unavailable", retryable=True, retry_after_ms=2_000)
        )
        self.driver.wait(1.9)
        self.assertEqual(self.asked(), [])
        self.driver.wait(0.1)
        self.assertEqual(self.asked(), [request])

    def test_a_final_refusal_is_told(self) -> None:
        request = self.ask()
        self.driver.receive(server.error(request, Code.NOT_FOUND, "not_found", retryable=False))
        self.assertEqual([each.refusal.label for each in self.driver.told(RequestRefused)], ["not_found"])

    def test_cursors_of_others_are_told(self) -> None:
        self.driver.receive(
            pack(chat_pb2.Cursor(conversation=server.CHAT, user="bob", read_seq=2, delivered_seq=3))
        )
        self.assertEqual(self.driver.told(CursorMoved), [CursorMoved(server.CHAT, "bob", 2, 3, unread=None)])

    def test_a_cursor_that_was_overtaken_takes_nothing_back(self) -> None:
        for read_seq, delivered_seq in ((2, 3), (0, 3), (1, 4)):
            body = chat_pb2.Cursor(
                conversation=server.CHAT, user="bob", read_seq=read_seq, delivered_seq=delivered_seq
            )
            self.driver.receive(pack(body))
        told = [(each.read_seq, each.delivered_seq) for each in self.driver.told(CursorMoved)]
        self.assertEqual(told, [(2, 3), (2, 4)])


class EndTests(SynchronousTestCase):
    """How sessions end."""

    def setUp(self) -> None:
        self.driver = Driver()
        self.driver.login()

    def test_a_close_says_whether_to_come_back_when_and_where(self) -> None:
        close = base_pb2.Close(
            name="draining", text="bye", reconnect=True, retry_after_ms=1_500, alternate="tcp:b:1"
        )
        self.driver.receive(pack(close))
        self.assertEqual(self.driver.told(Ended), [Ended("draining", "bye", True, 1.5, "tcp:b:1")])

    def test_nothing_counts_after_the_end(self) -> None:
        self.driver.receive(pack(base_pb2.Close(name="kicked")), server.deliver(1))
        self.assertEqual(self.driver.told(Message), [])

    def test_bytes_that_are_no_payload_end_the_session(self) -> None:
        for payload in (b"\xff\xff", pack_raw(22, b"\xff\xff")):
            driver = Driver()
            driver.login()
            driver.receive(payload)
            self.assertEqual([each.label for each in driver.told(Ended)], ["undecodable"])

    def test_a_type_of_a_newer_server_is_ignored(self) -> None:
        self.driver.receive(pack_raw(999, b""))
        self.assertEqual(self.driver.told(Ended), [])

    def test_a_logout_acknowledges_first(self) -> None:
        self.driver.receive(server.deliver(1), server.deliver(2))
        self.driver.handle_all()
        self.driver.frames.clear()
        self.driver.core.leave(self.driver.now, True)
        self.driver.collect()
        self.assertEqual(
            [type(server.read_frame(each)[1]).__name__ for each in self.driver.frames][-1], "Logout"
        )
        self.assertEqual(self.driver.state.load().watermarks[0].seq, 2)
