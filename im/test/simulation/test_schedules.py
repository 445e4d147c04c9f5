"""Thousands of random schedules: nothing acknowledged is missing, doubled or out of order.

A seed that fails is played again by `IM_SEED=1234 .venv/bin/trial im.test.simulation`, which also
prints its schedule. `IM_TEST_LONG=1` plays ten times as many.
"""

import os
from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from im.testing.schedule import play, schedule

METHODS = 20
SEEDS = 20_000 if os.environ.get("IM_TEST_LONG") else 2_000
ONE_SEED = os.environ.get("IM_SEED")


class ScheduleTests(SynchronousTestCase):
    """Each method plays a range of seeds. An error that the product logs fails it, too."""

    def play(self, seed: int) -> None:
        _, verdict = play(schedule(seed))
        self.assertEqual((), verdict.violations, f"IM_SEED={seed} .venv/bin/trial im.test.simulation")
        self.assertEqual([], self.flushLoggedErrors(), f"seed {seed}")


def _plays(first: int) -> Callable[[ScheduleTests], None]:
    def test(self: ScheduleTests) -> None:
        for seed in range(first, first + SEEDS // METHODS):
            self.play(seed)

    return test


def _plays_one(seed: int) -> Callable[[ScheduleTests], None]:
    def test(self: ScheduleTests) -> None:
        print(f"\n{schedule(seed)}")
        self.play(seed)

    return test


if ONE_SEED is not None:
    setattr(ScheduleTests, f"test_the_schedule_of_seed_{ONE_SEED}", _plays_one(int(ONE_SEED)))
else:
    for start in range(0, SEEDS, SEEDS // METHODS):
        setattr(ScheduleTests, f"test_the_schedules_from_seed_{start:05}", _plays(start))
