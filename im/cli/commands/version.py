"""`imctl version`."""

from argparse import Namespace

from im import __version__
from im.cli.output import Output


def run(arguments: Namespace, output: Output) -> None:
    """Show the version of the program."""
    output.record({"version": __version__}, f"im-gateway {__version__}")
