"""Random schedules with the Twisted front instead of the bare core. `IM_SEED` plays one of them."""

import os

from twisted.trial.unittest import SynchronousTestCase

from im.testing.fronts import FrontClient
from im.testing.schedule import play, schedule
from im.testing.world import LIMITS

ONE_SEED = os.environ.get("IM_SEED")
SEEDS = range(300) if ONE_SEED is None else range(int(ONE_SEED), int(ONE_SEED) + 1)


class FrontTests(SynchronousTestCase):
    def test_what_apps_see_of_random_schedules(self) -> None:
        for seed in SEEDS:
            _, verdict = play(schedule(seed)._replace(limits=LIMITS), FrontClient)
            self.assertEqual((), verdict.violations, f"IM_SEED={seed} .venv/bin/trial im.test.simulation")
            self.assertEqual([], self.flushLoggedErrors(), f"seed {seed}")
