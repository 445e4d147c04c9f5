"""The options that many commands of `imctl` share, and the parser that takes them."""

import argparse
from typing import NoReturn

from im.cli.failures import usage
from im.cli.numbers import positive


class Parser(argparse.ArgumentParser):
    """Says what is wrong as a `Failure`, so that it comes out as the user wants errors to."""

    def error(self, message: str) -> NoReturn:
        """Refuse the command line."""
        raise usage(f"{message}; `{self.prog} --help` shows how")


def as_json(parser: Parser) -> None:
    """Whether programs read what comes out."""
    parser.add_argument("--json", action="store_true", help="one JSON document, or one a line; errors too")


def folder(parser: Parser) -> None:
    """Whose files."""
    parser.add_argument(
        "--state-dir", metavar="DIR", help="folder of the local node or cluster [IM_STATE_DIR, else ./var]"
    )


def local(parser: Parser) -> None:
    """Which local node."""
    folder(parser)
    parser.add_argument("--node", metavar="NAME", help="of a cluster: which node [any]")


def remote(parser: Parser) -> None:
    """Which node, local or not, and how to be let in."""
    local(parser)
    parser.add_argument(
        "--connect",
        metavar="ADDRESS",
        help="node to talk to: tcp:HOST:PORT, tls:HOST:PORT, ws://…, wss://…, or several [IM_CONNECT]",
    )
    parser.add_argument(
        "--ca-file", metavar="FILE", help="certificates to trust for tls: and wss: [IM_CA_FILE]"
    )
    parser.add_argument(
        "--token", help="who you are; others may see it in the process list, so prefer IM_TOKEN"
    )


def acting(parser: Parser) -> None:
    """Who acts, and where."""
    remote(parser)
    parser.add_argument("--as", dest="user", required=True, metavar="USER", help="the user who acts")


def whereto(parser: Parser, flag: str, *, is_required: bool = True) -> None:
    """Which conversation: `flag` names the other side of a direct one. See `im.cli.conversations`."""
    which = parser.add_mutually_exclusive_group(required=is_required)
    which.add_argument(flag, dest="peer", metavar="USER", help="the conversation with this user")
    which.add_argument("--conversation", metavar="ID", help="the conversation of this id, such as a group")


def timeout(parser: Parser, what: str, default: float | None) -> None:
    """How long to wait."""
    parser.add_argument("--timeout", type=positive, default=default, metavar="SECONDS", help=what)
