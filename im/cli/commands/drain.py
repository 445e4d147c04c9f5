"""`imctl drain`."""

from argparse import Namespace

from im.cli.failures import usage
from im.cli.operators import question
from im.cli.output import Output, shown


def run(arguments: Namespace, output: Output) -> None:
    """Have a node take no logins any more, tell its clients to move, and end."""
    if not arguments.node:
        raise usage("name the node that is to end; `imctl nodes` lists them")
    question(arguments, "/v1/drain", {})
    told = f"{shown(arguments.node)} tells its clients to move, and ends"
    output.record({"node": arguments.node, "draining": True}, told)
