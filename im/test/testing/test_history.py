"""The history checker finds what is planted, and nothing in a history without fault."""

from collections.abc import Sequence

from twisted.trial.unittest import SynchronousTestCase

from im.core.messages import Entry, Head
from im.testing.history import History, Outcome, Verdict

TALK = "d~alice~bob"


def entry(
    seq: int, sender: str = "alice", content: bytes = b"x", kind: int = 1, n: int | None = None
) -> Entry:
    return Entry(seq, seq if n is None else n, kind, sender, b"%016d" % seq, seq * 1000, content)


def head(user: str, length: int, unread: int, read: int = 0, delivered: int = 0) -> Head:
    head_fields = (TALK, length, length, 0, unread, read, delivered, 1, True, 1, 0, 0, 0)
    return Head(*head_fields, None)


class HistoryTests(SynchronousTestCase):
    """Alice sends three messages from her phone; bob's desk is handed them and reads two."""

    def setUp(self) -> None:
        self.history = History()
        self.log = [entry(seq) for seq in (1, 2, 3)]
        self.heads = {("alice", TALK): head("alice", 3, 0), ("bob", TALK): head("bob", 3, 1, 2, 3)}
        self.unread = {("desk", TALK): 1, ("phone", TALK): 0}
        self.history.began("phone", "alice")
        self.history.began("desk", "bob")
        for each in self.log:
            self.history.sending("phone", TALK, each.client_msg_id, each.content)

    def acknowledge(self, *seqs: int) -> None:
        for seq in seqs:
            self.history.acknowledged("phone", b"%016d" % seq, TALK, seq)

    def hand(self, seqs: Sequence[int], process: str = "desk") -> None:
        for seq in seqs:
            self.history.handed(process, TALK, entry(seq))

    def read(self) -> None:
        self.history.reading("bob", TALK, 2)
        self.history.read("bob", TALK, 2)

    def check(self) -> Verdict:
        return self.history.check(Outcome({TALK: self.log}, self.heads, self.unread, ["phone", "desk"]))

    def all_well(self) -> None:
        self.acknowledge(1, 2, 3)
        self.hand([1, 2, 3])
        self.read()

    def assert_found(self, words: str, lost: int = 0, duplicated: int = 0, reordered: int = 0) -> None:
        verdict = self.check()
        self.assertTrue(any(words in each for each in verdict.violations), verdict.violations)
        self.assertEqual((lost, duplicated, reordered), verdict[1:], verdict.violations)

    def test_a_history_without_fault(self) -> None:
        self.all_well()
        self.assertEqual(Verdict((), 0, 0, 0), self.check())

    def test_an_acknowledged_message_is_missing(self) -> None:
        self.acknowledge(1, 2, 3, 4)
        self.hand([1, 2, 3])
        self.read()
        self.assert_found("is not at", lost=1)

    def test_a_message_is_stored_twice(self) -> None:
        self.all_well()
        self.log[2] = self.log[2]._replace(client_msg_id=self.log[1].client_msg_id)
        self.assertIn("stored twice", "".join(self.check().violations))
        self.assertEqual(1, self.check().duplicated)

    def test_a_message_is_never_answered(self) -> None:
        self.acknowledge(1, 2)
        self.hand([1, 2, 3])
        self.read()
        self.assert_found("never answered", lost=1)

    def test_two_answers_differ(self) -> None:
        self.all_well()
        self.acknowledge(2)
        self.history.acknowledged("phone", b"%016d" % 2, TALK, 3)
        self.assert_found("acknowledged as", duplicated=1)

    def test_a_seq_is_left_out(self) -> None:
        self.all_well()
        del self.log[1]
        self.assertIn("the seqs are not 1 to 2", self.check().violations[0])

    def test_what_a_sender_sent_later_is_stored_earlier(self) -> None:
        first = self.log[0].client_msg_id
        self.log[0] = self.log[0]._replace(client_msg_id=self.log[1].client_msg_id)
        self.log[1] = self.log[1]._replace(client_msg_id=first)
        self.assertIn("was sent later", "".join(self.check().violations))

    def test_a_delivery_is_left_out(self) -> None:
        self.acknowledge(1, 2, 3)
        self.hand([1, 3])
        self.read()
        self.assert_found("after 1", lost=1, reordered=1)

    def test_a_delivery_comes_twice(self) -> None:
        self.acknowledge(1, 2, 3)
        self.hand([1, 2, 2, 3])
        self.read()
        self.assert_found("again", duplicated=1)

    def test_the_last_deliveries_are_missing(self) -> None:
        self.acknowledge(1, 2, 3)
        self.hand([1])
        self.read()
        self.assert_found("up to 1 of 3", lost=2)

    def test_something_else_is_handed_out(self) -> None:
        self.all_well()
        self.history.handed("desk", TALK, entry(4))
        self.assert_found("does not have", lost=1)

    def test_what_failed_is_stored_all_the_same(self) -> None:
        self.all_well()
        self.history.refused("phone", b"%016d" % 2, "conflict")
        self.assertIn("yet it is stored", "".join(self.check().violations))

    def test_unread_is_recounted(self) -> None:
        self.all_well()
        self.heads["bob", TALK] = head("bob", 3, 2, 2, 3)
        self.assert_found("bob has 1 unread")

    def test_a_client_shows_another_number(self) -> None:
        self.all_well()
        self.unread["desk", TALK] = 0
        self.assert_found("desk shows 0 unread")

    def test_a_running_count_is_wrong(self) -> None:
        self.all_well()
        self.log[1] = entry(2, n=1)
        self.assert_found("running count")

    def test_a_read_that_was_confirmed_is_lost(self) -> None:
        self.all_well()
        self.heads["bob", TALK] = head("bob", 3, 2, 1, 3)
        self.assert_found("bob has read")

    def test_a_read_that_nobody_asked_for(self) -> None:
        self.all_well()
        self.heads["bob", TALK] = head("bob", 3, 0, 3, 3)
        self.assert_found("bob has read")

    def test_a_send_says_what_was_seen(self) -> None:
        self.all_well()
        self.log.append(entry(4, "bob"))
        self.history.sending("desk", TALK, b"%016d" % 4, b"x", seen_seq=3)
        self.history.acknowledged("desk", b"%016d" % 4, TALK, 4)
        self.history.handed("phone", TALK, entry(4, "bob"))
        self.heads["bob", TALK] = head("bob", 4, 0, 3, 4)
        self.heads["alice", TALK] = head("alice", 4, 1, 0, 4)
        self.unread = {("desk", TALK): 0, ("phone", TALK): 1}
        self.assertEqual((), self.check().violations)

    def test_marks_go_back(self) -> None:
        self.all_well()
        self.history.marked("phone", TALK, "bob", 2, 3)
        self.history.marked("phone", TALK, "bob", 1, 3)
        self.assert_found("went back")

    def test_a_mark_is_beyond_the_head(self) -> None:
        self.all_well()
        self.history.marked("phone", TALK, "bob", 0, 4)
        self.assert_found("the head is 3")

    def test_a_process_that_continues_may_be_handed_something_again(self) -> None:
        self.acknowledge(1, 2, 3)
        self.hand([1, 2])
        self.read()
        self.history.began("desk", "bob", continues=True)
        self.hand([1, 2, 3])
        self.assertEqual((), self.check().violations)

    def test_a_process_that_continues_may_leave_nothing_out(self) -> None:
        self.acknowledge(1, 2, 3)
        self.hand([1])
        self.read()
        self.history.began("desk", "bob", continues=True)
        self.hand([3])
        self.assert_found("after 1", lost=1, reordered=1)

    def test_a_process_without_state_begins_where_its_user_was(self) -> None:
        self.acknowledge(1, 2, 3)
        self.hand([1, 2])
        self.read()
        self.history.began("desk", "bob")
        self.history.placed("desk", TALK)
        self.hand([3])
        self.assertEqual((), self.check().violations)

    def test_a_process_without_state_may_begin_no_further(self) -> None:
        self.acknowledge(1, 2, 3)
        self.hand([1])
        self.read()
        self.history.began("desk", "bob")
        self.history.placed("desk", TALK)
        self.hand([3])
        self.assert_found("after 1", lost=1, reordered=1)

    def test_a_process_without_state_begins_at_the_first_entry_of_what_is_new(self) -> None:
        self.acknowledge(1, 2, 3)
        self.hand([1, 2])
        self.read()
        self.history.began("desk", "bob")
        self.hand([3])
        self.assert_found("after 0", lost=2, reordered=1)

    def test_sends_of_a_process_that_died_need_no_answer(self) -> None:
        self.all_well()
        self.history.sending("phone", TALK, b"%016d" % 9, b"x")
        self.history.began("phone", "alice")
        self.history.placed("phone", TALK)
        self.assertEqual((), self.check().violations)
