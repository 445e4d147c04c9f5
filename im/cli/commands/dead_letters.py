"""`imctl dead-letters`."""

from argparse import Namespace
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from im.cli.broker import broker_url, cluster_name
from im.cli.failures import Failure, failed, unreachable, usage
from im.cli.letters import brief, line, lines, whole
from im.cli.output import Output, shown
from im.cli.reactor import run as run_reactor
from im.core.errors import RefusedError
from im.ports import UnavailableError

if TYPE_CHECKING:
    from im.adapters.amqp.dead_letters import DeadLetters

_Do = Callable[[Namespace, Output, "DeadLetters"], Coroutine[Any, Any, Failure | None]]
"""Does an action; the failure that the command ends with, once what was done is kept."""


def run(arguments: Namespace, output: Output) -> None:
    """List a cluster's dead letters, show one, send some back to where they came from, or drop them."""
    do, is_of_ids = _ACTIONS[arguments.action]
    if bool(arguments.ids or arguments.everything) is not is_of_ids or (
        arguments.ids and arguments.everything
    ):
        raise usage("name letters by their ids; of retry and drop all by --all; list takes none")
    if arguments.action == "show" and len(arguments.ids) != 1:
        raise usage("show takes the id of one letter")
    url = broker_url(arguments.amqp)
    failure = run_reactor(lambda reactor: _look(arguments, output, (url, do), reactor), output.note)
    if failure is not None:
        raise failure


async def _look(arguments: Namespace, output: Output, doing: tuple[str, _Do], reactor: Any) -> Failure | None:
    from im.adapters.amqp.connection import parameters_of
    from im.adapters.amqp.dead_letters import HEARTBEAT_SECONDS, dead_letters
    from im.adapters.amqp.topology import Topology

    url, do = doing
    try:
        parameters = parameters_of(url, HEARTBEAT_SECONDS)
    except ValueError as error:
        raise usage(str(error)) from error
    try:
        async with dead_letters(parameters, Topology(cluster_name(arguments), 1), reactor) as letters:
            return await do(arguments, output, letters)
    except UnavailableError as error:
        raise unreachable(str(error)) from error


async def _list(arguments: Namespace, output: Output, letters: "DeadLetters") -> Failure | None:
    for _ in range(arguments.limit):
        letter = await letters.next()
        if letter is None:
            return None
        output.record(brief(letter), line(letter))
    if letters.count > arguments.limit:
        output.note(f"there are {letters.count}; --limit N shows more")
    return None


async def _show(arguments: Namespace, output: Output, letters: "DeadLetters") -> Failure | None:
    (wanted,) = arguments.ids
    while (letter := await letters.next()) is not None:
        if letter.id == wanted:
            output.record(whole(letter), "\n".join(lines(letter)))
            return None
    return _unknown({wanted})


async def _retry(arguments: Namespace, output: Output, letters: "DeadLetters") -> Failure | None:
    unknown, staying = set(arguments.ids), ""
    while (letter := await letters.next()) is not None:
        if arguments.everything or letter.id in arguments.ids:
            unknown.discard(letter.id)
            try:
                await letters.retry(letter)
            except RefusedError as error:
                staying = error.refused.text
                output.note(staying)
            else:
                output.record(brief(letter), f"{letter.id}  back to {shown(letter.queue)}")
    return failed(staying, "conflict") if staying else _unknown(unknown)


async def _drop(arguments: Namespace, output: Output, letters: "DeadLetters") -> Failure | None:
    unknown = set(arguments.ids)
    while (letter := await letters.next()) is not None:
        if arguments.everything or letter.id in arguments.ids:
            unknown.discard(letter.id)
            letters.drop(letter)
            output.record(brief(letter), f"{letter.id}  dropped")
    return _unknown(unknown)


def _unknown(ids: set[str]) -> Failure | None:
    return failed(f"there is no dead letter {', '.join(sorted(ids))}", "not_found") if ids else None


_ACTIONS: dict[str, tuple[_Do, bool]] = {
    "list": (_list, False),
    "show": (_show, True),
    "retry": (_retry, True),
    "drop": (_drop, True),
}
"""Each action, and whether it is of letters that are named."""
