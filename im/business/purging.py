"""The content of old messages removed: a walk over all conversations, a little of the log at a time."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from im.business.turns import Turns
from im.core.errors import accepted
from im.core.purging import FindOld, MessagesPurged, OldFound, PurgeMessages
from im.ports import IStore, UnavailableError

FIRST_SECONDS = 60.0
"""From the start to the first look: a start has other things to do."""

REST_SECONDS = 0.1
PAUSE_SECONDS = 3_600.0
"""From the end of a walk to the next one: ages are days."""

FAILED_SECONDS = 60.0

CONVERSATIONS_AT_ONCE = 8
ENTRIES_AT_ONCE = 128
"""Of the logs, in one transaction, for which others wait."""

_DAY_MS = 86_400_000


class PurgeCounts:
    """Of all purges of a process: how many messages lost their content."""

    def __init__(self) -> None:
        self.messages = 0


class PurgeRules(NamedTuple):
    """Content is kept for `days`, 0: for ever. Conversations are purged that `is_own` says yes to."""

    days: int
    now_ms: Callable[[], int]
    is_own: Callable[[str], bool]


class Purge:
    """Has a store remove what is too old, from `start` to `stop`. It may be stopped anywhere."""

    _log = Logger()

    def __init__(self, clock: IReactorTime, store: IStore, rules: PurgeRules, counts: PurgeCounts) -> None:
        self._store = store
        self._rules = rules
        self._counts = counts
        self._old: Sequence[str] = ()
        self._after = ""
        self._turns = Turns(clock, self._step, self._failed)

    def start(self) -> None:
        """Begin a little later, if anything is ever too old."""
        if self._rules.days:
            self._turns.start(FIRST_SECONDS)

    def stop(self) -> None:
        """Begin nothing more."""
        self._turns.stop()

    async def _step(self) -> float:
        before_ms = self._rules.now_ms() - self._rules.days * _DAY_MS
        await (self._purge(before_ms) if self._old else self._look(before_ms))
        return REST_SECONDS if self._old or self._after else PAUSE_SECONDS

    async def _look(self, before_ms: int) -> None:
        found = accepted(await self._store.read(FindOld(before_ms, self._after)), OldFound)
        self._old = [each for each in found.conversations if self._rules.is_own(each)]
        self._after = found.next

    async def _purge(self, before_ms: int) -> None:
        now, later = self._old[:CONVERSATIONS_AT_ONCE], self._old[CONVERSATIONS_AT_ONCE:]
        most = ENTRIES_AT_ONCE // len(now)
        results = await self._store.write([PurgeMessages(each, before_ms, most) for each in now])
        purged = [accepted(result, MessagesPurged) for result in results]
        self._counts.messages += sum(each.messages for each in purged)
        self._old = [*(each.conversation for each in purged if each.is_more), *later]

    def _failed(self, failure: Failure) -> float:
        """What was found is found again by the next walk; this one goes on, whatever it is that fails."""
        self._old = ()
        if not failure.check(UnavailableError):
            self._log.failure("messages could not be purged", failure)
        return FAILED_SECONDS
