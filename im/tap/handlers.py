"""The handlers of others that are installed: found by entry points, checked before anything starts."""

from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, NamedTuple, cast

from google.protobuf.message import Message

from im.handler import BUSINESS, GATEWAY, MessageHandler, Owner
from im.tap.node import StartError
from im.wire.types import FIRST_CUSTOM_TYPE

GROUP = "im.handlers"
_LAST_TYPE = 2**32 - 1

Settings = Mapping[str, Mapping[str, Any]]
"""Of each handler by its name: the sections `[handlers.NAME]`."""


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
    found = sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, _package(entry)))
    return checked(_loaded(entry) for entry in found)


def checked(handlers: Iterable[Installed]) -> list[Installed]:
    """The same handlers, if they can live together. Raises `StartError`."""
    kept: list[Installed] = []
    names: dict[str, Installed] = {}
    numbers: dict[int, Installed] = {}
    for each in handlers:
        problem = _problem(each)
        if problem:
            raise StartError(f"{each}: {problem}.")
        same = names.setdefault(each.name, each)
        if same is not each:
            raise StartError(
                f"{same.package} and {each.package} both have a handler {each.name}: uninstall one of them."
            )
        for number, _ in each.types():
            other = numbers.setdefault(number, each)
            if other is not each:
                raise StartError(f"type {number} is owned by {other} and by {each}: uninstall one of them.")
        kept.append(each)
    return kept


def make_owners(handlers: Iterable[Installed], settings: Settings) -> list[Owner]:
    """The handlers, made and configured. Raises `StartError`."""
    owners: list[Owner] = []
    known = list(handlers)
    unknown = sorted(settings.keys() - {each.name for each in known})
    if unknown:
        section = f"[handlers.{unknown[0]}]"
        raise StartError(f"{section}: no such handler is installed; install it, or remove the section.")
    for each in known:
        mine = settings.get(each.name, {})
        try:
            handler = each.handler()
            handler.configure(mine)
        except Exception as error:
            raise StartError(f"{each} does not start: {_told(error)}; see [handlers.{each.name}].") from error
        owners.append(Owner(each.name, handler, mine))
    return owners


def layer(owners: Iterable[Owner], runs_on: str) -> list[Owner]:
    """Those that run on one layer."""
    return [owner for owner in owners if owner.handler.runs_on == runs_on]


def _loaded(entry: EntryPoint) -> Installed:
    package = _package(entry)
    try:
        return Installed(entry.name, package, entry.load())
    except Exception as error:
        text = f"handler {entry.name} of {package} can't be imported: {_told(error)}; mend or uninstall it."
        raise StartError(text) from error


def _package(entry: EntryPoint) -> str:
    return "an unknown package" if entry.dist is None else f"{entry.dist.name} {entry.dist.version}"


def _told(error: Exception) -> str:
    """An error on one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def is_handler(found: Any) -> bool:
    """Whether what an entry point names is a class of handlers."""
    return isinstance(found, type) and issubclass(found, MessageHandler)


def _problem(each: Installed) -> str:
    """Why a class is no handler, or ""."""
    found = each.handler
    if not is_handler(found):
        return "its entry point is no subclass of im.handler.MessageHandler; name one"
    if getattr(found, "__abstractmethods__", None):
        return "it has no method handle; write one"
    if not hasattr(found, "type") or not hasattr(found, "body"):
        return "it must state type and body"
    for number, body in cast(Iterator[tuple[Any, Any]], each.types()):
        if not isinstance(number, int) or not FIRST_CUSTOM_TYPE <= number <= _LAST_TYPE:
            return f"its type {number} is not of {FIRST_CUSTOM_TYPE} to {_LAST_TYPE}; choose another"
        if not (isinstance(body, type) and issubclass(body, Message)):
            return f"the body of its type {number} is no protobuf message class; name one"
    if found.runs_on not in (BUSINESS, GATEWAY):
        return f"runs_on must be {BUSINESS} or {GATEWAY}, not {found.runs_on!r}"
    for name in ("timeout_seconds", "concurrency", "waiting", "threads"):
        if not getattr(found, name) > 0:
            return f"{name} must be above 0"
    return ""
