"""Turns: each so long after the last as that one says."""

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from im.business.turns import Turns


class TurnTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.taken: list[float] = []
        self.failures: list[Failure] = []
        self.pauses: list[float | None] = []
        self.waits_for: Deferred[None] | None = None
        self.turns = Turns(self.clock, self.take, self.failed)

    async def take(self) -> float | None:
        self.taken.append(self.clock.seconds())
        if self.waits_for is not None:
            await self.waits_for
        return self.pauses.pop(0)

    def failed(self, failure: Failure) -> float:
        self.failures.append(failure)
        return 5.0

    def run_for(self, seconds: float) -> None:
        self.clock.pump([0.5] * round(2 * seconds))

    def test_each_says_when_the_next_one_is(self) -> None:
        self.pauses = [1.0, 2.5, None]
        self.turns.start(0.5)
        self.run_for(20)
        self.assertEqual(self.taken, [0.5, 1.5, 4.0])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_after_a_failure_they_go_on(self) -> None:
        self.turns.start()
        self.run_for(6)
        self.assertEqual(len(self.taken), 2)
        self.assertEqual([each.type for each in self.failures], [IndexError, IndexError])

    def test_the_next_is_hastened_never_put_off(self) -> None:
        self.pauses = [10.0, 10.0]
        self.turns.start()
        self.run_for(0.5)
        self.turns.hasten(3.0)
        self.turns.hasten(7.0)
        self.run_for(5)
        self.assertEqual(self.taken, [0.5, 3.0])

    def test_a_stop_gives_up_the_one_under_way_and_tells_nobody(self) -> None:
        self.waits_for = Deferred()
        self.turns.start()
        self.run_for(0.5)
        self.turns.hasten(0.0)
        self.turns.stop()
        self.assertTrue(self.waits_for.called)
        self.assertEqual((self.failures, self.clock.getDelayedCalls()), ([], []))
        self.turns.start()
        self.run_for(5)
        self.assertEqual(len(self.taken), 1)

    def test_a_stop_before_the_first_is_enough(self) -> None:
        self.turns.start(1.0)
        self.turns.stop()
        self.run_for(5)
        self.assertEqual(self.taken, [])
