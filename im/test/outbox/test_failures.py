"""What does not work, and what the relay makes of it, on a clock."""

from itertools import pairwise
from typing import Any

from twisted.internet.defer import Deferred, fail

from im.outbox import dead
from im.outbox.notes import Kind
from im.outbox.verdict import REPEATABLE_MS, Answer, unreachable
from im.test.outbox.world import BROKEN, DOWN, STORED, RelayCase

REFUSED = Answer(400, "", b'{"error": {"text": "no such type"}}')
LATER = Answer(429, "7", b'{"error": {"text": "too many"}}')
NO_KEY = Answer(401, "", b'{"error": {"text": "this key is not known"}}')


class FailureTests(RelayCase):
    def letters(self) -> list[dead.DeadLetter]:
        return dead.dead_letters(self.engine, 10)

    def test_a_refusal_is_a_dead_letter_at_once(self) -> None:
        key = self.push("alice", 1)
        self.node.says = REFUSED
        relay = self.relay()
        self.run_relay(relay)
        self.pass_time(1)
        (letter,) = self.letters()
        self.assertEqual((letter.key, letter.status, letter.attempts), (key, 400, 1))
        self.assertEqual((letter.users, letter.error), (("alice",), "HTTP 400: no such type"))
        self.assertEqual((len(self.node.asked), self.waiting(), relay.counts.dead), (1, 0, 1))
        self.assertEqual([note.kind for note in self.notes], [Kind.DEAD])

    def test_so_many_failures_are_a_dead_letter(self) -> None:
        for answer in (BROKEN, DOWN):
            self.push("alice", 1)
            self.node.says, self.node.asked[:] = answer, []
            relay = self.relay(most_attempts=3)
            running = self.run_relay(relay)
            self.pass_time(30)
            self.assertEqual((len(self.node.asked), self.waiting()), (3, 0))
            self.stop(relay, running)
        self.assertEqual([letter.attempts for letter in self.letters()], [3, 3])

    def test_waits_grow_and_end_at_a_minute(self) -> None:
        self.push("alice", 1)
        tried: list[float] = []

        def post(key: str, body: bytes) -> "Deferred[Any]":
            tried.append(self.clock.seconds())
            return self.node.post(key, body)

        self.node.says = BROKEN
        self.run_relay(self.relay(post=post))
        self.pass_time(200)
        waits = [round(later - earlier, 1) for earlier, later in pairwise(tried)]
        self.assertEqual(waits, sorted(waits))
        self.assertLess(waits[0], 0.3)
        self.assertEqual(round(waits[-1]), 30)  # half of a minute: chance adds the rest

    def test_an_attempt_that_cannot_reach_the_node_counts_for_no_row(self) -> None:
        for number in range(3):
            self.push(f"u{number}", number)
        attempts = []

        def post(key: str, body: bytes) -> "Deferred[Any]":
            attempts.append(key)
            answer: Deferred[Any] = Deferred()
            answer.callback(unreachable("refused"))
            return answer

        relay = self.relay(post=post, most_attempts=2)
        running = self.run_relay(relay)
        self.pass_time(120)
        self.assertLess(len(attempts), 40)
        self.assertEqual((self.waiting(), self.letters()), (3, []))
        self.assertEqual([note.kind for note in self.notes], [Kind.TROUBLE])
        self.stop(relay, running)
        self.run_relay(self.relay("r2"))
        self.assertEqual(self.node.events, [0, 1, 2])

    def test_it_comes_back_when_the_node_says(self) -> None:
        self.push("alice", 1)
        self.node.says = LATER
        self.run_relay(self.relay())
        self.push("bob", 2)
        self.node.says = STORED
        self.pass_time(6.8)
        self.assertEqual(self.node.events, [1])
        self.pass_time(0.5)
        self.assertEqual(self.node.events, [1, 1, 2])
        self.assertEqual([note.kind for note in self.notes], [Kind.TROUBLE, Kind.RECOVERED])

    def test_a_key_that_the_node_refuses_buries_nothing(self) -> None:
        self.push("alice", 1)
        self.node.says = NO_KEY
        self.run_relay(self.relay(most_attempts=1))
        self.pass_time(60)
        self.assertEqual((self.waiting(), self.letters()), (1, []))
        self.assertIn("HTTP 401: this key is not known", self.notes[0].text)

    def test_something_else_that_answers_200_is_no_node(self) -> None:
        self.push("alice", 1)
        self.node.says = Answer(200, "", b"<html>welcome</html>")
        self.run_relay(self.relay())
        self.pass_time(1)
        self.assertEqual(self.waiting(), 1)

    def test_what_may_have_arrived_is_not_repeated_once_the_node_may_have_forgotten_it(self) -> None:
        self.push("alice", 1)
        self.node.says = BROKEN
        relay = self.relay()
        running = self.run_relay(relay)
        self.stop(relay, running)
        asked = len(self.node.asked)
        self.clock.advance(REPEATABLE_MS / 1000)
        self.run_relay(self.relay("r2"))
        self.pass_time(1)
        (letter,) = self.letters()
        self.assertEqual((letter.may_have_arrived, len(self.node.asked)), (True, asked))

    def test_what_did_not_arrive_is_posted_however_late(self) -> None:
        self.push("alice", 1)
        self.node.says = LATER
        relay = self.relay()
        running = self.run_relay(relay)
        self.pass_time(0.2)
        self.stop(relay, running)
        self.clock.advance(REPEATABLE_MS / 500)
        self.node.says = STORED
        self.run_relay(self.relay("r2"))
        self.assertEqual(self.node.events, [1, 1])

    def test_dead_letters_are_kept_for_their_days(self) -> None:
        self.push("alice", 1)
        self.node.says = REFUSED
        self.run_relay(self.relay(dead_days=1))
        self.pass_time(1)
        self.clock.advance(43_200)
        self.pass_time(1)
        self.assertEqual(len(self.letters()), 1)
        self.clock.advance(43_200)
        self.pass_time(1)
        self.assertEqual(self.letters(), [])

    def test_a_bug_ends_it(self) -> None:
        self.push("alice", 1)
        running = self.run_relay(self.relay(post=lambda key, body: fail(ZeroDivisionError())))
        self.pass_time(10)
        self.failureResultOf(running, ZeroDivisionError)
