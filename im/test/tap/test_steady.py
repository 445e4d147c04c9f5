"""The node's reactor does not follow the wall clock."""

from time import monotonic

from twisted.internet.base import ReactorBase
from twisted.trial.unittest import SynchronousTestCase

from im.tap.steady import keep_steady_time


class IdleReactor(ReactorBase):
    """Waits for nothing."""

    def installWaker(self) -> None:
        """Nobody wakes it."""


class SteadyTimeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = IdleReactor()

    def test_time_and_timers_go_by_the_monotonic_clock(self) -> None:
        keep_steady_time(self.reactor)
        before = monotonic()
        call = self.reactor.callLater(5, lambda: None)
        self.assertTrue(before + 5 <= call.getTime() <= monotonic() + 5)
        self.assertTrue(before <= self.reactor.seconds() <= monotonic())
        call.cancel()

    def test_what_was_scheduled_by_the_wall_clock_would_never_come(self) -> None:
        call = self.reactor.callLater(5, lambda: None)
        self.assertRaises(ValueError, keep_steady_time, self.reactor)
        call.cancel()
