"""The business layer on PostgreSQL does what the model does, while two workers take each other's shards."""

from twisted.trial.unittest import SynchronousTestCase

from im.test.model.machine import PostgresMachine, run

EXAMPLES = 100


class PostgresModelTests(SynchronousTestCase):
    uses_processes = True

    def test_everybody_sees_what_the_model_says(self) -> None:
        run(PostgresMachine, EXAMPLES)
