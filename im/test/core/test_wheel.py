"""The timing wheel."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from im.core.wheel import Timer, Wheel


class WheelTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.wheel = Wheel(8)
        self.fired: list[str] = []

    def timer(self, deadline: int, name: str) -> Timer:
        return self.wheel.schedule(deadline, lambda: self.fired.append(name))

    def advance(self, to: int) -> list[str]:
        self.fired.clear()
        for timer in self.wheel.advance(to):
            timer.fire()
        return list(self.fired)

    def test_a_timer_expires_at_its_tick_and_not_before(self) -> None:
        self.timer(3, "a")
        self.assertEqual(self.advance(2), [])
        self.assertEqual(self.advance(3), ["a"])
        self.assertEqual(self.advance(20), [])

    def test_a_deadline_that_has_passed_means_the_next_tick(self) -> None:
        self.advance(5)
        self.timer(2, "late")
        self.assertEqual(self.advance(6), ["late"])

    def test_a_far_deadline_waits_for_its_turn_of_the_wheel(self) -> None:
        self.timer(19, "far")
        self.assertEqual(self.advance(18), [])
        self.assertEqual(self.advance(19), ["far"])

    def test_timers_of_one_tick_fire_in_the_order_of_their_making(self) -> None:
        for name in "abc":
            self.timer(4, name)
        self.assertEqual(self.advance(4), ["a", "b", "c"])

    def test_a_jump_over_many_turns_fires_by_deadline(self) -> None:
        self.timer(17, "second")
        self.timer(10, "first")
        self.assertEqual(self.advance(100), ["first", "second"])
        self.assertEqual(self.wheel.now, 100)

    def test_a_cancelled_timer_never_fires_and_is_let_go(self) -> None:
        timer = self.timer(3, "a")
        self.wheel.cancel(timer)
        self.wheel.cancel(timer)
        self.assertEqual(len(self.wheel), 0)
        self.assertEqual(self.advance(10), [])

    def test_a_timer_cancelled_after_it_expired_does_not_fire(self) -> None:
        first = self.timer(3, "first")
        (expired,) = self.wheel.advance(3)
        self.wheel.cancel(first)
        expired.fire()
        self.assertEqual(self.fired, [])

    def test_a_timer_fires_once(self) -> None:
        timer = self.timer(1, "a")
        timer.fire()
        timer.fire()
        self.assertEqual(self.fired, ["a"])

    def test_time_does_not_run_back(self) -> None:
        self.advance(5)
        self.advance(3)
        self.assertEqual(self.wheel.now, 5)

    def test_the_size_must_be_a_power_of_two(self) -> None:
        for size in (0, 3, -4):
            with self.assertRaises(ValueError):
                Wheel(size)

    @settings(derandomize=True, deadline=None, max_examples=150)
    @given(
        st.lists(
            st.one_of(
                st.tuples(st.just("schedule"), st.integers(0, 60)),
                st.tuples(st.just("cancel"), st.integers(0, 30)),
                st.tuples(st.just("advance"), st.integers(0, 25)),
            ),
            max_size=60,
        )
    )
    def test_it_agrees_with_a_sorted_list(self, steps: list[tuple[str, int]]) -> None:
        wheel, made, pending, fired = Wheel(8), list[Timer](), dict[int, int](), list[int]()
        for step, value in steps:
            if step == "schedule":
                number = len(made)
                deadline = wheel.now + value
                made.append(wheel.schedule(deadline, lambda number=number: fired.append(number)))  # type: ignore[misc]
                pending[number] = max(deadline, wheel.now + 1)
            elif step == "cancel" and made:
                wheel.cancel(made[value % len(made)])
                pending.pop(value % len(made), None)
            elif step == "advance":
                fired.clear()
                to = wheel.now + value
                for timer in wheel.advance(to):
                    timer.fire()
                due = sorted(pending[number] for number in pending if pending[number] <= to)
                self.assertEqual([pending[number] for number in fired], due)
                for number in fired:
                    del pending[number]
            self.assertEqual(len(wheel), len(pending))
