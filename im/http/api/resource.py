"""Serves a table of routes: finds, authenticates, limits, checks, runs, answers, counts."""

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple, cast

import msgspec
from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from im.business.whole import whole
from im.core.commands import GetUserState, UserState
from im.core.errors import Code, Refused, RefusedError, accepted, invalid
from im.http.api.callers import Callers, Rates
from im.http.api.decoding import decoded, refusal
from im.http.api.once import HEADER, Once, asked
from im.http.api.table import Call, Caller, Route, Routes, authorize
from im.http.site import BoundedRequest, write_error
from im.ports import IStore, UnavailableError

_NOBODY = Caller("", "", frozenset())
_ANYTHING = "OPTIONS"
_EXPECTED = (RefusedError, UnavailableError, TimeoutError)
UNKNOWN = "unknown"


class ApiParts(NamedTuple):
    """What serves. `token()` is 16 fresh bytes, `address` the client's, `origins` web pages'."""

    callers: Callers
    store: IStore
    rates: Rates
    clock: IReactorTime
    token: Callable[[], bytes]
    address: Callable[[Request], str]
    origins: frozenset[str] = frozenset()


class ApiResource(Resource):
    """Everything beneath where it stands. `answers` counts by route and status, "POST /v1/push,200"."""

    isLeaf = True
    _log = Logger()

    def __init__(self, routes: Routes, parts: ApiParts) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._routes = routes
        self._parts = parts
        self._once = Once(parts.store)
        self.answers: Counter[str] = Counter()

    def render(self, request: Request) -> bytes | int:
        """Start the work; waiting for it ends when the client goes, or after the route's time."""
        self._allow_origin(request)
        found, names = self._routes.find(request.path)
        method = request.method.decode("latin-1")
        route = found.get(method)
        if route is None:
            return self._no_route(request, method, sorted(found))
        waiting = self._start(cast(BoundedRequest, request), route, names)
        waiting.addTimeout(route.seconds, self._parts.clock)
        waiting.addCallbacks(self._write, self._write_failure, (request, route), {}, (request, route), {})
        gone: Deferred[None] = request.notifyFinish()
        gone.addErrback(lambda _: waiting.cancel())
        return NOT_DONE_YET

    def _start(self, request: BoundedRequest, route: Route, names: Any) -> "Deferred[bytes]":
        """Begin what is done to its end; cancelling what this returns ends the waiting alone.

        What was stored is then told to sessions, and kept as the answer of its idempotency key.
        """
        request.begin_work()
        work = Deferred.fromCoroutine(self._run(request, route, names, request.content.read()))

        def end(result: bytes | Failure) -> bytes | Failure:
            request.end_work()
            if isinstance(result, Failure) and result.check(*_EXPECTED) is None:
                self._log.failure("a request failed: {path}", result, path=request.path)
            return result

        return whole(work.addBoth(end))

    def _no_route(self, request: Request, method: str, methods: list[str]) -> bytes:
        if methods and method == _ANYTHING and self._parts.origins:
            request.setResponseCode(204)
            request.setHeader(b"Access-Control-Allow-Methods", ", ".join(methods).encode())
            request.setHeader(
                b"Access-Control-Allow-Headers", b"Authorization, Content-Type, Idempotency-Key"
            )
            body = b""
        elif methods:
            request.setHeader(b"Allow", ", ".join(methods).encode())
            body = write_error(request, invalid("method", "this path has no such method"), 405)
        else:
            body = write_error(request, Refused(Code.NOT_FOUND, "there is nothing at this path"))
        self._note(request, UNKNOWN)
        return body

    async def _run(self, request: Request, route: Route, names: Any, content: bytes) -> bytes:
        parts = self._parts
        now = parts.clock.seconds()
        parts.rates.take(f"address {parts.address(request)}", now)
        caller = _NOBODY
        if route.scope != "":
            caller = await parts.callers.caller(request.getHeader("Authorization") or "")
            parts.rates.take(caller.owner, now)
        query = _query(request, route)
        authorize(route, caller, names, query)
        if caller.user and route.scope:
            accepted(await parts.store.read(GetUserState(caller.user)), UserState)
        call = Call(caller, names, query, _body(content, route), b"")

        async def work(token: bytes) -> bytes:
            return msgspec.json.encode(await route.run(call._replace(token=token)))

        key = request.getHeader(HEADER)
        if key is None or not route.is_once:
            return await work(parts.token())
        what = asked(caller.owner, key, route.method, request.uri, content)
        body, is_old = await self._once.answer(what, parts.token(), work)
        if is_old:
            request.setHeader(b"Idempotent-Replayed", b"true")
        return body

    def _write(self, body: bytes, request: Request, route: Route) -> None:
        request.setHeader(b"Content-Type", b"application/json")
        request.setHeader(b"Cache-Control", b"no-store")
        request.setHeader(b"Content-Length", b"%d" % (len(body) + 1))
        request.write(body + b"\n")
        self._note(request, route.name)
        request.finish()

    def _write_failure(self, failure: Failure, request: Request, route: Route) -> None:
        error = failure.value
        if isinstance(error, CancelledError):
            return  # the client went away
        if isinstance(error, RefusedError):
            refused = error.refused
        elif isinstance(error, UnavailableError | TimeoutError):
            refused = Refused(Code.UNAVAILABLE, "a part does not answer now; the same may be asked again")
        else:
            refused = Refused(Code.INTERNAL, "something went wrong here; it was logged")
        request.write(write_error(request, refused))
        self._note(request, route.name)
        request.finish()

    def _allow_origin(self, request: Request) -> None:
        origin = request.getHeader("Origin")
        if origin is not None and origin in self._parts.origins:
            request.setHeader(b"Access-Control-Allow-Origin", origin.encode("latin-1"))
            request.setHeader(b"Vary", b"Origin")

    def _note(self, request: Request, name: str) -> None:
        self.answers[f"{name},{request.code}"] += 1
        self._log.debug(
            "{method} {path} {status}",
            method=request.method.decode("latin-1"),
            path=request.path.decode("latin-1"),
            status=request.code,
            address=self._parts.address(request),
        )


def _query(request: Request, route: Route) -> Any:
    given: dict[bytes, list[bytes]] = request.args or {}
    texts = {
        name.decode("utf-8", "replace"): values[-1].decode("utf-8", "replace")
        for name, values in given.items()
    }
    if route.query is None:
        if texts:
            raise RefusedError(invalid(next(iter(texts)), "this route takes no parameters"))
        return None
    try:
        return msgspec.convert(texts, route.query, strict=False)
    except msgspec.ValidationError as error:
        raise RefusedError(refusal(error)) from None


def _body(content: bytes, route: Route) -> Any:
    if route.body is None:
        if content:
            raise RefusedError(invalid("body", "this route takes no body"))
        return None
    return decoded(content, route.body)
