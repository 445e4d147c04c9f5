"""The conversation that a command line means."""

from argparse import Namespace

from im.cli.failures import failed
from im.core.ids import direct_conversation, id_problem


def conversation_of(arguments: Namespace) -> str:
    """The conversation that was named by its id, or by its other side. Raises `Failure`."""
    named: str = arguments.conversation
    return named or conversation_with(arguments.user, arguments.peer)


def conversation_with(user: str, peer: str) -> str:
    """The id of the direct conversation of two users. Raises `Failure` where there is none."""
    for each in (user, peer):
        problem = id_problem(each, "user")
        if problem is not None:
            raise failed(f"{each!r} is no user: {problem.text}", problem.code.label)
    if user == peer:
        raise failed("nobody talks with themselves here; name another user", "invalid_argument")
    return direct_conversation(user, peer)
