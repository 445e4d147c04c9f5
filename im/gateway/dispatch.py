"""From an envelope to its handler: the table, and the boundary where errors end.

A frame that is wrong costs its sender an error frame; a handler that fails costs one log line and
an error frame more. Neither harms the connection, or any other.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from google.protobuf.message import Message
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from im.core.errors import Code, Refused, RefusedError
from im.core.sessions import State
from im.gateway.apps import AppTypes
from im.gateway.connection import Connection
from im.gateway.context import GatewayContext, GatewayHandler
from im.gateway.counters import Counters
from im.gateway.requests import Requests
from im.proto.base_pb2 import BaseMessage
from im.wire.codec import UndecodableError, unpack_as
from im.wire.types import FIRST_CUSTOM_TYPE, TYPES

_INTERNAL = Refused(Code.INTERNAL, "the request failed; the operator's log says why")


class ErrorBoundary:
    """Runs what others wrote for one request, and answers in their stead when they fail."""

    _log = Logger()

    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    def run(self, context: Any, step: Callable[[Any, Any], Any], value: Any) -> None:
        """Call `step(context, value)`; a coroutine that it returns is run, too."""
        try:
            outcome = step(context, value)
            if outcome is not None:
                Deferred.fromCoroutine(outcome).addErrback(self._failed, context)
        except Exception:
            self._failed(Failure(), context)

    def _failed(self, failure: Failure, context: Any) -> None:
        error = failure.value
        if isinstance(error, RefusedError):
            context.refuse(error.refused)
            return
        self._counters.failures += 1
        self._log.failure(
            "the handler of type {type} failed at request {request} of session {session}",
            failure,
            type=context.number,
            request=context.request_id,
            session=context.session,
        )
        context.refuse(_INTERNAL)


class _Route(NamedTuple):
    step: Callable[[Any, Any], Any]
    body: type[Message]
    is_after_login: bool


class Dispatcher:
    """The table type -> handler."""

    def __init__(
        self, handlers: Iterable[GatewayHandler], apps: AppTypes, requests: Requests, boundary: ErrorBoundary
    ) -> None:
        self._apps = apps
        self._requests = requests
        self._boundary = boundary
        self._routes: dict[int, _Route] = {}
        for handler in handlers:
            self._routes[handler.type] = _Route(handler.handle, handler.body, TYPES[handler.type].login)

    def dispatch(self, connection: Connection, envelope: BaseMessage) -> None:
        """Have one envelope handled, or refuse it."""
        number = envelope.type
        route = self._routes.get(number)
        if route is None:
            if number >= FIRST_CUSTOM_TYPE:
                self._apps.take(connection, envelope)
            else:
                connection.refuse(_nobody(number), envelope.id)
            return
        if route.is_after_login is not (connection.state is State.ONLINE):
            connection.refuse(_misplaced(route), envelope.id)
            return
        try:
            body = unpack_as(route.body, envelope.body)
        except UndecodableError as error:
            connection.refuse(Refused(Code.UNDECODABLE, str(error)), envelope.id)
            return
        context = GatewayContext(connection, number, envelope.id, self._requests)
        self._boundary.run(context, route.step, body)


def _nobody(number: int) -> Refused:
    """Why one of the system's types that has no handler is refused."""
    if number in TYPES:
        return Refused(Code.WRONG_DIRECTION, f"only the server sends type {number}")
    return Refused(Code.UNKNOWN_TYPE, f"nobody owns type {number}")


def _misplaced(route: _Route) -> Refused:
    if route.is_after_login:
        return Refused(Code.NOT_LOGGED_IN, "the first frame must be ONLINE")
    return Refused(Code.CONFLICT, "already logged in")
