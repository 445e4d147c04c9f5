"""`imctl kick`."""

from argparse import Namespace

from im.cli.operators import order
from im.cli.output import Output


def run(arguments: Namespace, output: Output) -> None:
    """End a user's sessions, or those of one device; they may come back."""
    body = {"user": arguments.user} | ({"device": arguments.device} if arguments.device else {})
    order(arguments, output, "/v1/sessions/evict", body, f"{arguments.user} was put out")
