"""The transcript of a chat: each entry once, in order, with the right marks."""

from twisted.trial.unittest import SynchronousTestCase

from im.cli.marks import Mark, mark_of
from im.cli.records import Shown
from im.cli.transcript import MAX_LINES, Line, Transcript


def entry(seq: int, sender: str = "bob", text: str = "hi") -> Shown:
    return Shown("d~alice~bob", seq, sender, 1, text, 1_000 + seq, text)


class MarkTest(SynchronousTestCase):
    def test_a_mark_follows_the_other_sides_cursors(self) -> None:
        self.assertEqual(mark_of(3, 2, 1), Mark.SENT)
        self.assertEqual(mark_of(2, 2, 1), Mark.DELIVERED)
        self.assertEqual(mark_of(1, 2, 1), Mark.READ)

    def test_who_has_read_has_received(self) -> None:
        self.assertEqual(mark_of(3, 0, 3), Mark.READ)


class TranscriptTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.transcript = Transcript("alice")

    def add(self, each: Shown, client_msg_id: bytes = b"") -> Line | None:
        return self.transcript.entry(each, client_msg_id)

    def seqs(self) -> list[int]:
        return [line.seq for line in self.transcript]

    def test_an_entry_is_shown_once(self) -> None:
        self.assertIsNotNone(self.add(entry(1)))
        self.assertIsNone(self.add(entry(1)))
        self.assertEqual(self.seqs(), [1])

    def test_late_entries_take_their_place(self) -> None:
        for seq in (5, 4, 6):
            self.add(entry(seq))
        self.assertEqual(self.seqs(), [4, 5, 6])
        self.assertEqual(self.transcript.last_seq, 6)

    def test_an_own_message_stands_last_until_it_is_stored(self) -> None:
        own = self.transcript.pending(b"id", "mine")
        self.add(entry(1))
        self.assertEqual(self.seqs(), [1, 0])
        self.assertEqual((own.mark, self.transcript.waiting), (Mark.WAITING, 1))
        self.assertIs(self.transcript.sent(b"id", 2, 77), own)
        self.assertEqual((own.seq, own.time_ms, own.mark, self.transcript.waiting), (2, 77, Mark.SENT, 0))

    def test_an_own_message_that_is_met_in_the_log_is_stored(self) -> None:
        own = self.transcript.pending(b"id", "mine")
        self.assertIs(self.add(entry(1, "alice", "mine"), b"id"), own)
        self.assertIsNone(self.transcript.sent(b"id", 1, 77))
        self.assertEqual(self.seqs(), [1])

    def test_a_message_without_an_answer_is_unknown_and_still_waits(self) -> None:
        own = self.transcript.pending(b"id", "mine")
        self.transcript.unknown(b"id")
        self.assertEqual((own.mark, self.transcript.waiting), (Mark.UNKNOWN, 1))

    def test_a_refused_message_is_failed_with_its_reason_and_waits_no_more(self) -> None:
        own = self.transcript.pending(b"id", "mine")
        self.transcript.failed(b"id", "too long")
        self.assertEqual((own.mark, own.reason, self.transcript.waiting), (Mark.FAILED, "too long", 0))

    def test_cursors_move_marks_forward_only(self) -> None:
        for seq in (1, 2):
            self.add(entry(seq, "alice"), bytes([seq]))
        self.add(entry(3, "bob"))
        self.assertEqual([line.seq for line in self.transcript.cursors(2, 1)], [1, 2])
        self.assertEqual([line.mark for line in self.transcript], [Mark.READ, Mark.DELIVERED, None])
        self.assertEqual(self.transcript.cursors(0, 0), [])

    def test_what_is_stored_behind_a_cursor_has_its_mark_at_once(self) -> None:
        self.transcript.cursors(5, 4)
        self.add(entry(4, "alice"), b"4")
        self.assertEqual([line.mark for line in self.transcript], [Mark.READ])

    def test_it_does_not_grow_without_bound(self) -> None:
        for seq in range(1, MAX_LINES + 3):
            self.add(entry(seq))
        self.assertEqual((len(self.seqs()), self.seqs()[0]), (MAX_LINES, 3))
