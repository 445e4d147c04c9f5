"""`imctl enable`."""

from argparse import Namespace

from im.cli.operators import order
from im.cli.output import Output


def run(arguments: Namespace, output: Output) -> None:
    """Let a user in again."""
    body = {"user": arguments.user}
    order(arguments, output, "/v1/users/enable", body, f"{arguments.user} may log in")
