"""`imctl nodes`."""

from argparse import Namespace

from im.cli.operators import question
from im.cli.output import Output, shown


def run(arguments: Namespace, output: Output) -> None:
    """Show the nodes that live, as they told of themselves last."""
    for node in question(arguments, "/v1/nodes")["nodes"]:
        where = " ".join((*node["addresses"], node["websocket"])).strip()
        load = f"{node['sessions']} of {node['capacity']} sessions"
        columns = (node["node"], node["state"], load, node["version"], where)
        output.record(node, "  ".join(shown(each) for each in columns))
