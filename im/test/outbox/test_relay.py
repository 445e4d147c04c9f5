"""The relay, on a clock."""

from unittest.mock import patch

from sqlalchemy.exc import OperationalError

from im.outbox import dead
from im.outbox.notes import Kind
from im.outbox.relay import STOP_SECONDS
from im.outbox.rows import Rows
from im.outbox.verdict import Answer, of_answer, unanswered
from im.test.outbox.world import BROKEN, DOWN, LEASE_MS, NOW_MS, STORED, RelayCase

REFUSED = Answer(400, "", b'{"error": {"text": "no such type"}}')


class DeliveryTests(RelayCase):
    def test_what_waits_is_posted_under_its_key_and_then_gone(self) -> None:
        key = self.push(["alice", "bob"], {"order": 7}, collapse_key="order 7", device_classes=["phone"])
        self.run_relay(self.relay())
        (asked,) = self.node.asked
        self.assertEqual(asked.key, key)
        self.assertEqual(
            asked.body,
            {
                "to": ["alice", "bob"],
                "event": {"order": 7},
                "collapse_key": "order 7",
                "device_classes": ["phone"],
            },
        )
        self.pass_time(0.1)
        self.assertEqual(self.waiting(), 0)

    def test_a_new_row_is_seen_within_200_ms_also_after_a_long_silence(self) -> None:
        self.run_relay(self.relay())
        self.pass_time(60)
        self.push("alice", 1)
        self.clock.advance(0.2)
        self.assertEqual(self.node.events, [1])

    def test_who_wakes_it_does_not_wait_for_a_poll(self) -> None:
        relay = self.relay()
        self.run_relay(relay)
        self.pass_time(60)
        self.push("alice", 1)
        relay.wake()
        self.clock.advance(0)
        self.assertEqual(self.node.events, [1])

    def test_users_that_the_node_does_not_know_are_told_of(self) -> None:
        self.node.says = Answer(200, "", b'{"stored": 1, "unknown": ["alice"]}')
        relay = self.relay()
        self.push(["alice", "bob"])
        self.run_relay(relay)
        (note,) = self.notes
        self.assertEqual((note.kind, relay.counts.unknown_users), (Kind.UNKNOWN, 1))
        self.assertIn("alice", note.text)

    def test_what_nobody_got_is_a_dead_letter_and_when_retried_another_push_to_the_node(self) -> None:
        self.node.says = Answer(200, "", b'{"stored": 0, "unknown": ["alice"]}')
        key = self.push("alice")
        self.run_relay(self.relay())
        self.pass_time(1)
        for renewal in (1, 2):
            (letter,) = dead.dead_letters(self.engine, 5)
            self.assertEqual((letter.key, letter.status, letter.may_have_arrived), (key, 200, False))
            self.assertEqual(letter.error, "the node knows none of its users: alice")
            dead.retry(self.engine, None, self.now_ms())
            self.pass_time(1)
            self.assertEqual(self.node.asked[-1].key, f"{key}-{renewal}")

    def test_so_many_are_on_their_way_at_a_time_and_no_more(self) -> None:
        for number in range(5):
            self.push(f"u{number}", number)
        self.node.says = None
        self.run_relay(self.relay(in_flight=2))
        self.pass_time(1)
        self.assertEqual(self.node.events, [0, 1])
        self.node.asked[1].answer.callback(of_answer(STORED))
        self.pass_time(0.1)
        self.assertEqual(self.node.events, [0, 1, 2])

    def test_its_time_to_live_begins_when_it_is_pushed_and_is_told_alike_each_time(self) -> None:
        self.node.says = BROKEN
        with patch("im.outbox.writing.time_ns", lambda: NOW_MS * 1_000_000):
            self.push("alice", ttl_seconds=60)
        self.clock.advance(20)
        self.run_relay(self.relay())
        self.pass_time(5)
        first, *others = [asked.raw for asked in self.node.asked]
        self.assertIn(b'"ttl_seconds":40,', first)
        self.assertGreater(len(others), 1)
        self.assertEqual(set(others), {first})

    def test_what_comes_too_late_for_its_time_to_live_is_dropped(self) -> None:
        with patch("im.outbox.writing.time_ns", lambda: NOW_MS * 1_000_000):
            self.push("alice", ttl_seconds=60)
        self.clock.advance(60)
        relay = self.relay()
        self.run_relay(relay)
        self.pass_time(0.1)
        self.assertEqual((self.node.asked, self.waiting(), relay.counts.expired), ([], 0, 1))
        self.assertEqual([note.kind for note in self.notes], [Kind.EXPIRED])


class OrderTests(RelayCase):
    def test_a_row_waits_for_earlier_ones_of_its_users_and_passes_others(self) -> None:
        self.node.says = None
        for users, event in ((["a"], 1), (["a", "b"], 2), (["b"], 3), (["c"], 4)):
            self.push(users, event)
        self.run_relay(self.relay())
        self.assertEqual(self.node.events, [1, 4])
        for event in (1, 2, 3):
            (asked,) = (each for each in self.node.asked if each.body["event"] == event)
            asked.answer.callback(of_answer(STORED))
            self.pass_time(0.1)
        self.assertEqual(self.node.events, [1, 4, 2, 3])

    def test_a_row_that_is_to_be_tried_again_holds_those_after_it(self) -> None:
        self.node.says = BROKEN
        self.push("alice", 1)
        self.run_relay(self.relay())
        self.push("alice", 2)
        self.push("bob", 3)
        self.pass_time(3)
        self.node.says = STORED
        self.pass_time(10)
        self.assertEqual(self.node.events_by_user()["alice"][-2:], [1, 2])
        self.assertNotIn(2, self.node.events_by_user()["alice"][:-1])
        self.assertIn(3, self.node.events)

    def test_a_dead_letter_makes_way(self) -> None:
        self.node.says = REFUSED
        self.push("alice", 1)
        self.run_relay(self.relay())
        self.node.says = STORED
        self.push("alice", 2)
        self.pass_time(1)
        self.assertEqual(self.node.events, [1, 2])

    def test_two_relays_keep_the_order_between_them(self) -> None:
        self.node.says = None
        for number in range(4):
            self.push("alice", number)
        self.run_relay(self.relay("r1"))
        self.run_relay(self.relay("r2"))
        self.pass_time(1)
        for number in range(4):
            self.assertEqual(self.node.events, [*range(number + 1)])
            self.node.asked[-1].answer.callback(of_answer(STORED))
            self.pass_time(1)
        self.assertEqual(self.waiting(), 0)


class LeaseTests(RelayCase):
    def test_rows_of_a_killed_relay_are_taken_over_when_its_lease_is_over(self) -> None:
        self.push("alice", 1)
        self.push("alice", 2)
        rows = Rows(self.engine, "killed", LEASE_MS)
        (claim,) = rows.claim(5, self.now_ms())
        self.run_relay(self.relay())
        self.pass_time(14.8)
        self.assertEqual(self.node.asked, [])
        self.pass_time(0.5)
        self.assertEqual(self.node.asked[0].key, claim.key)
        self.assertEqual(self.node.events, [1, 2])

    def test_a_slow_answer_is_waited_for_under_the_same_lease(self) -> None:
        self.push("alice", 1)
        self.node.says = None
        self.run_relay(self.relay("r1"))
        self.run_relay(self.relay("r2"))
        self.pass_time(60)
        self.assertEqual(len(self.node.asked), 1)

    def test_who_lost_a_row_changes_nothing_of_it(self) -> None:
        self.push("alice", 1)
        self.node.says = None
        self.run_relay(self.relay("r1"))
        Rows(self.engine, "r2", LEASE_MS).claim(1, self.now_ms() + LEASE_MS)
        self.node.asked[0].answer.callback(of_answer(BROKEN))
        self.pass_time(1)
        self.assertEqual(Rows(self.engine, "r3", LEASE_MS).claim(1, self.now_ms()), [])

    def test_a_clock_that_is_set_back_puts_nothing_off_for_long(self) -> None:
        self.push("alice", 1)
        Rows(self.engine, "killed", LEASE_MS).claim(1, self.now_ms())
        self.skew_ms = -3_600_000
        self.run_relay(self.relay())
        self.pass_time(1)
        self.assertEqual(self.node.events, [1])


class EndTests(RelayCase):
    def test_a_stop_waits_for_what_is_under_way(self) -> None:
        self.push("alice", 1)
        self.node.says = None
        relay = self.relay()
        running = self.run_relay(relay)
        relay.stop()
        self.pass_time(1)
        self.assertNoResult(running)
        self.node.asked[0].answer.callback(of_answer(STORED))
        self.clock.advance(0)
        self.successResultOf(running)
        self.assertEqual(self.waiting(), 0)

    def test_a_stop_waits_for_a_while_only_and_lets_others_go_on(self) -> None:
        self.push("alice", 1)
        self.node.says = None
        relay = self.relay()
        running = self.run_relay(relay)
        relay.stop()
        self.clock.advance(STOP_SECONDS)
        self.successResultOf(running)
        self.node.says = STORED
        self.run_relay(self.relay("r2"))
        self.pass_time(1)
        self.assertEqual(self.node.events, [1, 1])

    def test_once_ends_when_nothing_is_left(self) -> None:
        for number in range(40):
            self.push(f"u{number % 3}", number)
        running = self.run_relay(self.relay(), is_once=True)
        self.pass_time(5)
        self.successResultOf(running)
        self.assertEqual((len(self.node.asked), self.waiting()), (40, 0))

    def test_once_ends_in_trouble(self) -> None:
        self.push("alice")
        self.node.says = DOWN
        running = self.run_relay(self.relay(), is_once=True)
        self.pass_time(1)
        self.successResultOf(running)
        self.assertEqual(self.waiting(), 1)


class DatabaseTests(RelayCase):
    def test_a_database_that_is_away_is_waited_for_and_nothing_is_forgotten(self) -> None:
        self.push("alice", 1)
        self.node.says = None
        relay = self.relay()
        self.run_relay(relay)
        self.node.says = STORED
        error = OperationalError("begin", {}, Exception("gone\naway"))
        with patch.object(Rows, "settle", side_effect=error) as settle:
            self.node.asked[0].answer.callback(of_answer(STORED))
            self.pass_time(30)
            self.assertLess(settle.call_count, 20)
        self.pass_time(60)
        self.assertEqual((self.waiting(), len(self.node.asked)), (0, 1))
        self.assertEqual([note.kind for note in self.notes], [Kind.DATABASE, Kind.RECOVERED])
        self.assertEqual(self.notes[0].text, "the database does not do as asked: gone away")

    def test_a_lost_answer_is_repeated_under_the_same_key(self) -> None:
        key = self.push("alice", 1)
        self.node.says = None
        self.run_relay(self.relay())
        self.node.says = STORED
        self.node.asked[0].answer.callback(unanswered("lost"))
        self.pass_time(1)
        self.assertEqual([asked.key for asked in self.node.asked], [key, key])
