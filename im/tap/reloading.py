"""Reads files again while the node runs: one that is bad keeps no other from being read."""

from collections.abc import Callable, Iterable


def reload_all(reloads: Iterable[Callable[[], None]]) -> None:
    """Call each, then raise one ValueError with what every ValueError among them said."""
    problems = []
    for reload in reloads:
        try:
            reload()
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise ValueError("; ".join(problems))
