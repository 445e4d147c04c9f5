"""A cluster's RabbitMQ, for commands that talk to it and to no node."""

import os
from argparse import Namespace

from im.cli.failures import usage
from im.tap.url_files import url_of

VARIABLE = "IM_AMQP_URL"
CLUSTER_VARIABLE = "IM_CLUSTER"
CLUSTER = "im"
"""The prefix of a cluster's names unless it is set."""


def broker_url(text: str | None) -> str:
    """The URL of a cluster's RabbitMQ: as it stands, in a file, or in the environment. Raises `Failure`."""
    url = url_of(text or os.environ.get(VARIABLE, ""))
    if not url:
        raise usage(
            f"name the cluster's RabbitMQ, --amqp amqp://… or file:PATH, or set {VARIABLE}; a single node has"
            " no such queue: `imctl webhooks dead ID` shows what a webhook did not take"
        )
    return url


def cluster_name(arguments: Namespace) -> str:
    """The prefix of the cluster's names in RabbitMQ."""
    return arguments.cluster or os.environ.get(CLUSTER_VARIABLE, "") or CLUSTER
