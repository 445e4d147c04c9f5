"""Tests of `im.tap.lag`."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from im.tap.lag import LOOK_SECONDS, EventLoopLag


class LagTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.lag = EventLoopLag(self.clock)
        self.lag.start()
        self.addCleanup(self.lag.stop)

    def test_a_loop_that_is_in_time_has_none(self) -> None:
        self.clock.pump([LOOK_SECONDS] * 3)
        (_, least), *_ = self.lag.seconds.cumulated()
        self.assertEqual((least, self.lag.seconds.sum), (3, 0))

    def test_a_loop_that_was_busy_is_that_much_late(self) -> None:
        self.clock.advance(LOOK_SECONDS + 0.5)
        self.assertEqual(self.lag.seconds.sum, 0.5)

    def test_it_stops(self) -> None:
        self.lag.stop()
        self.lag.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])
