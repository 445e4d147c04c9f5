"""JSON routes: a coroutine for each method of a path, guarded by a bearer token of one scope."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from im.core.errors import Code, Refused, RefusedError, invalid
from im.http.site import not_found, write_error
from im.ports import IAuthenticator, UnavailableError

_log = Logger()
CALL_SECONDS = 5.0


class Call(NamedTuple):
    """One request: the query's parameters (the last of each name) and the JSON object of the body."""

    query: Mapping[str, str]
    body: Mapping[str, object]

    def text(self, name: str) -> str:
        """A text field of the body, "" if it isn't there. Raises `RefusedError` for another kind."""
        value = self.body.get(name, "")
        if not isinstance(value, str):
            raise RefusedError(invalid(name, f"{name} must be a text"))
        return value


Answer = Callable[[Call], Awaitable[object]]
"""What a route does: returns what is written as JSON, or raises `RefusedError` or `UnavailableError`."""


class Guard(NamedTuple):
    """Who may call: bearers of a token with `scope`."""

    authenticator: IAuthenticator
    scope: str
    clock: IReactorTime


class JsonRoute(Resource):
    """One path, perhaps with children. `answers` holds a coroutine function a method ("GET", "POST")."""

    def __init__(self, answers: Mapping[str, Answer], guard: Guard) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._answers = answers
        self._guard = guard

    def getChild(self, path: bytes, request: Request) -> Resource:
        """Answer for a path that isn't there."""
        return not_found()

    def render(self, request: Request) -> bytes | int:
        """Start the answer; it ends when the client goes, or after a time-out."""
        answer = self._answers.get(request.method.decode("latin-1"))
        if answer is None:
            request.setHeader(b"Allow", ", ".join(sorted(self._answers)).encode())
            return write_error(request, Refused(Code.INVALID_ARGUMENT, "no such method here", "method"), 405)
        running = Deferred.fromCoroutine(self._run(request, answer))
        running.addTimeout(CALL_SECONDS, self._guard.clock)
        running.addCallbacks(_write_json, write_failure, (request,), {}, (request,), {})
        gone: Deferred[None] = request.notifyFinish()
        gone.addErrback(lambda _: running.cancel())
        return NOT_DONE_YET

    async def _run(self, request: Request, answer: Answer) -> object:
        return await answer(await authorized(request, self._guard))


async def authorized(request: Request, guard: Guard) -> Call:
    """What a request asks, if its bearer may call. Raises `RefusedError`."""
    identity = await guard.authenticator.authenticate(_bearer(request))
    if guard.scope not in identity.scopes:
        raise RefusedError(Refused(Code.PERMISSION_DENIED, f"needs the scope {guard.scope}"))
    return _call(request)


def _bearer(request: Request) -> str:
    kind, _, token = (request.getHeader("Authorization") or "").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise RefusedError(Refused(Code.UNAUTHENTICATED, "needs a token: Authorization: Bearer …"))
    return token.strip()


def _call(request: Request) -> Call:
    arguments: dict[bytes, list[bytes]] = request.args or {}
    query = {
        name.decode("utf-8", "replace"): values[-1].decode("utf-8", "replace")
        for name, values in arguments.items()
    }
    content = request.content.read() if request.content is not None else b""
    try:
        body = json.loads(content) if content else {}
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise RefusedError(invalid("body", "the body must be a JSON object"))
    return Call(query, body)


def _write_json(value: object, request: Request) -> None:
    request.setHeader(b"Content-Type", b"application/json")
    request.write(json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n")
    request.finish()


def write_failure(failure: Failure, request: Request) -> None:
    """Answer with the error that a coroutine ended with; nothing if the client went away."""
    error = failure.value
    if isinstance(error, CancelledError):
        return  # the client went away
    if isinstance(error, RefusedError):
        refused = error.refused
    elif isinstance(error, UnavailableError | TimeoutError):
        refused = Refused(Code.UNAVAILABLE, "a part does not answer now")
    else:
        _log.failure("a request failed: {path}", failure, path=request.path)
        refused = Refused(Code.INTERNAL, "something went wrong here; it was logged")
    request.write(write_error(request, refused))
    request.finish()
