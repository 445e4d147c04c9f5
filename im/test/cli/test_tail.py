"""Tail: what was shown counts as received, and nothing else."""

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from im.cli.commands.tail import Tail
from im.cli.failures import Failure
from im.client.core.events import Message


def message(seq: int, sender: str = "alice") -> Message:
    return Message("d~alice~bob", "e", seq, 1, sender, b"", 0, b"hi")


class TailTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.seqs: list[int] = []

    def tail(self, count: int | None = None) -> Tail:
        return Tail("bob", count, lambda message: self.seqs.append(message.seq), self.clock)

    def is_received(self, tail: Tail, each: Message, is_news: bool = True) -> bool:
        return tail.message(each, is_news) is None

    def test_it_ends_after_so_many_and_receives_no_more(self) -> None:
        tail = self.tail(2)
        received = [self.is_received(tail, message(seq)) for seq in (1, 2, 3)]
        self.assertEqual((received, self.seqs), ([True, True, False], [1, 2]))
        self.assertNoResult(tail.ended)
        self.clock.advance(0)
        self.assertIsNone(self.successResultOf(tail.ended))

    def test_own_messages_and_old_ones_are_received_but_not_shown(self) -> None:
        tail = self.tail(1)
        self.assertTrue(self.is_received(tail, message(1, "bob")))
        self.assertTrue(self.is_received(tail, message(2), is_news=False))
        self.assertEqual(self.seqs, [])

    def test_when_the_time_is_over_it_ends_well_unless_too_few_came(self) -> None:
        tail = self.tail()
        tail.expire()
        tail.expire()
        self.assertIsNone(self.successResultOf(tail.ended))
        tail = self.tail(2)
        self.is_received(tail, message(1))
        tail.expire()
        self.assertIn("1 of 2", str(self.failureResultOf(tail.ended, Failure).value))

    def test_the_last_one_may_come_with_the_end_of_the_time(self) -> None:
        tail = self.tail(1)
        self.is_received(tail, message(1))
        tail.expire()
        self.clock.advance(0)
        self.assertIsNone(self.successResultOf(tail.ended))

    def test_what_nobody_could_read_is_not_received(self) -> None:
        def show(message: Message) -> None:
            raise BrokenPipeError

        tail = Tail("bob", None, show, self.clock)
        self.assertIsInstance(tail.message(message(1), True), Deferred)
        self.failureResultOf(tail.ended, BrokenPipeError)
        self.assertFalse(self.is_received(tail, message(2)))

    def test_a_signal_is_shown_and_counts(self) -> None:
        tail = self.tail(1)
        tail.signal(lambda: self.seqs.append(0))
        tail.signal(lambda: self.seqs.append(0))
        self.clock.advance(0)
        self.assertIsNone(self.successResultOf(tail.ended))
        self.assertEqual(self.seqs, [0])
