"""`imctl logout`."""

from argparse import Namespace

from im.cli.operators import order
from im.cli.output import Output


def run(arguments: Namespace, output: Output) -> None:
    """End a device's sessions, and refuse it every token of before."""
    body = {"user": arguments.user, "device": arguments.device}
    done = f"{arguments.device} of {arguments.user} is logged out"
    order(arguments, output, "/v1/devices/logout", body, done)
