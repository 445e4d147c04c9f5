"""A node's one word about the world: it is attached under a generation, or it establishes itself anew.

Whatever makes it doubt that it was told everything (rules N1 to N3: a hole in a hop, a silent worker,
a lease that lapsed, a registry that lost its memory) ends the generation. Under a new one the node
first has a queue, then a lease with every session and audience, and only then asks what changed since
its last good moment, so that nothing falls between.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from twisted.internet.defer import CancelledError, Deferred, TimeoutError, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from im.core.commands import Command, Result
from im.core.looking import Changed, WhatChanged
from im.gateway.looking import Looks
from im.gateway.settings import Chance
from im.gateway.ticker import Ticker, ticks
from im.ports import Session, UnavailableError

USERS_AT_ONCE = 500
"""In one question of what changed."""

CURSOR_SECONDS = 5.0
"""From one cursor to the next."""

DETECTION_SECONDS = 15.0
"""A doubt comes at most so long after what was lost; an older cursor was good."""

RETRY_SECONDS = (0.2, 5.0)
"""Before the node tries again to establish itself; doubled each time."""


class World(NamedTuple):
    """What a node attaches to; each fails with `UnavailableError` where it can't now.

    `join` makes the node's queue of a generation and fires once it is consumed. `register` puts the
    lease, every session and every audience into the registry. `ask` asks the business layer.
    """

    join: Callable[[str], Deferred[None]]
    register: Callable[[str, Sequence[Session]], Deferred[None]]
    ask: Callable[[Command], Deferred[Result]]


class _Cursor(NamedTuple):
    """The present of the business layer, and the tick at which it was asked for."""

    tick: int
    epoch: str
    position: int


_NOTHING = _Cursor(0, "", 0)


class Attachment:
    """Attaches a node from `start` to `stop`, and again after each `doubt`.

    `sessions` gives every session of the node, those included that are logging in.
    """

    _log = Logger()

    def __init__(
        self,
        node: str,
        world: World,
        sessions: Callable[[], Sequence[Session]],
        looks: Looks,
        ticker: Ticker,
        random: Chance,
    ) -> None:
        self._node = node
        self._world = world
        self._sessions = sessions
        self._looks = looks
        self._ticker = ticker
        self._random = random
        self._cursors: deque[_Cursor] = deque()
        self._doubt = "it has just started"
        self._is_doubted = False
        self._is_running = False
        self._running: Deferred[None] = succeed(None)
        self.generation = ""
        self.is_attached = False
        self.established = 0

    def start(self) -> None:
        """Attach; and from then on remember good moments."""
        self._run()
        self._remember_later()

    def stop(self) -> None:
        """Let be what is under way. Idempotent."""
        self._running.cancel()

    def problem(self) -> str:
        """Why the node isn't attached, in a sentence; "" when it is."""
        return "" if self.is_attached else f"the node establishes itself: {self._doubt}"

    def doubt(self, reason: str) -> None:
        """Something may have been lost; what is lost until the node is attached again goes along."""
        self._doubt = reason
        self.is_attached = False
        self._is_doubted = True
        if not self._is_running:
            self._log.warn("node {node} is in doubt: {reason}", node=self._node, reason=reason)
            self._run()

    def _run(self) -> None:
        self._is_running = True
        self._running = Deferred.fromCoroutine(self._attach())
        self._running.addErrback(self._stopped)

    def _stopped(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._log.failure("the node could not establish itself, and tries no more", failure)

    async def _attach(self) -> None:
        since = self._good_cursor()
        pause, longest = RETRY_SECONDS
        while True:
            self._is_doubted = False
            try:
                await self._establish(since)
            except (UnavailableError, TimeoutError) as error:
                self.doubt(str(error) or self._doubt)
            if not self._is_doubted:
                break
            await self._ticker.wait(pause * self._random.uniform(0.5, 1.0))
            pause = min(2 * pause, longest)
        self.is_attached = True
        self._is_running = False

    async def _establish(self, since: _Cursor) -> None:
        self.generation = f"{self._random.getrandbits(64):016x}"
        await self._world.join(self.generation)
        await self._world.register(self.generation, self._sessions())
        self.established += 1
        self._log.info("node {node} is attached as {generation}", node=self._node, generation=self.generation)
        await self._tell_to_look(since)

    async def _tell_to_look(self, since: _Cursor) -> None:
        users = sorted({session.user for session in self._sessions()})
        for start in range(0, len(users), USERS_AT_ONCE):
            page = tuple(users[start : start + USERS_AT_ONCE])
            changed = await self._ask(page, since)
            self._looks.tell(changed.users)

    async def _ask(self, users: tuple[str, ...], since: _Cursor) -> Changed:
        changed = await self._world.ask(WhatChanged(self._node, users, since.epoch, since.position))
        if not isinstance(changed, Changed):
            raise UnavailableError("the business layer does not say what changed")
        return changed

    def _good_cursor(self) -> _Cursor:
        """The newest that was there before whatever is in doubt could be lost."""
        before = self._ticker.now - ticks(DETECTION_SECONDS)
        good = [each for each in self._cursors if each.tick <= before]
        return good[-1] if good else _NOTHING

    def _remember_later(self) -> None:
        self._ticker.after(CURSOR_SECONDS, self._remember)

    def _remember(self) -> None:
        self._remember_later()
        if self.is_attached:
            asked = Deferred.fromCoroutine(self._ask((), _NOTHING))
            asked.addCallbacks(self._keep, self._not_told, callbackArgs=(self._ticker.now,))

    def _keep(self, changed: Changed, tick: int) -> None:
        before = self._ticker.now - ticks(DETECTION_SECONDS)
        while len(self._cursors) > 1 and self._cursors[1].tick <= before:
            self._cursors.popleft()
        self._cursors.append(_Cursor(tick, changed.epoch, changed.position))

    def _not_told(self, failure: Failure) -> None:
        failure.trap(UnavailableError)  # An older cursor makes more sessions look, and loses nothing.
