"""Private servers for tests and trials: real Redis, PostgreSQL, RabbitMQ and MariaDB on free loopback ports.

`shared` gives the one of a test run: that whose URL stands in the environment, as `scripts/test` puts
it there, or one that this process starts and ends with. `im.testing.services.scratch` makes databases
of a test's own on its PostgreSQL.
"""

from im.testing.services.process import MissingServerError, ServerProcess
from im.testing.services.sharing import SERVICES, shared

__all__ = ["SERVICES", "MissingServerError", "ServerProcess", "shared"]
