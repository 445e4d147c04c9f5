"""Where a cluster's engines are, and what of them is this cluster's."""

from typing import NamedTuple

import pika

from im.adapters.amqp.connection import parameters_of
from im.adapters.amqp.topology import Topology
from im.adapters.redis.connection import Place, place_of
from im.adapters.redis.layout import Keys
from im.tap.config import Config
from im.tap.node import StartError

NODE_HEARTBEAT = 10
WORKER_HEARTBEAT = 2
"""Seconds: the shards of a frozen worker are taken over after three times that."""


class Engines(NamedTuple):
    """Redis and RabbitMQ, and the names that this cluster has in them."""

    redis: Place
    keys: Keys
    amqp: pika.URLParameters
    topology: Topology


def engines_of(config: Config, heartbeat: int) -> Engines:
    """Read the settings. Raises `StartError`."""
    for name, url in (("redis_url", config.redis_url), ("amqp_url", config.amqp_url)):
        if not url:
            raise StartError(f"a cluster needs {name}; give it, or leave the other one out to run alone.")
    try:
        return Engines(
            place_of(config.redis_url),
            Keys(config.cluster),
            parameters_of(config.amqp_url, heartbeat),
            Topology(config.cluster, config.shards),
        )
    except ValueError as error:
        raise StartError(f"{error}.") from None
