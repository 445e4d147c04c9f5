"""Random schedules of a group whose members come and go. `IM_SEED` plays one of them."""

import os

from twisted.trial.unittest import SynchronousTestCase

from im.test.simulation.groups import group_schedule, play, violations

ONE_SEED = os.environ.get("IM_SEED")
MANY = 5_000 if os.environ.get("IM_TEST_LONG") else 800
SEEDS = range(MANY) if ONE_SEED is None else range(int(ONE_SEED), int(ONE_SEED) + 1)


class GroupTests(SynchronousTestCase):
    def test_members_get_everything_once_and_who_is_out_gets_nothing(self) -> None:
        for seed in SEEDS:
            found = violations(play(group_schedule(seed)))
            self.assertEqual([], found, f"IM_SEED={seed} .venv/bin/trial im.test.simulation.test_groups")
            self.assertEqual([], self.flushLoggedErrors(), f"seed {seed}")
