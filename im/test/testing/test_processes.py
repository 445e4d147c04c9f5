"""A simulated process can be stalled, and killed."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from im.testing.processes import ProcessClock


class ProcessClockTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = Clock()
        self.process = ProcessClock(self.world)
        self.calls: list[tuple[float, str]] = []

    def call(self, name: str) -> None:
        self.calls.append((self.world.seconds(), name))

    def test_calls_come_in_time(self) -> None:
        self.process.callLater(1, self.call, "a")
        self.world.advance(1)
        self.assertEqual([(1, "a")], self.calls)

    def test_during_a_stall_calls_wait_and_others_go_on(self) -> None:
        other = ProcessClock(self.world)
        self.process.callLater(1, self.call, "mine")
        other.callLater(1, self.call, "other")
        self.process.stall(2)
        self.process.callLater(0, self.call, "asked for in the stall")
        self.world.pump([0.5] * 6)
        self.assertEqual([(1, "other"), (2, "mine"), (2, "asked for in the stall")], self.calls)

    def test_a_call_that_a_stall_moved_can_be_cancelled(self) -> None:
        call = self.process.callLater(1, self.call, "never")
        self.process.stall(2)
        self.world.advance(1.5)
        call.cancel()
        self.world.advance(5)
        self.assertEqual([], self.calls)

    def test_woken_early_what_is_late_comes_at_once(self) -> None:
        self.process.callLater(1, self.call, "late")
        self.process.stall(10)
        self.world.advance(3)
        self.process.wake()
        self.world.advance(0)
        self.assertEqual([(3, "late")], self.calls)

    def test_a_killed_process_makes_no_call_any_more(self) -> None:
        self.process.callLater(1, self.call, "never")
        self.process.kill()
        self.process.callLater(0, self.call, "never")
        self.assertFalse(self.process.is_alive)
        self.world.advance(5)
        self.assertEqual([], self.calls)
