"""Tells of messages that did not reach their users in time: absent, given up, or in the background only.

A consumer looks at what was stored when its time is over, has it told, and only then passes on: after a
crash between the two it is told again. Nobody else waits for any of this. Where nobody wants to know,
nothing is noted, and a look every few seconds finds nothing.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from im.business.hooks import Hooks
from im.business.turns import Turns
from im.core.commands import Result
from im.core.limits import Limits
from im.core.reaching import HOOKS, WEBHOOKS, Away, FindAway, OfflineMessage, PassAway
from im.ports import IStore, UnavailableError

OFFLINE_MESSAGE = "offline_message"
MOST_AT_ONCE = 64
"""Messages in one turn."""

PAUSE_SECONDS = 0.25
"""From one turn to the next: each is a transaction of its own."""

REST_SECONDS = 0.01
"""The same in a backlog."""

RETRY_SECONDS = 1.0
WRITTEN_SECONDS = 0.2
"""After `delivered_flush_seconds`, until what was acknowledged in time is stored for sure."""

TRIES = 6
"""Of a hook that fails at a message: after 1, 2, 4, 8 and 16 s. Then it has to do without."""

Tell = Callable[[Sequence[OfflineMessage]], Deferred[Sequence[OfflineMessage]]]
"""Tells them, and fires with those that are to be told again. It must not fail."""


class Consumer(NamedTuple):
    """Who is told; without `tell`, by events that are stored with the passing on."""

    name: str
    tell: Tell | None


class OfflineTimes(NamedTuple):
    """The clock, Unix ms, and how long a message may take to reach its users."""

    clock: IReactorTime
    now_ms: Callable[[], int]
    patience_ms: int


def offline_times(clock: IReactorTime, now_ms: Callable[[], int], limits: Limits) -> OfflineTimes:
    """What follows from the limits: acknowledgements are written some time after they came."""
    seconds = limits.offline_after_seconds + limits.delivered_flush_seconds + WRITTEN_SECONDS
    return OfflineTimes(clock, now_ms, round(seconds * 1_000))


class OfflineWatch:
    """One consumer's turns, from `start` to `stop`: look, tell, pass on."""

    _log = Logger()

    def __init__(self, store: IStore, consumer: Consumer, times: OfflineTimes) -> None:
        self._store = store
        self._consumer = consumer
        self._clock, self._now_ms, self._patience_ms = times
        self._look_seconds = self._patience_ms / 2_000  # what is stored meanwhile is not due before the next
        self._turns = Turns(self._clock, self._take_turn, self._failed)

    def start(self) -> None:
        """Look at once: what was noted before a crash may be due for long."""
        self._turns.start()

    def stop(self) -> None:
        """Begin no more turns; one that is under way is given up, and made again after the next start."""
        self._turns.stop()

    async def _take_turn(self) -> float:
        name, tell = self._consumer
        before_ms = self._now_ms() - self._patience_ms
        away: Result = await self._store.read(FindAway(name, before_ms, MOST_AT_ONCE))
        assert isinstance(away, Away)
        if not away.batches and not away.until.batch:
            due = (away.next_ms - before_ms) / 1_000 if away.next_ms else self._look_seconds
            return min(self._look_seconds, due)
        recorded = away.messages
        if tell is not None:
            recorded = ()
            await self._tell(tell, away.messages)
        await self._store.write([PassAway(name, away.since, away.until, away.batches, recorded)])
        return REST_SECONDS if away.more else PAUSE_SECONDS

    async def _tell(self, tell: Tell, left: Sequence[OfflineMessage]) -> None:
        """Tell them, and those that failed again; a later start begins anew."""
        if left:
            left = await tell(left)
        for attempt in range(TRIES - 1):
            if not left:
                return
            await deferLater(self._clock, RETRY_SECONDS * 2**attempt)
            left = await tell(left)
        if left:
            self._log.error(
                "{consumer} failed {tries} times at {count} messages that reached nobody; it does without",
                consumer=self._consumer.name,
                tries=TRIES,
                count=len(left),
            )

    def _failed(self, failure: Failure) -> float:
        if not failure.check(UnavailableError):
            self._log.failure("the look after messages that reached nobody failed", failure)
        return RETRY_SECONDS


def hook_consumer(hooks: Hooks) -> Consumer:
    """The hooks that want `offline_message`; those about one user are told in order."""

    def tell(messages: Sequence[OfflineMessage]) -> Deferred[Sequence[OfflineMessage]]:
        calls = [hooks.tried(OFFLINE_MESSAGE, message.user, message) for message in messages]
        return Deferred.fromCoroutine(_failed(messages, calls))

    return Consumer(HOOKS, tell)


WEBHOOK_CONSUMER = Consumer(WEBHOOKS, None)
"""Those who subscribed to events of this kind; that nobody did is known when they are recorded."""


async def _failed(
    messages: Sequence[OfflineMessage], calls: Sequence[Deferred[bool]]
) -> Sequence[OfflineMessage]:
    return [message for message, call in zip(messages, calls, strict=True) if not await call]
