"""Types of 10,000 and above: from a request to its handler, and to what that decided."""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from im.business.conclusions import Concluding, Conclusions, Tell
from im.business.decision import Decision, Surroundings
from im.core.commands import Request, Result
from im.core.custom import Concluded, Custom, CustomReply, GetReply, Stale
from im.core.errors import Code, Refused, RefusedError, invalid
from im.core.limits import Limits
from im.handler import MessageHandler
from im.isolation import NO_HANDLERS, Handlers, Isolation
from im.ports import IStore, UnavailableError
from im.wire.codec import UndecodableError, unpack_as

MAX_RERUNS = 64
"""Of one call. Of those that meet in one process one always gets through, so that the rest is few."""

_UNKNOWN = Refused(Code.UNKNOWN_TYPE, "nobody owns this type")
_UNAVAILABLE = Refused(Code.UNAVAILABLE, "the store cannot answer now; try again")
_CONTENDED = Refused(Code.UNAVAILABLE, "what this rests on changes too often; try again")
_INTERNAL = Refused(Code.INTERNAL, "the request failed; the operator's log says why")


Elsewhere = Callable[[Custom], Deferred[CustomReply | Refused]]
"""Has a request answered by a program that owns its type; `unknown_type` if none does. It never fails."""


class HandlerSettings(NamedTuple):
    """The handlers of the business layer. What none of them owns goes `elsewhere`, if anywhere."""

    handlers: Handlers
    limits: Limits
    now_ms: Callable[[], int]
    elsewhere: Elsewhere | None = None


NONE = HandlerSettings(NO_HANDLERS, Limits(), lambda: 0)


class _Owned(NamedTuple):
    around: Surroundings
    isolation: Isolation


class CustomTypes:
    """The table type -> handler of the business layer."""

    _log = Logger()

    def __init__(self, clock: IReactorTime, store: IStore, tell: Tell, settings: HandlerSettings) -> None:
        self._store = store
        self._tell = tell
        self._now_ms = settings.now_ms
        self._elsewhere = settings.elsewhere
        self._counters = settings.handlers.counters
        self._conclusions = Conclusions(store, tell)
        self._owned: dict[int, _Owned] = {}
        for owner in settings.handlers.owners:
            around = Surroundings(owner, store, settings.limits, settings.handlers.threads(owner))
            isolation = Isolation(owner, clock, self._counters)
            self._owned[owner.handler.type] = _Owned(around, isolation)

    def take(self, request: Request, custom: Custom) -> None:
        """Have one request handled. It is answered in any case."""
        owned = self._owned.get(custom.type)
        if owned is None:
            self._pass_on(request, custom)
            return
        lane = custom.conversation or f"\0{custom.user}"
        done: Deferred[None] = owned.isolation.run(
            lane, lambda: self._handle(owned, request, custom), custom.user
        )
        done.addErrback(self._failed, request, custom)

    def stop(self) -> None:
        """Cancel what runs."""
        for owned in self._owned.values():
            owned.isolation.stop()

    def _pass_on(self, request: Request, custom: Custom) -> None:
        if self._elsewhere is None:
            self._answer(_UNKNOWN, request)
        else:
            self._elsewhere(custom).addCallback(self._answer, request)

    async def _handle(self, owned: _Owned, request: Request, custom: Custom) -> None:
        owner = owned.around.owner
        if owner.handler.needs_conversation and not custom.conversation:
            raise RefusedError(invalid("conversation", "this type belongs to a conversation; name it"))
        earlier: Result = await self._store.read(GetReply(owner.name, custom.user, custom.key))
        if isinstance(earlier, CustomReply):
            self._answer(earlier, request)
            return
        for _ in range(MAX_RERUNS):
            decision = Decision(owned.around, custom, request.session, self._now_ms())
            await _called(owner.handler, decision, custom.body)
            if not isinstance(await self._conclude(decision, request), Stale):
                return
            self._counters.reruns[owner.name] += 1
        raise RefusedError(_CONTENDED)

    async def _conclude(self, decision: Decision, request: Request) -> Result:
        conclude = decision.conclude()
        concluding = Concluding(request._replace(command=conclude), decision.signals)
        if conclude.changes or conclude.posts:
            return await self._conclusions.add(concluding)
        result = Concluded(conclude.reply, (), False)
        self._tell([concluding.request], [result], decision.signals)
        return result

    def _failed(self, failure: Failure, request: Request, custom: Custom) -> None:
        error = failure.value
        if isinstance(error, RefusedError):
            self._answer(error.refused, request)
        elif isinstance(error, UnavailableError):
            self._answer(_UNAVAILABLE, request)
        else:
            self._log.failure(
                "the handler of type {type} failed at request {request} of session {session}",
                failure,
                type=custom.type,
                request=custom.id,
                session=request.session,
            )
            self._answer(_INTERNAL, request)

    def _answer(self, result: Result, request: Request) -> None:
        self._tell([request], [result], ())


async def _called(handler: MessageHandler, decision: Decision, data: bytes) -> None:
    try:
        body: Any = unpack_as(handler.body, data)
    except UndecodableError as error:
        raise RefusedError(Refused(Code.UNDECODABLE, str(error))) from error
    outcome = handler.handle(decision, body)
    if inspect.isawaitable(outcome):
        outcome = await outcome
    if outcome is not None:
        raise TypeError(f"it returned {type(outcome).__name__}; answers go through the context")
