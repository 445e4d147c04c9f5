"""What other packages add: found by entry points, made and configured before anything starts.

Whatever is wrong ends the start with a `StartError`, one sentence with the fix.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Any, NamedTuple, Protocol

from im.handler import Extension
from im.tap.node import StartError

Settings = Mapping[str, Mapping[str, Any]]
"""Of each extension by its name: the sections `[handlers.NAME]` or `[hooks.NAME]`."""


class Found(NamedTuple):
    """What an entry point names, its name, and the package that it is from."""

    name: str
    package: str
    target: Any


class Installed(Protocol):
    """An extension's class, its name, and the package that it is from."""

    @property
    def name(self) -> str:
        """The name of its entry point."""

    @property
    def package(self) -> str:
        """Package and version."""

    @property
    def handler(self) -> Any:
        """A class of `Extension`."""


def found(group: str, kind: str) -> list[Found]:
    """All that is installed in a group, by name; `kind` is what one of it is called."""
    entries = sorted(entry_points(group=group), key=lambda entry: (entry.name, _package(entry)))
    return [_loaded(entry, kind) for entry in entries]


def check_names(installed: Iterable[Installed], kind: str) -> None:
    """See that no two have one name."""
    names: dict[str, Installed] = {}
    for each in installed:
        same = names.setdefault(each.name, each)
        if same is not each:
            raise StartError(
                f"{same.package} and {each.package} both have a {kind} {each.name}: uninstall one of them."
            )


def made(
    installed: Sequence[Installed], settings: Settings, kind: str
) -> Iterator[tuple[str, Any, Mapping[str, Any]]]:
    """The name of each, itself, made and configured, and its settings."""
    unknown = sorted(settings.keys() - {each.name for each in installed})
    if unknown:
        section = f"[{kind}s.{unknown[0]}]"
        raise StartError(f"{section}: no such {kind} is installed; install it, or remove the section.")
    for each in installed:
        mine = settings.get(each.name, {})
        try:
            extension: Extension = each.handler()
            extension.configure(mine)
        except Exception as error:
            text = f"{each} does not start: {_told(error)}; see [{kind}s.{each.name}]."
            raise StartError(text) from error
        yield each.name, extension, mine


def bounds_problem(extension: type[Extension]) -> str:
    """Why the bounds that a class states can't be, or ""."""
    for name in ("timeout_seconds", "concurrency", "waiting", "threads"):
        if not getattr(extension, name) > 0:
            return f"{name} must be above 0"
    return ""


def _loaded(entry: EntryPoint, kind: str) -> Found:
    package = _package(entry)
    try:
        return Found(entry.name, package, entry.load())
    except Exception as error:
        text = f"{kind} {entry.name} of {package} can't be imported: {_told(error)}; mend or uninstall it."
        raise StartError(text) from error


def _package(entry: EntryPoint) -> str:
    return "an unknown package" if entry.dist is None else f"{entry.dist.name} {entry.dist.version}"


def _told(error: Exception) -> str:
    """An error on one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
