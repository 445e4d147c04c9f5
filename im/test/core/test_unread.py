"""Unread against a naive model that counts the entries themselves."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from im.core.unread import Cursors

COUNTS = {"me": True, "peer": True, "system": False}


class Log:
    """A conversation as a list of senders, and what one member has seen, counted one by one."""

    def __init__(self, *senders: str) -> None:
        self.senders: list[str] = []
        self.cursors = Cursors()
        self.seen: set[int] = set()
        self.gone: set[int] = set()
        self.look_ups: list[int] = []
        for sender in senders:
            self.add(sender)

    @property
    def n(self) -> int:
        """The running count at the head."""
        return sum(COUNTS[sender] for sender in self.senders)

    def look_up(self, seq: int) -> tuple[int, int]:
        self.look_ups.append(seq)
        n = sum(COUNTS[sender] for sender in self.senders[:seq])
        return n, self.senders[seq:].count("me")

    def add(self, sender: str) -> None:
        self.senders.append(sender)
        if sender == "me":
            self.cursors.add_own(len(self.senders), self.n, True)

    def read(self, seq: int) -> bool:
        self.seen.update(range(1, min(seq, len(self.senders)) + 1))
        return self.cursors.move_read(seq, len(self.senders), self.n, self.look_up)

    def clear(self, seq: int) -> bool:
        self.seen.update(range(1, min(seq, len(self.senders)) + 1))
        return self.cursors.move_clear(seq, len(self.senders), self.n, self.look_up)

    def recall(self, seq: int) -> None:
        if 1 <= seq <= len(self.senders) and COUNTS[self.senders[seq - 1]]:
            self.gone.add(seq)

    def rejoin(self, history_seq: int) -> None:
        """Leave, and come in again with a system entry."""
        self.seen.update(range(1, len(self.senders) + 1))
        n_before = self.n
        self.add("system")
        self.cursors.join(len(self.senders), n_before, history_seq)

    @property
    def unread(self) -> int:
        after = self.cursors.seen()[0]
        gone = sum(seq > after and self.senders[seq - 1] == "peer" for seq in self.gone)
        return self.cursors.unread(self.n, gone)

    def recount(self) -> int:
        return sum(
            sender == "peer" and seq not in self.seen | self.gone
            for seq, sender in enumerate(self.senders, start=1)
        )


class UnreadTests(SynchronousTestCase):
    def test_an_empty_conversation_has_nothing_unread(self) -> None:
        self.assertEqual(0, Log().unread)

    def test_system_entries_do_not_count(self) -> None:
        self.assertEqual(1, Log("system", "peer", "system").unread)

    def test_one_s_own_entry_reads_nothing_of_others(self) -> None:
        log = Log("peer", "peer", "me")
        self.assertEqual((2, 0), (log.unread, log.cursors.own_last_seq))
        log.read(1)
        self.assertEqual(1, log.unread)

    def test_one_s_own_entry_moves_along_where_all_is_seen(self) -> None:
        log = Log("peer")
        log.read(1)
        log.add("me")
        self.assertEqual((0, 2), (log.unread, log.cursors.own_last_seq))

    def test_an_own_entry_that_does_not_count_changes_no_number(self) -> None:
        log = Log("peer", "system")
        log.cursors.add_own(2, 1, False)
        self.assertEqual((1, 0, 2), (log.unread, log.cursors.own_after, log.cursors.own_max_seq))

    def test_reading_stops_at_the_head(self) -> None:
        log = Log("peer")
        self.assertTrue(log.read(99))
        self.assertEqual(1, log.cursors.read_seq)

    def test_reading_never_moves_back(self) -> None:
        log = Log("peer", "peer")
        log.read(2)
        self.assertFalse(log.read(1))
        self.assertFalse(log.read(2))
        self.assertEqual((2, 2), (log.cursors.read_seq, log.cursors.read_n))

    def test_reading_what_was_passed_anyway_changes_no_number(self) -> None:
        log = Log("me", "me", "peer", "me")
        self.assertTrue(log.read(1))
        self.assertEqual((1, 1, 1), (log.unread, log.cursors.read_seq, log.cursors.own_after))

    def test_reading_to_the_head_needs_no_look_up(self) -> None:
        log = Log("peer", "system", "me", "peer", "me")
        log.read(5)
        self.assertEqual((0, []), (log.unread, log.look_ups))

    def test_reading_where_every_entry_counts_needs_no_look_up(self) -> None:
        log = Log("peer", "peer", "peer")
        log.read(2)
        self.assertEqual((1, []), (log.unread, log.look_ups))

    def test_reading_past_the_newest_own_entry_needs_no_look_up(self) -> None:
        log = Log("peer", "me", "peer", "peer")
        log.read(3)
        self.assertEqual((1, []), (log.unread, log.look_ups))

    def test_reading_up_to_between_own_entries_looks_up_once(self) -> None:
        log = Log("peer", "me", "peer", "me", "peer")
        log.read(3)
        self.assertEqual((1, 1, [3]), (log.unread, log.cursors.own_after, log.look_ups))

    def test_a_cleared_or_joined_conversation_begins_behind_that(self) -> None:
        self.assertEqual(1, Cursors().visible_from)
        joined = Cursors(join_seq=5, join_n=3)
        self.assertEqual((5, 2), (joined.visible_from, joined.unread(5)))
        cleared = Cursors(join_seq=5, join_n=3, clear_seq=7, clear_n=4)
        self.assertEqual((8, 1), (cleared.visible_from, cleared.unread(5)))

    def test_who_joins_may_see_what_was_before_without_its_being_unread(self) -> None:
        log = Log("peer", "peer")
        log.rejoin(1)
        log.add("peer")
        self.assertEqual((1, 1), (log.cursors.visible_from, log.unread))

    def test_who_comes_again_sees_from_then_on(self) -> None:
        log = Log("peer", "me", "peer")
        log.rejoin(0)
        log.add("peer")
        self.assertEqual((4, 1), (log.cursors.visible_from, log.unread))

    def test_clearing_stops_at_the_head_and_never_moves_back(self) -> None:
        log = Log("peer", "me", "peer")
        self.assertTrue(log.clear(2))
        self.assertFalse(log.clear(1))
        self.assertEqual((3, 1), (log.cursors.visible_from, log.unread))
        self.assertTrue(log.clear(99))
        self.assertEqual((4, 0), (log.cursors.visible_from, log.unread))

    def test_clearing_what_was_read_changes_no_number(self) -> None:
        log = Log("peer", "peer", "me", "peer")
        log.read(3)
        self.assertTrue(log.clear(1))
        self.assertEqual((2, 1), (log.cursors.visible_from, log.unread))

    def test_a_recalled_message_is_not_unread(self) -> None:
        log = Log("peer", "peer", "me")
        log.recall(1)
        log.recall(3)
        self.assertEqual(1, log.unread)
        log.read(1)
        self.assertEqual(1, log.unread)

    @given(st.lists(st.one_of(st.sampled_from(sorted(COUNTS)), st.integers(0, 12)), max_size=30))
    @settings(derandomize=True, deadline=None, max_examples=500)
    def test_unread_is_what_a_recount_finds(self, steps: list[str | int]) -> None:
        log = Log()
        for step in steps:
            if isinstance(step, int):
                log.read(step)
            else:
                log.add(step)
            self.assertEqual(log.recount(), log.unread)

    @given(
        st.lists(
            st.one_of(
                st.sampled_from(sorted(COUNTS)),
                st.tuples(st.sampled_from(["read", "clear", "recall", "rejoin"]), st.integers(0, 12)),
            ),
            max_size=40,
        )
    )
    @settings(derandomize=True, deadline=None, max_examples=1_000)
    def test_unread_is_what_a_recount_finds_after_recalls_clearing_and_coming_again(
        self, steps: list[str | tuple[str, int]]
    ) -> None:
        log = Log()
        for step in steps:
            if isinstance(step, str):
                log.add(step)
            else:
                name, seq = step
                getattr(log, name)(seq)
            self.assertEqual(log.recount(), log.unread)
