"""The entry point of `imctl`: command line in, exit status out."""

import importlib
import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Protocol, TextIO, cast

from im.cli.arguments import make_parser
from im.cli.failures import EXPECTED, Failure, Status, failure_of, missing, usage
from im.cli.output import Output


class Command(Protocol):
    """A module in `im.cli.commands`."""

    def run(self, arguments: Namespace, output: Output) -> None:
        """Carry the command out. Raises `Failure`, or what `failure_of` knows."""


def main() -> None:
    """Run the process's command line, and exit."""
    for stream in (sys.stdout, sys.stderr):
        cast(TextIOWrapper, stream).reconfigure(errors="backslashreplace")
    sys.exit(run(sys.argv[1:], sys.stdout, sys.stderr))


def run(argv: Sequence[str], out: TextIO, err: TextIO) -> Status:
    """Run one command line, tell errors on `err`, return the exit status."""
    output = Output(out, err, is_json="--json" in argv)
    try:
        _carry_out(argv, output)
    except KeyboardInterrupt:
        return Status.INTERRUPTED
    except BrokenPipeError:
        _forget(out)
        return Status.FAILED
    except ModuleNotFoundError as error:
        return _told(output, missing(error))
    except EXPECTED as error:
        return _told(output, failure_of(error))
    return Status.OK


def _carry_out(argv: Sequence[str], output: Output) -> None:
    arguments = make_parser().parse_args(argv)
    if arguments.command is None:
        raise usage("name a command; `imctl --help` lists them")
    module = cast(Command, importlib.import_module(f"im.cli.commands.{arguments.command.replace('-', '_')}"))
    module.run(arguments, output)


def _told(output: Output, failure: Failure) -> Status:
    output.failure(failure)
    return failure.status


def _forget(stream: TextIO) -> None:
    """Let the interpreter's last flush of a stream whose reader has gone go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
