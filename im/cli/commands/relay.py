"""`imctl relay`."""

import os
from argparse import Namespace
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import time_ns
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure as Failed

from im.cli.failures import Failure, failed, unreachable, usage
from im.cli.output import Output, shown
from im.cli.reactor import run as run_on_reactor
from im.cli.records import moment
from im.outbox import dead
from im.outbox.database import DatabaseUrlError, relay_engine
from im.outbox.notes import Note
from im.outbox.posting import Poster
from im.outbox.relay import RelaySettings
from im.outbox.service import RelayService

DATABASE = "IM_RELAY_DATABASE"
_SUMMARY_SECONDS = 60.0


def run(arguments: Namespace, output: Output) -> None:
    """Deliver what `im.outbox` wrote into a database; or look after what could not be delivered."""
    action = arguments.action or "run"
    takes_keys = action in ("retry", "drop")
    if takes_keys is not (bool(arguments.keys) is not arguments.everything):
        raise usage(
            f"relay {action} takes " + ("--push KEY, or --all" if takes_keys else "neither --push nor --all")
        )
    engine = _engine(arguments)
    try:
        _ACTIONS[action](engine, arguments, output)
    except DBAPIError as error:
        raise failed(f"the database does not do as asked: {' '.join(str(error.orig).split())}") from error
    finally:
        engine.dispose()


def _run(engine: Engine, arguments: Namespace, output: Output) -> None:
    if not arguments.url or not arguments.key_file:
        raise usage("name the node by --url, and the file that holds a key of it by --key-file")
    key = Path(arguments.key_file).read_text("utf-8").strip()
    settings = RelaySettings(most_attempts=arguments.attempts, lease=arguments.lease)

    async def main(reactor: Any) -> None:
        try:
            poster = Poster(reactor, arguments.url, key, ca_file=arguments.ca_file or "")
        except ValueError as error:
            raise usage(str(error)) from error
        service = RelayService(reactor, engine, poster, settings, lambda note: _tell(output, note))
        if arguments.once:
            await service.run(is_once=True)
        else:
            await _until_stopped(reactor, service, output)

    with suppress(KeyboardInterrupt):  # it was told to stop, and did so in order
        run_on_reactor(main, output.note)
    if arguments.once and (left := dead.state(engine).waiting):
        raise unreachable(f"{left} still wait; they can't be delivered now")


async def _until_stopped(reactor: Any, service: RelayService, output: Output) -> None:
    """Run, and stop in good order when this is cancelled."""
    summary = LoopingCall(_Summary(service, output).show)
    summary.clock = reactor
    ended: Deferred[None] = Deferred()

    def end(result: Failed | None) -> None:
        if not ended.called:
            ended.callback(result)

    summary.start(_SUMMARY_SECONDS, now=False).addErrback(end)
    running = Deferred.fromCoroutine(service.run()).addBoth(end)
    output.record({"relay": "ready"}, "ready: pushes are relayed")
    try:
        await ended
    finally:
        service.relay.stop()
        await running
        if summary.running:
            summary.stop()


class _Summary:
    """Shows the counts when they have changed."""

    def __init__(self, service: RelayService, output: Output) -> None:
        self._counts = service.relay.counts
        self._output = output
        self._last = self._counts.as_dict()

    def show(self) -> None:
        """Once more."""
        now = self._counts.as_dict()
        if now != self._last:
            self._last = now
            text = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in now.items())
            self._output.record({"relay": "counts", **now}, text)


def _tell(output: Output, note: Note) -> None:
    output.record({"relay": note.kind.value, "key": note.key, "text": note.text}, shown(note.text))


def _status(engine: Engine, arguments: Namespace, output: Output) -> None:
    state = dead.state(engine)
    oldest = f", the oldest since {moment(state.oldest_ms)}" if state.waiting else ""
    output.record(state._asdict(), f"{state.waiting} wait{oldest}; {state.dead} dead letters")


def _list(engine: Engine, arguments: Namespace, output: Output) -> None:
    for letter in dead.dead_letters(engine, arguments.limit):
        users = ", ".join(letter.users) + (", …" if letter.user_count > len(letter.users) else "")
        text = f"{letter.key}  {moment(letter.died_ms)}  {users}  {letter.error}"
        output.record(letter._asdict(), shown(text))


def _retry(engine: Engine, arguments: Namespace, output: Output) -> None:
    count = dead.retry(engine, _meant(arguments), time_ns() // 1_000_000)
    output.record({"retried": count}, f"{count} wait again")


def _drop(engine: Engine, arguments: Namespace, output: Output) -> None:
    count = dead.drop(engine, _meant(arguments))
    output.record({"dropped": count}, f"{count} dropped")


def _meant(arguments: Namespace) -> list[str] | None:
    return None if arguments.everything else list(arguments.keys)


def _engine(arguments: Namespace) -> Engine:
    url = arguments.database or os.environ.get(DATABASE, "")
    if not url:
        raise usage(f"name the database by --database URL, or by {DATABASE}, which nobody else sees")
    try:
        return relay_engine(url)
    except DatabaseUrlError as error:
        raise usage(str(error)) from error
    except ModuleNotFoundError as error:
        raise _no_driver(error) from error


def _no_driver(error: ModuleNotFoundError) -> Failure:
    return failed(f"the database's driver, {error.name}, is not installed; pip install it", "not_installed")


_ACTIONS: dict[str, Callable[[Engine, Namespace, Output], None]] = {
    "run": _run,
    "status": _status,
    "list": _list,
    "retry": _retry,
    "drop": _drop,
}
ACTIONS = tuple(_ACTIONS)
