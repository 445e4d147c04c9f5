"""The handlers of others that are installed: found by entry points, checked before anything starts."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, cast

from google.protobuf.message import Message

from im.handler import BUSINESS, GATEWAY, MessageHandler, Owner
from im.tap.extensions import Settings, bounds_problem, check_names, found, made
from im.tap.node import StartError
from im.wire.types import FIRST_CUSTOM_TYPE

GROUP = "im.handlers"
_LAST_TYPE = 2**32 - 1


class Installed(NamedTuple):
    """A handler's class, its name, and the package that it is from."""

    name: str
    package: str
    handler: type[MessageHandler]

    def __str__(self) -> str:
        return f"handler {self.name} of {self.package}"

    def types(self) -> Iterator[tuple[int, type[Message]]]:
        """The types that it owns, with their bodies."""
        yield self.handler.type, self.handler.body
        yield from self.handler.bodies.items()


def installed_handlers() -> list[Installed]:
    """All handlers of this environment, by name. Raises `StartError`, one sentence with the fix."""
    return checked(Installed(*each) for each in found(GROUP, "handler"))


def checked(handlers: Iterable[Installed]) -> list[Installed]:
    """The same handlers, if they can live together. Raises `StartError`."""
    kept = list(handlers)
    check_names(kept, "handler")
    numbers: dict[int, Installed] = {}
    for each in kept:
        problem = _problem(each)
        if problem:
            raise StartError(f"{each}: {problem}.")
        for number, _ in each.types():
            other = numbers.setdefault(number, each)
            if other is not each:
                raise StartError(f"type {number} is owned by {other} and by {each}: uninstall one of them.")
    return kept


def make_owners(handlers: Iterable[Installed], settings: Settings) -> list[Owner]:
    """The handlers, made and configured. Raises `StartError`."""
    return [Owner(*each) for each in made(list(handlers), settings, "handler")]


def layer(owners: Iterable[Owner], runs_on: str) -> list[Owner]:
    """Those that run on one layer."""
    return [owner for owner in owners if owner.handler.runs_on == runs_on]


def is_handler(target: Any) -> bool:
    """Whether what an entry point names is a class of handlers."""
    return isinstance(target, type) and issubclass(target, MessageHandler)


def _problem(each: Installed) -> str:
    """Why a class is no handler, or ""."""
    handler = each.handler
    if not is_handler(handler):
        return "its entry point is no subclass of im.handler.MessageHandler; name one"
    if getattr(handler, "__abstractmethods__", None):
        return "it has no method handle; write one"
    if not hasattr(handler, "type") or not hasattr(handler, "body"):
        return "it must state type and body"
    for number, body in cast(Iterator[tuple[Any, Any]], each.types()):
        if not isinstance(number, int) or not FIRST_CUSTOM_TYPE <= number <= _LAST_TYPE:
            return f"its type {number} is not of {FIRST_CUSTOM_TYPE} to {_LAST_TYPE}; choose another"
        if not (isinstance(body, type) and issubclass(body, Message)):
            return f"the body of its type {number} is no protobuf message class; name one"
    if handler.runs_on not in (BUSINESS, GATEWAY):
        return f"runs_on must be {BUSINESS} or {GATEWAY}, not {handler.runs_on!r}"
    return bounds_problem(handler)
