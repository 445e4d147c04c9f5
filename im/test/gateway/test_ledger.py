"""What a node enters into the ledger: begins, changes, ends, when it was last heard, and why it ended."""

from collections.abc import Sequence
from typing import Any, TypeVar

from twisted.trial.unittest import SynchronousTestCase

from im.core.errors import Code
from im.core.ledger import ChangeAppState, CloseSession, LedgerWrite, MoveClock, OpenSession
from im.core.sessions import ClassPolicy
from im.gateway import ledger
from im.ports import Eviction, NodeBatch
from im.proto.session_pb2 import BACKGROUND, FOREGROUND, Heartbeat, Logout
from im.test.gateway.world import START_MS, Client, World, logged, online

W = TypeVar("W", bound=LedgerWrite)


class LedgerTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World(policy=ClassPolicy.REPLACE)

    def written(self, kind: type[W]) -> list[W]:
        return [each for each in self.world.bridge.ledger if isinstance(each, kind)]

    def close(self) -> CloseSession:
        (close,) = self.written(CloseSession)
        return close

    def beat(self, client: Client, state: Any = FOREGROUND) -> None:
        client.send(Heartbeat(app_state=state))

    def assert_about(self, expected_ms: int, found_ms: int) -> None:
        self.assertTrue(abs(expected_ms - found_ms) <= 200, f"{found_ms} is not about {expected_ms}")

    def test_a_login_opens_and_does_not_wait_for_it(self) -> None:
        self.world.bridge.is_ledger_down = True
        client = self.world.log_in(app_state=BACKGROUND)
        self.assertEqual([], self.world.bridge.ledger)
        self.world.bridge.is_ledger_down = False
        self.world.pass_seconds(2)
        opened = OpenSession(client.session_id, "alice", "a1", "phone", "n1", START_MS, False, 240_000)
        self.assertEqual([opened], self.world.bridge.ledger)

    def test_a_login_that_is_refused_opens_nothing(self) -> None:
        client = self.world.connect()
        client.send(online(token="bad"), 1)
        self.world.pass_seconds(2)
        self.assertEqual([], self.world.bridge.ledger)

    def test_an_end_by_silence_is_where_it_was_last_heard(self) -> None:
        client = self.world.log_in()
        self.world.pass_seconds(20)
        self.beat(client)
        self.world.pass_seconds(60)
        self.assertEqual("heartbeat", self.close().reason)
        self.assert_about(START_MS + 20_000, self.close().closed_ms)
        self.assertEqual(31_000, self.close().bound_ms)

    def test_every_end_has_its_reason(self) -> None:
        def evict(client: Client) -> None:
            eviction = Eviction(client.session_id, Code.KICKED, "")
            self.world.bus.publish("n1", NodeBatch(evictions=[eviction]))

        for number, (reason, end) in enumerate(
            {
                "logout": lambda client: client.send(Logout()),
                "closed": lambda client: client.connection.connection_lost("closed by the peer"),
                "lost": lambda client: client.connection.connection_lost("reset"),
                "kicked": evict,
                "displaced": lambda client: self.world.log_in(attempt=200, device_id="other"),
                "drained": lambda client: self.world.node.drain(),
            }.items(),
            start=1,
        ):
            client = self.world.log_in(attempt=number, device_id=f"a{number}")
            end(client)
            self.world.pass_seconds(9)
            closes = [each for each in self.written(CloseSession) if each.opened.session == client.session_id]
            self.assertEqual([reason], [each.reason for each in closes])

    def test_a_client_that_says_goodbye_was_there_until_then_but_no_longer_than_its_beat(self) -> None:
        for silent, expected in ((10, 10_000), (40, 31_000)):
            self.world.bridge.ledger.clear()
            begin_ms = self.world.now_ms()
            client = self.world.log_in(attempt=silent)
            self.world.pass_seconds(silent)
            client.connection.connection_lost("closed by the peer")
            self.assert_about(begin_ms + expected, self.close().closed_ms)

    def test_changes_of_the_app_state_are_entered_once(self) -> None:
        client = self.world.log_in()
        for state in (FOREGROUND, BACKGROUND, BACKGROUND, FOREGROUND):
            self.world.pass_seconds(1)
            self.beat(client, state)
        changes = self.written(ChangeAppState)
        self.assertEqual([(False, 240_000), (True, 30_000)], [each[3:5] for each in changes])
        self.assert_about(START_MS + 2_000, changes[0].at_ms)

    def test_a_flapping_app_is_merged_while_nothing_can_be_written(self) -> None:
        client = self.world.log_in()
        self.world.bridge.is_ledger_down = True
        for number in range(400):
            self.world.pass_seconds(0.1)
            self.beat(client, FOREGROUND if number % 2 else BACKGROUND)
        self.world.bridge.is_ledger_down = False
        client.send(Logout())
        self.world.pass_seconds(3)
        self.assertLessEqual(len(self.written(ChangeAppState)), ledger.MAX_CHANGES + 2)
        self.assertGreater(self.close().blurred_ms, 15_000)
        self.assertEqual(0, len(self.world.node._ledger))

    def test_what_cannot_be_written_is_kept_in_order_and_repeated(self) -> None:
        self.world.bridge.is_ledger_down = True
        client = self.world.log_in()
        self.beat(client, BACKGROUND)
        client.send(Logout())
        self.world.pass_seconds(10)
        self.world.bridge.is_ledger_down = False
        self.world.pass_seconds(4)
        kinds = [type(each) for each in self.world.bridge.ledger]
        self.assertEqual([OpenSession, ChangeAppState, CloseSession], kinds)
        self.assertEqual(0, len(self.world.node._ledger))

    def test_ends_beyond_the_bound_are_lost_and_counted(self) -> None:
        self.patch(ledger, "MAX_UNWRITTEN", 2)
        events = logged(self)
        clients = [self.world.log_in(device_id=f"d{number}", token=f"u{number}") for number in range(4)]
        self.world.bridge.is_ledger_down = True
        for client in clients:
            client.send(Logout())
        self.assertEqual(2, self.world.node.counters.ledger_losses)
        self.assertEqual(1, _count(events, "are lost"))
        self.world.bridge.is_ledger_down = False
        self.world.pass_seconds(3)
        self.assertEqual(2, len(self.written(CloseSession)))

    def test_a_drain_waits_for_the_ledger(self) -> None:
        self.world.log_in()
        self.world.bridge.is_ledger_down = True
        done = self.world.node.drain()
        self.world.pass_seconds(3)
        self.assertNoResult(done)
        self.world.bridge.is_ledger_down = False
        self.world.pass_seconds(1)

        self.assertEqual("drained", self.close().reason)

    def test_a_stall_before_the_last_sound_is_in_the_bound(self) -> None:
        client = self.world.log_in()
        self.world.pass_seconds(10)
        self.world.clock.advance(7)
        self.beat(client)
        client.connection.connection_lost("reset")
        self.assertTrue(37_500 <= self.close().bound_ms <= 38_000, self.close())
        self.assert_about(START_MS + 17_000, self.close().closed_ms)

    def test_a_jump_of_the_wall_clock_is_told_and_moves_no_session(self) -> None:
        events = logged(self)
        world = self.world
        client = world.log_in()
        world.pass_seconds(5)
        jump_ms = 3_600_000
        world.node._ledger._now_ms = lambda: world.now_ms() + jump_ms
        world.pass_seconds(5)
        self.beat(client)
        client.send(Logout())
        self.assertEqual([MoveClock("n1", jump_ms)], self.written(MoveClock))
        self.assert_about(START_MS + 10_000, self.close().closed_ms)
        self.assertEqual(jump_ms, self.close().clock_ms)
        self.assertEqual((1, 1), (world.node.counters.clock_jumps, _count(events, "jumped")))
        world.log_in(attempt=2)
        self.assertEqual((jump_ms, world.now_ms() + jump_ms), _opened(self.written(OpenSession)[-1]))

    def test_a_client_that_reads_too_slowly_was_not_listened_to(self) -> None:
        client = self.world.log_in()
        client.connection.write_paused()
        self.world.pass_seconds(40)
        self.assertEqual("slow_reader", self.close().reason)
        self.assertGreaterEqual(self.close().bound_ms, 60_000)


def _count(events: Sequence[dict[str, Any]], text: str) -> int:
    return sum(text in str(event.get("log_format", "")) for event in events)


def _opened(opened: OpenSession) -> tuple[int, int]:
    return opened.clock_ms, opened.opened_ms
