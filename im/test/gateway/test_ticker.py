"""Node time: it passes with the clock, but a stall of the process stalls it, too."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from im.gateway.ticker import TICK_SECONDS, Ticker, ticks


class TickerTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.ticker = Ticker(self.clock)
        self.fired: list[str] = []
        self.ticker.start()

    def pass_ticks(self, count: int) -> None:
        for _ in range(count):
            self.clock.advance(TICK_SECONDS)

    def after(self, seconds: float, name: str) -> None:
        self.ticker.after(seconds, lambda: self.fired.append(name))

    def test_a_deadline_is_never_early_and_two_ticks_late_at_most(self) -> None:
        self.after(1.0, "a")
        self.pass_ticks(10)
        self.assertEqual(self.fired, [])
        self.pass_ticks(2)
        self.assertEqual(self.fired, ["a"])

    def test_ten_ticks_are_a_second_for_an_hour(self) -> None:
        self.pass_ticks(36_000)
        self.assertEqual(self.ticker.now, 36_000)

    def test_late_ticks_are_caught_up(self) -> None:
        for _ in range(100):
            self.clock.advance(0.13)
        self.assertEqual(self.ticker.now, 130)

    def test_a_stall_counts_as_two_ticks(self) -> None:
        self.after(5.0, "a")
        self.clock.advance(1_000)
        self.assertEqual(self.ticker.now, 2)
        self.pass_ticks(48)
        self.assertEqual(self.fired, [])
        self.pass_ticks(3)
        self.assertEqual(self.fired, ["a"])

    def test_a_callback_that_raises_stops_neither_time_nor_its_neighbours(self) -> None:
        def fail() -> None:
            raise ZeroDivisionError

        self.ticker.at(1, fail)
        self.ticker.at(1, lambda: self.fired.append("b"))
        with self.assertRaises(ZeroDivisionError):
            self.pass_ticks(1)
        self.pass_ticks(1)
        self.assertEqual(self.fired, ["b"])

    def test_a_cancelled_timer_does_not_fire(self) -> None:
        timer = self.ticker.after(1.0, lambda: self.fired.append("a"))
        self.ticker.cancel(timer)
        self.pass_ticks(20)
        self.assertEqual(self.fired, [])

    def test_a_stopped_ticker_leaves_no_call(self) -> None:
        self.ticker.stop()
        self.ticker.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_seconds_become_at_least_as_many_ticks(self) -> None:
        self.assertEqual([ticks(seconds) for seconds in (0.0, 0.05, 0.1, 0.11, 1.0)], [1, 1, 1, 2, 10])
