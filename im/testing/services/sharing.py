"""The one server of each kind that a test run uses."""

import atexit
import os
from collections.abc import Callable, Mapping
from typing import NamedTuple

from im.testing.services.mariadb import MariaDbServer
from im.testing.services.postgres import PostgresServer
from im.testing.services.process import ServerProcess
from im.testing.services.rabbitmq import RabbitServer
from im.testing.services.redis import RedisServer


class Service(NamedTuple):
    """A kind of server: the variable that holds the URL of one that runs, and how one is made."""

    variable: str
    make: Callable[[], ServerProcess]


SERVICES: Mapping[str, Service] = {
    "redis": Service("IM_TEST_REDIS_URL", RedisServer),
    "postgres": Service("IM_TEST_DATABASE_URL", PostgresServer),
    "rabbitmq": Service("IM_TEST_AMQP_URL", RabbitServer),
    "mariadb": Service("IM_TEST_MARIADB_URL", MariaDbServer),
}

_started: dict[str, ServerProcess] = {}


def shared(kind: str) -> str:
    """The URL of the test run's server; it is started if none runs. Blocks then.

    Raises `MissingServerError`.
    """
    service = SERVICES[kind]
    url = os.environ.get(service.variable, "")
    if url:
        return url
    if kind not in _started:
        server = service.make()
        atexit.register(server.stop)
        server.start()
        _started[kind] = server
    return _started[kind].url
