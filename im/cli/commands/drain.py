"""`imctl drain`."""

from argparse import Namespace

from im.cli.operators import question
from im.cli.output import Output, shown


def run(arguments: Namespace, output: Output) -> None:
    """Have a node take no logins any more, tell its clients to move, and end."""
    question(arguments, "/v1/drain", {})
    name = arguments.node or "the node"
    output.record(
        {"node": arguments.node, "draining": True}, f"{shown(name)} tells its clients to move, and ends"
    )
