"""When what has ended starts again."""

from twisted.trial.unittest import SynchronousTestCase

from im.tap.supervisor import STEADY_SECONDS
from im.testing.clusters.restarts import Restart


class RestartTests(SynchronousTestCase):
    def test_it_starts_once_its_wait_is_over(self) -> None:
        restart = Restart(0.0)
        wait = restart.ended(1.0)
        self.assertTrue(restart.is_waiting)
        self.assertFalse(restart.is_due(1.0 + wait / 2))
        self.assertTrue(restart.is_due(1.0 + wait))
        self.assertFalse(restart.is_waiting)
        self.assertFalse(restart.is_due(1.0 + wait))

    def test_the_wait_grows_until_it_was_up_for_a_while(self) -> None:
        restart = Restart(0.0)
        first = restart.ended(1.0)
        restart.is_due(2.0)
        self.assertEqual(restart.ended(3.0), 2 * first)
        restart.is_due(5.0)
        self.assertEqual(restart.ended(5.0 + STEADY_SECONDS), first)
