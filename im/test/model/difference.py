"""Where two answers differ, said in a line each."""

from collections.abc import Iterator
from typing import Any


def assert_same(actual: Any, expected: Any, *about: object) -> None:
    """Fail with the places where what the store says is not what the model says."""
    if actual != expected:
        raise AssertionError("\n".join((f"of {about}: store, model", *differences(actual, expected))))


def differences(actual: Any, expected: Any, place: str = "") -> Iterator[str]:
    """Each place where two values differ, and both values there."""
    if isinstance(actual, dict) and isinstance(expected, dict) and actual.keys() == expected.keys():
        pairs = [(f"[{key}]", actual[key], expected[key]) for key in actual]
    elif type(actual) is type(expected) and hasattr(actual, "_fields"):
        pairs = [(f".{key}", getattr(actual, key), getattr(expected, key)) for key in actual._fields]
    elif type(actual) is type(expected) and isinstance(actual, list | tuple) and len(actual) == len(expected):
        pairs = [(f"[{at}]", *both) for at, both in enumerate(zip(actual, expected, strict=True))]
    elif actual != expected:
        yield f"{place}: {actual!r}, {expected!r}"
        return
    else:
        return
    for name, one, other in pairs:
        yield from differences(one, other, place + name)
