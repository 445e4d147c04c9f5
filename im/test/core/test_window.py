"""The delivery window."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from im.core.window import MARKS, DeliveryWindow, WindowBounds

BOUNDS = WindowBounds(deliveries=4, bytes=100, resend_ticks=10, resends=2)


class WindowTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.window = DeliveryWindow(BOUNDS)
        self.told: list[tuple[int, bool]] = []

    def add(self, conversation: str, *seqs: int, now: int = 0) -> list[bool]:
        return [self.window.add(conversation, seq, b"%d" % seq, now) for seq in seqs]

    def wait(self, conversation: str, seq: int) -> bool:
        return self.window.wait(conversation, seq, lambda arrived: self.told.append((seq, arrived)))

    def test_an_acknowledgement_is_cumulative_for_its_conversation(self) -> None:
        self.add("a", 1, 2, 3)
        self.add("b", 1)
        self.assertEqual(self.window.acknowledge("a", 2, 0), 2)
        self.assertEqual(len(self.window), 2)
        self.assertEqual(list(self.window.frames()), [b"3", b"1"])
        self.assertEqual(self.window.acknowledge("a", 7, 0), 1)
        self.assertEqual(self.window.acknowledge("b", 1, 0), 1)
        self.assertIsNone(self.window.next_due())

    def test_an_acknowledgement_of_nothing_is_harmless(self) -> None:
        self.assertEqual(self.window.acknowledge("a", 5, 0), 0)

    def test_a_delivery_in_flight_is_not_written_twice(self) -> None:
        self.assertEqual(self.add("a", 2, 2), [True, False])
        self.assertFalse(self.window.has_marks)

    def test_deliveries_out_of_order_are_kept_in_order(self) -> None:
        self.assertEqual(self.add("a", 3, 1, 2), [True, True, True])
        self.assertEqual(list(self.window.frames()), [b"1", b"2", b"3"])
        self.assertEqual(self.window.acknowledge("a", 1, 0), 1)

    def test_what_is_not_acknowledged_is_due_in_order_after_doubling_times(self) -> None:
        self.add("a", 1, 2)
        self.assertEqual(self.window.due(9), ([], False))
        self.assertEqual(self.window.due(10), ([b"1", b"2"], False))
        self.assertEqual(self.window.next_due(), 30)
        self.assertEqual(self.window.due(30), ([b"1", b"2"], False))
        self.assertEqual(self.window.next_due(), 70)
        self.assertEqual(self.window.due(69), ([], False))
        self.assertEqual(self.window.due(70), ([], True))

    def test_it_tells_how_often_what_is_in_flight_was_resent(self) -> None:
        self.add("a", 1, 2)
        self.assertEqual([self.window.resends_of("a", seq) for seq in (1, 2, 3)], [0, 0, None])
        self.assertIsNone(self.window.resends_of("b", 1))
        self.window.due(10)
        self.window.acknowledge("a", 1, 10)
        self.assertEqual([self.window.resends_of("a", seq) for seq in (1, 2)], [None, 0])

    def test_it_tells_which_conversations_are_marked(self) -> None:
        self.assertFalse(self.window.is_marked("a"))
        self.window.mark("a")
        self.assertEqual([self.window.is_marked(each) for each in "ab"], [True, False])
        for number in range(MARKS):
            self.window.mark(f"c{number}")
        self.assertTrue(self.window.is_marked("b"))
        self.window.take_marks()
        self.assertFalse(self.window.is_marked("a"))

    def test_only_the_conversation_that_waits_is_resent(self) -> None:
        self.add("a", 1)
        self.add("b", 2, now=5)
        self.assertEqual(self.window.due(10), ([b"1"], False))
        self.assertEqual(self.window.next_due(), 15)

    def test_progress_starts_the_waiting_anew(self) -> None:
        self.add("a", 5, 6)
        self.window.due(10)
        self.assertEqual(self.window.acknowledge("a", 5, 12), 1)
        self.assertEqual(self.window.next_due(), 22)

    def test_a_client_that_fills_a_hole_below_makes_progress(self) -> None:
        self.add("a", 9)
        self.window.due(10)
        self.assertEqual(self.window.acknowledge("a", 3, 12), 0)
        self.assertEqual(self.window.next_due(), 22)

    def test_the_same_acknowledgement_again_is_no_progress(self) -> None:
        self.add("a", 9)
        self.window.acknowledge("a", 3, 5)
        self.window.acknowledge("a", 3, 9)
        self.assertEqual(self.window.next_due(), 15)

    def test_a_full_window_drops_the_conversation_and_marks_it(self) -> None:
        self.add("b", 1)
        self.assertEqual(self.add("a", 1, 2, 3, 4), [True, True, True, False])
        self.assertEqual(len(self.window), 1)
        self.assertEqual(list(self.window.frames()), [b"1"])
        self.assertTrue(self.window.has_marks)
        self.assertEqual(self.window.take_marks(), ("a",))
        self.assertFalse(self.window.has_marks)

    def test_a_full_window_marks_a_conversation_that_has_nothing_in_it(self) -> None:
        self.add("a", 1, 2, 3, 4)
        self.assertEqual(self.add("b", 1), [False])
        self.assertEqual(len(self.window), 4)
        self.assertEqual(self.window.take_marks(), ("b",))

    def test_bytes_fill_it_too(self) -> None:
        self.assertTrue(self.window.add("a", 1, b"x" * 60, 0))
        self.assertFalse(self.window.add("b", 1, b"x" * 41, 0))
        self.window.acknowledge("a", 1, 0)
        self.assertTrue(self.window.add("b", 1, b"x" * 100, 0))

    def test_conversations_that_were_dropped_fill_it_until_they_are_acknowledged(self) -> None:
        self.add("x", 1, 2)
        self.add("y", 1)
        for conversation in "abcd":  # each takes the last place, and loses it to its own overflow
            self.add(conversation, 1, 2)
        self.assertEqual(self.add("e", 1), [False])
        self.assertEqual(self.window.take_marks(), ("a", "b", "c", "d", "e"))
        self.assertEqual(self.add("x", 3), [True])
        self.window.acknowledge("x", 3, 0)
        self.assertEqual(self.add("e", 2), [True])

    def test_an_overflow_gains_no_time(self) -> None:
        self.add("a", 1, 2, 3, 4, 5)
        self.add("a", 6, now=8)
        self.assertEqual(self.window.due(10), ([b"6"], False))

    def test_whoever_ignores_the_resync_too_is_given_up(self) -> None:
        self.add("a", 1, 2, 3, 4, 5)
        self.assertEqual(self.window.due(10), ([], False))
        self.assertEqual(self.window.due(30), ([], False))
        self.assertEqual(self.window.due(70), ([], True))

    def test_any_acknowledgement_after_an_overflow_is_a_sign_of_life(self) -> None:
        self.add("a", 1, 2, 3, 4, 5)
        self.window.acknowledge("a", 1, 3)
        self.assertIsNone(self.window.next_due())

    def test_postponing_starts_the_waiting_at_that_moment(self) -> None:
        self.add("a", 1)
        self.window.postpone(50)
        self.assertEqual(self.window.next_due(), 60)

    def test_postponing_shortens_no_waiting(self) -> None:
        self.add("a", 1)
        self.window.due(10)
        self.window.postpone(12)
        self.assertEqual(self.window.next_due(), 30)

    def test_marks_are_named_once_each_in_order(self) -> None:
        for conversation in ("b", "a", "b"):
            self.window.mark(conversation)
        self.assertEqual(self.window.take_marks(), ("b", "a"))

    def test_too_many_marks_mean_any(self) -> None:
        for number in range(MARKS + 2):
            self.window.mark(str(number))
        self.assertTrue(self.window.has_marks)
        self.assertEqual(self.window.take_marks(), ())
        self.assertFalse(self.window.has_marks)

    def test_a_waiter_hears_of_the_acknowledgement(self) -> None:
        self.add("a", 1, 2)
        self.assertTrue(self.wait("a", 2))
        self.assertTrue(self.wait("a", 1))
        self.window.acknowledge("a", 1, 0)
        self.assertEqual(self.told, [(1, True)])
        self.window.acknowledge("a", 2, 0)
        self.assertEqual(self.told, [(1, True), (2, True)])

    def test_nobody_can_wait_for_what_is_not_in_flight(self) -> None:
        self.add("a", 1)
        self.assertFalse(self.wait("a", 2))
        self.assertFalse(self.wait("b", 1))

    def test_waiters_of_one_conversation_do_not_hear_of_another(self) -> None:
        self.add("a", 1)
        self.add("b", 1)
        self.wait("a", 1)
        self.wait("b", 1)
        self.window.acknowledge("b", 1, 0)
        self.window.acknowledge("a", 1, 0)
        self.assertEqual(self.told, [(1, True), (1, True)])

    def test_a_waiter_hears_that_its_delivery_was_dropped(self) -> None:
        self.add("a", 1, 2, 3, 4)
        self.wait("a", 2)
        self.add("a", 5)
        self.assertEqual(self.told, [(2, False)])

    def test_the_end_tells_all_who_wait_and_forgets_everything(self) -> None:
        self.add("a", 1)
        self.add("b", 3)
        self.wait("a", 1)
        self.wait("b", 3)
        self.window.mark("c")
        self.window.abandon()
        self.assertEqual(sorted(self.told), [(1, False), (3, False)])
        self.assertEqual((len(self.window), self.window.has_marks, self.window.next_due()), (0, False, None))

    @settings(derandomize=True, deadline=None, max_examples=150)
    @given(
        st.lists(
            st.tuples(st.sampled_from(["add", "ack", "tick"]), st.sampled_from("abcdef"), st.integers(1, 12)),
            max_size=80,
        )
    )
    def test_it_agrees_with_sets_of_seqs(self, steps: list[tuple[str, str, int]]) -> None:
        window = DeliveryWindow(BOUNDS)
        model: dict[str, set[int]] = {}
        marked: set[str] = set()
        now = 0
        for step, conversation, number in steps:
            mine = model.get(conversation, set())
            if step == "add":
                is_full = sum(map(len, model.values())) >= BOUNDS.deliveries or (
                    conversation not in model and len(model) >= BOUNDS.deliveries
                )
                is_new = number not in mine
                self.assertEqual(
                    window.add(conversation, number, b"%d" % number, now), is_new and not is_full
                )
                if is_full:
                    mine.clear()
                    marked.add(conversation)
                else:
                    mine.add(number)
                    model[conversation] = mine
            elif step == "ack":
                gone = {seq for seq in mine if seq <= number}
                self.assertEqual(window.acknowledge(conversation, number, now), len(gone))
                mine -= gone
                if not mine:
                    model.pop(conversation, None)
            else:
                now += number
                due = window.due(now)
                if due.given_up:
                    return
                self.assertTrue(set(due.frames) <= {b"%d" % seq for seqs in model.values() for seq in seqs})
                following = window.next_due()
                self.assertTrue(following is None or following > now)
            flying = sorted(b"%d" % seq for seqs in model.values() for seq in seqs)
            self.assertEqual(sorted(window.frames()), flying)
            self.assertEqual(len(window), len(flying))
        self.assertEqual(set(window.take_marks()), marked)


class RunTests(SynchronousTestCase):
    """Deliveries that come several at once."""

    def setUp(self) -> None:
        self.window = DeliveryWindow(WindowBounds(4, 100, 10, 1))
        self.entries = [(5, b"five"), (6, b"six")]

    def test_a_run_is_in_flight_as_its_deliveries_are(self) -> None:
        self.assertTrue(self.window.add_run("c", self.entries, 7, 0))
        self.assertTrue(self.window.add_run("c", [(7, b"seven")], 5, 0))
        self.assertEqual((3, [b"five", b"six", b"seven"]), (len(self.window), list(self.window.frames())))
        self.assertEqual(2, self.window.acknowledge("c", 6, 0))
        self.assertEqual([b"seven"], self.window.due(10).frames)
        self.assertEqual([(5, b"five"), (6, b"six")], self.entries)

    def test_what_does_not_fit_or_is_there_is_left_to_be_added_one_by_one(self) -> None:
        self.assertFalse(self.window.add_run("c", self.entries, 101, 0))
        self.assertFalse(self.window.add_run("c", [(seq, b"") for seq in range(1, 6)], 0, 0))
        self.assertTrue(self.window.add_run("c", self.entries, 7, 0))
        self.assertFalse(self.window.add_run("c", [(6, b"six"), (7, b"seven")], 8, 0))
        self.assertEqual((2, False), (len(self.window), self.window.has_marks))

    def test_a_window_of_emptied_conversations_takes_no_further_one(self) -> None:
        window = DeliveryWindow(WindowBounds(2, 10, 10, 1))
        for conversation in ("a", "b"):
            window.add(conversation, 1, b"too long for it", 0)
            window.add(conversation, 1, b"fits", 0)
            window.add(conversation, 2, b"is too long now", 0)
        self.assertFalse(window.add_run("c", [(1, b"")], 0, 0))
