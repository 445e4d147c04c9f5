"""Every schedule in which a node was not told something shows in its hops."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from im.core.hops import SILENCE_SECONDS, UNHEARD_SECONDS, Hops


class HopTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.hops = Hops()

    def test_messages_in_order_leave_no_doubt(self) -> None:
        for number in (1, 2, 3):
            self.assertEqual(self.hops.message("w", number, 0.0), "")
        self.assertEqual(self.hops.beat("w", 3, 1.0), "")

    def test_the_first_message_of_a_hop_is_the_first(self) -> None:
        self.assertEqual(self.hops.message("w", 2, 0.0), "after message 0 of w came 2")

    def test_a_hole_is_a_doubt(self) -> None:
        self.hops.message("w", 1, 0.0)
        self.assertEqual(self.hops.message("w", 3, 0.0), "after message 1 of w came 3")

    def test_a_lost_last_message_is_found_by_the_beat(self) -> None:
        self.hops.message("w", 1, 0.0)
        self.assertEqual(self.hops.beat("w", 2, 1.0), "message 2 of w did not come, only 1")
        self.assertEqual(self.hops.beat("v", 0, 1.0), "")
        self.assertEqual(self.hops.beat("u", 1, 1.0), "message 1 of u did not come, only 0")

    def test_hops_of_different_workers_have_their_own_numbers(self) -> None:
        self.assertEqual([self.hops.message(worker, 1, 0.0) for worker in "vw"], ["", ""])

    def test_silence_is_a_doubt_until_the_worker_said_that_it_ends(self) -> None:
        self.hops.beat("w", 0, 0.0)
        self.assertEqual(self.hops.silent(SILENCE_SECONDS), "")
        self.assertEqual(self.hops.silent(SILENCE_SECONDS + 0.1), "worker w is silent")
        self.hops.ended("w")
        self.hops.ended("w")
        self.assertEqual(self.hops.silent(100.0), "")

    def test_a_live_worker_that_was_never_heard_is_a_doubt(self) -> None:
        self.assertEqual(self.hops.named(["w"], 0.0), "")
        self.assertEqual(self.hops.named(["w"], UNHEARD_SECONDS), "")
        self.assertEqual(self.hops.named(["w"], UNHEARD_SECONDS + 1), "worker w lives and was never heard")
        self.hops.beat("w", 0, 7.0)
        self.assertEqual(self.hops.named(["w"], 20.0), "")

    def test_a_worker_that_went_and_came_back_has_its_time_anew(self) -> None:
        self.hops.named(["w"], 0.0)
        self.hops.named([], 1.0)
        self.assertEqual(self.hops.named(["w"], UNHEARD_SECONDS + 1), "")

    @settings(derandomize=True, deadline=None, max_examples=200, database=None)
    @given(st.lists(st.booleans(), min_size=1, max_size=30))
    def test_whatever_is_lost_the_next_beat_at_the_latest_tells(self, arrives: list[bool]) -> None:
        hops, doubts = Hops(), []
        for number, came in enumerate(arrives, 1):
            if came:
                doubts.append(hops.message("w", number, 0.0))
        doubts.append(hops.beat("w", len(arrives), 0.0))
        self.assertEqual(any(doubts), not all(arrives))
