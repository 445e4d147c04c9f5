"""`imctl disable`."""

from argparse import Namespace

from im.cli.operators import order
from im.cli.output import Output


def run(arguments: Namespace, output: Output) -> None:
    """Shut a user out until `imctl enable`."""
    body = {"user": arguments.user}
    order(arguments, output, "/v1/users/disable", body, f"{arguments.user} is disabled")
