"""The business layer on SQLite does what the model does."""

import os

from twisted.trial.unittest import SynchronousTestCase

from im.test.model.machine import ModelMachine, run

SEEDS = range(20 if os.environ.get("IM_TEST_LONG") else 0)


class SqliteModelTests(SynchronousTestCase):
    def test_everybody_sees_what_the_model_says(self) -> None:
        run(ModelMachine, 300)
        for seed in SEEDS:
            run(ModelMachine, 250, seed)
