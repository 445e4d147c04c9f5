"""The conversation that a command line means."""

from argparse import Namespace

from im.cli.failures import failed
from im.core.ids import direct_conversation, id_problem


def conversation_of(arguments: Namespace) -> str:
    """The conversation that was named by its id, or by its other side. Raises `Failure`."""
    named: str | None = arguments.conversation
    if named is None:
        return conversation_with(arguments.user, arguments.peer)
    if not named or not named.isprintable():
        raise failed(f"{named!r} is no conversation: its id must be printable", "invalid_argument")
    return named


def conversation_with(user: str, peer: str) -> str:
    """The id of the direct conversation of two users. Raises `Failure` where there is none."""
    for each in (user, peer):
        problem = id_problem(each, "user")
        if problem is not None:
            raise failed(f"{each!r} is no user: {problem.text}", problem.code.label)
    if user == peer:
        raise failed("nobody talks with themselves here; name another user", "invalid_argument")
    return direct_conversation(user, peer)
