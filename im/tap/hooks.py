"""The hooks of others that are installed: found by entry points, checked before anything starts."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from im.business.hooks import Hooks
from im.business.questions import MAY_WRITE, Questions
from im.hook import EVENTS, Hook, HookOwner
from im.tap.extensions import Settings, bounds_problem, check_names, found, made
from im.tap.node import StartError

GROUP = "im.hooks"


class InstalledHook(NamedTuple):
    """A hook's class, its name, and the package that it is from."""

    name: str
    package: str
    handler: type[Hook]

    def __str__(self) -> str:
        return f"hook {self.name} of {self.package}"


def installed_hooks() -> list[InstalledHook]:
    """All hooks of this environment, by name. Raises `StartError`, one sentence with the fix."""
    return checked_hooks(InstalledHook(*each) for each in found(GROUP, "hook"))


def checked_hooks(hooks: Iterable[InstalledHook]) -> list[InstalledHook]:
    """The same hooks, if they can live together. Raises `StartError`."""
    kept = list(hooks)
    check_names(kept, "hook")
    for each in kept:
        problem = _problem(each.handler)
        if problem:
            raise StartError(f"{each}: {problem}.")
    return kept


def make_hooks(hooks: Iterable[InstalledHook], settings: Settings) -> list[HookOwner]:
    """The hooks, made and configured. Raises `StartError`."""
    return [
        HookOwner(f"hooks.{name}", hook, mine) for name, hook, mine in made(list(hooks), settings, "hook")
    ]


def make_questions(hooks: Hooks, direct: str) -> Questions:
    """What hooks are asked. Raises `StartError` where `direct` leaves to them what none of them decides."""
    if direct == "hook" and not hooks.wants(MAY_WRITE):
        raise StartError(
            f"direct is hook, and no hook implements {MAY_WRITE}; install one that does, or change direct."
        )
    return Questions(hooks, direct == "hook")


def _problem(hook: Any) -> str:
    """Why a class is no hook, or ""."""
    if not (isinstance(hook, type) and issubclass(hook, Hook)):
        return "its entry point is no subclass of im.hook.Hook; name one"
    if not any(hook.wants(event) for event in EVENTS):
        return f"it implements none of {', '.join(sorted(EVENTS))}; write one"
    return bounds_problem(hook)
