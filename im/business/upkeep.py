"""Chores of the store, done now and then and in small steps, so that no other write waits long."""

from collections.abc import Callable
from typing import NamedTuple

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from im.business.turns import Turns
from im.core.commands import Result, Write
from im.core.events import EventsKept, KeepEvents
from im.core.ledger import EndSilentNodes, KeepLedger, LedgerKept
from im.core.pushing import ExpirePushes, PushesExpired
from im.core.relations import ExpireRequests, RequestsExpired
from im.ports import IStore, UnavailableError


class Chore(NamedTuple):
    """One step of it is `step`; `is_more` tells from its result whether another should follow.

    `rest_seconds` are between two steps, `pause_seconds` from the end of the work to the next look.
    """

    name: str
    step: Write
    is_more: Callable[[Result], bool]
    rest_seconds: float
    pause_seconds: float


_SESSIONS = 16
LEDGER = Chore(
    "the ledger", KeepLedger(_SESSIONS), lambda kept: isinstance(kept, LedgerKept) and kept.more, 0.1, 60.0
)
"""Closed sessions are entered into their days, and old rows purged."""

_PUSHES = 64
PUSHES = Chore(
    "pushes",
    ExpirePushes(_PUSHES),
    lambda done: isinstance(done, PushesExpired) and done.rows >= _PUSHES,
    0.05,
    5.0,
)
"""Pushes are taken out of inboxes when their time is over, at most a pause later."""

_SILENT_MS = 20_000
NODES = Chore("the sessions of dead nodes", EndSilentNodes(_SILENT_MS), lambda done: False, 1.0, 5.0)
"""Of a cluster: sessions that are open on a node which beats no more are ended in the ledger."""

_REQUESTS = 64
_REQUEST_MS = 30 * 86_400_000
REQUESTS = Chore(
    "friend requests",
    ExpireRequests(_REQUEST_MS, _REQUESTS),
    lambda done: isinstance(done, RequestsExpired) and done.rows >= _REQUESTS,
    0.1,
    600.0,
)
"""Friend requests that nobody answered for 30 days expire, and those decided long ago are forgotten."""

_EVENTS = 256
EVENTS = Chore(
    "events",
    KeepEvents(_EVENTS),
    lambda done: isinstance(done, EventsKept) and done.rows >= _EVENTS,
    0.1,
    60.0,
)
"""Events that waited too long are given up, old dead letters go, and what is of webhooks that are gone."""


class Upkeep:
    """Has the store do a chore, from `start` to `stop`."""

    _log = Logger()

    def __init__(self, clock: IReactorTime, store: IStore, chore: Chore) -> None:
        self._store = store
        self._chore = chore
        self._turns = Turns(clock, self._step, self._failed)

    def start(self) -> None:
        """Begin after a pause: a start has other things to do."""
        self._turns.start(self._chore.pause_seconds)

    def stop(self) -> None:
        """Begin no more steps."""
        self._turns.stop()

    async def _step(self) -> float:
        chore = self._chore
        (result,) = await self._store.write([chore.step])
        return chore.rest_seconds if chore.is_more(result) else chore.pause_seconds

    def _failed(self, failure: Failure) -> float:
        if not failure.check(UnavailableError):
            self._log.failure("the upkeep of {chore} failed", failure, chore=self._chore.name)
        return self._chore.pause_seconds
