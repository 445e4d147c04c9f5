"""What a route is: everything that serves it, checks it and describes it follows from this."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

import msgspec

from im.core.errors import Code, Refused, RefusedError

CALL_SECONDS = 5.0


class Caller(NamedTuple):
    """Who asks. `owner` names a key or a user; `user` is "" of a back end, which may what its scopes say."""

    owner: str
    user: str
    scopes: frozenset[str]


class Call(NamedTuple):
    """One request, checked. `token`, 16 bytes, is the same at every repetition under one idempotency key."""

    caller: Caller
    path: Mapping[str, str]
    query: Any
    body: Any
    token: bytes


_NOT_OWN = Refused(Code.PERMISSION_DENIED, "a user's own token is good only for what concerns that user")

Answer = Callable[[Call], Awaitable[object]]


class Route(NamedTuple):
    """One method of one path; `{name}` in the path is a parameter.

    A back end needs `scope`; "" is open to all, None to every caller. `own` names the parameter that a
    user's own token may have its user in. `is_once`: idempotency keys are taken. `codes`: what it may be
    refused with, beside what every route may. With `is_for_users` every user's own token is good for it,
    and the route itself sees to what that user may.
    """

    method: str
    path: str
    summary: str
    scope: str | None
    answer: type[Any]
    run: Answer
    body: type[Any] | None = None
    query: type[Any] | None = None
    own: str = ""
    is_once: bool = False
    seconds: float = CALL_SECONDS
    codes: tuple[Code, ...] = ()
    is_for_users: bool = False

    @property
    def name(self) -> str:
        """As it stands in logs and metrics."""
        return f"{self.method} {self.path}"


class Struct(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The base of what comes in: a field that isn't known is an error."""


class Routes:
    """Finds routes by method and path."""

    def __init__(self, routes: list[Route]) -> None:
        self.all = routes
        self._fixed: dict[tuple[str, ...], dict[str, Route]] = {}
        self._open: dict[int, list[tuple[str, ...]]] = {}
        for route in routes:
            parts = tuple(route.path.split("/")[1:])
            if parts not in self._fixed and "{" in route.path:
                self._open.setdefault(len(parts), []).append(parts)
            self._fixed.setdefault(parts, {})[route.method] = route

    def find(self, path: bytes) -> tuple[Mapping[str, Route], Mapping[str, str]]:
        """The routes of a path by method, and the parameters in it; none if there is nothing."""
        try:
            parts = tuple(unquote_to_bytes(part).decode() for part in path.split(b"/")[1:])
        except UnicodeDecodeError:
            return {}, {}
        if not any("{" in part for part in parts) and parts in self._fixed:
            return self._fixed[parts], {}
        for template in self._open.get(len(parts), ()):
            pairs = [*zip(template, parts, strict=True)]
            if all(known == part or (known.startswith("{") and part) for known, part in pairs):
                names = {known[1:-1]: part for known, part in pairs if known.startswith("{")}
                return self._fixed[template], names
        return {}, {}


def authorize(route: Route, caller: Caller, path: Mapping[str, str], query: Any) -> None:
    """Raises `RefusedError` if a caller may not use a route like this."""
    if not route.scope or (not caller.user and route.scope in caller.scopes):
        return
    if caller.user:
        if route.is_for_users:
            return
        named = path.get(route.own) or getattr(query, route.own, "") if route.own else ""
        if named == caller.user:
            return
        raise RefusedError(not_own())
    text = f"this key needs the scope {route.scope}"
    raise RefusedError(Refused(Code.PERMISSION_DENIED, text))


def not_own() -> Refused:
    """The refusal of a user's own token for what is another's."""
    return _NOT_OWN
