"""WATCH and UNWATCH: who of some users is online, now and at each change."""

from collections.abc import Coroutine, Sequence
from typing import Any

from twisted.internet.defer import TimeoutError

from im.core.errors import Code, Refused, RefusedError, invalid
from im.core.ids import id_problem
from im.gateway import translate
from im.gateway.context import TOO_MANY, GatewayContext, GatewayHandler
from im.gateway.watching import Watching
from im.ports import UnavailableError
from im.proto import presence_pb2
from im.proto.base_pb2 import Ok
from im.wire import types

USERS_A_FRAME = 100
"""So that an answer fits into a frame, whatever the users are called."""

_UNAVAILABLE = Refused(Code.UNAVAILABLE, "who is online can't be told now; try again")


class WatchHandler(GatewayHandler):
    """Tell who of them is online, and from then on what changes."""

    type = types.WATCH
    body = presence_pb2.Watch

    def __init__(self, watching: Watching) -> None:
        self._watching = watching

    def handle(self, context: GatewayContext, body: presence_pb2.Watch) -> Coroutine[Any, Any, None] | None:
        """Check the request and answer it when their state is read."""
        connection = context.connection
        problem = _problem(body.users)
        if problem is None and not body.users:
            problem = invalid("users", "name users to watch")
        if problem is None and connection.in_flight >= connection.limits.sends_in_flight:
            problem = TOO_MANY
        if problem is not None:
            context.refuse(problem)
            return None
        return self._watch(context, list(body.users))

    async def _watch(self, context: GatewayContext, users: Sequence[str]) -> None:
        try:
            seen = await self._watching.watch(context.connection, users)
        except (UnavailableError, TimeoutError) as error:
            raise RefusedError(_UNAVAILABLE) from error
        presences = [translate.presence(each) for each in seen.presences]
        context.reply(presence_pb2.Watched(users=presences, refused=seen.refused))


class UnwatchHandler(GatewayHandler):
    """Tell no more of them; of nobody, if none is named."""

    type = types.UNWATCH
    body = presence_pb2.Unwatch

    def __init__(self, watching: Watching) -> None:
        self._watching = watching

    def handle(self, context: GatewayContext, body: presence_pb2.Unwatch) -> None:
        """End the watching."""
        problem = _problem(body.users)
        if problem is not None:
            context.refuse(problem)
            return
        self._watching.unwatch(context.connection, list(body.users))
        context.reply(Ok())


def _problem(users: Sequence[str]) -> Refused | None:
    if len(users) > USERS_A_FRAME:
        return invalid("users", f"at most {USERS_A_FRAME} users fit into a frame; send several")
    for user in users:
        problem = id_problem(user, "users")
        if problem is not None:
            return problem
    return None
