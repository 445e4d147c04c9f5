"""Time-outs of calls to other parts."""

from twisted.internet.defer import Deferred, TimeoutError, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from im.gateway.patience import within


class PatienceTests(SynchronousTestCase):
    def test_what_does_not_answer_in_time_fails(self) -> None:
        clock, waiting = Clock(), Deferred[None]()
        late = within(waiting, 5, clock)
        clock.advance(5)
        self.failureResultOf(late, TimeoutError)

    def test_what_answers_in_time_is_the_answer_and_leaves_no_timer(self) -> None:
        clock, waiting = Clock(), Deferred[int]()
        late = within(waiting, 5, clock)
        waiting.callback(7)
        self.assertEqual((7, []), (self.successResultOf(late), clock.getDelayedCalls()))

    def test_for_an_answer_that_is_there_no_timer_is_made(self) -> None:
        clock = Clock()
        there = within(succeed(7), 5, clock)
        self.assertEqual((7, []), (self.successResultOf(there), clock.getDelayedCalls()))
