"""Delivers the pushes that wait in a database: each at least once under its key, in order for each user.

One work at a time is done in the database, on a thread: it writes what became of rows, then takes new
ones. What comes back meanwhile is written by the next. So a row waits for a poll, and a busy relay for
nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy.exc import DBAPIError
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from im.outbox.naps import LONGEST_PAUSE_MS, Nap, Pause
from im.outbox.notes import Counts, Kind, Note, Tell
from im.outbox.request import MS, posted
from im.outbox.rows import Buried, Claim, Ended, Rows
from im.outbox.thread import InThread
from im.outbox.verdict import (
    Outcome,
    Verdict,
    back_off_ms,
    end_of,
    shown_users,
    ttl_seconds,
    unanswered,
    without_asking,
)

Post = Callable[[str, bytes], "Deferred[Outcome]"]
"""Posts a body under an idempotency key; never fails but by a bug."""

STOP_SECONDS = 5.0
"""For what is under way when the relay is stopped."""

_SLOWER = 1.3
_TIDY_SECONDS = 3_600.0
_DAY_MS = 86_400_000


@dataclass(frozen=True, kw_only=True)
class RelaySettings:
    """How a relay works. Times in seconds.

    `in_flight`: so many pushes are posted at a time. `most_attempts`: then a row becomes a dead letter.
    `lease`: a killed relay's rows are taken over after that. A new row is seen within `slowest_poll`,
    and within `fastest_poll` after another one. Dead letters are dropped after `dead_days`.
    """

    in_flight: int = 16
    most_attempts: int = 100
    lease: float = 15.0
    fastest_poll: float = 0.05
    slowest_poll: float = 0.2
    dead_days: float = 30.0


class RelayParts(NamedTuple):
    """What a relay stands on; `now_ms` tells Unix ms, `random` a number from 0 to 1."""

    rows: Rows
    post: Post
    in_thread: InThread
    now_ms: Callable[[], int]
    random: Callable[[], float]
    tell: Tell


class Relay:
    """Delivers until it is stopped. `counts` tells what it did."""

    def __init__(self, clock: IReactorTime, parts: RelayParts, settings: RelaySettings) -> None:
        self.counts = Counts()
        self._clock = clock
        self._rows, self._post, self._in_thread, self._now_ms, self._random, self._tell = parts
        self._settings = settings
        self._in_flight: dict[int, Deferred[None]] = {}
        self._ended: list[Ended] = []
        self._held_at = self._tidied_at = float("-inf")
        self._poll = settings.fastest_poll
        self._pause = Pause(clock)
        self._database_failures = 0
        self._nap = Nap(clock)
        self._broken: Failure | None = None
        self._is_stopping = False

    async def run(self, *, is_once: bool = False) -> None:
        """Deliver until `stop`, or once what can go now; what is under way then is waited for.

        Raises what is no row's fault, nor the node's or the database's.
        """
        while not self._is_stopping and self._broken is None:
            is_done = await self._turn()
            if is_once and (is_done or self._pause.troubles or self._database_failures):
                break
            await self._nap.sleep(self._nap_seconds())
        await self._finish()
        if self._broken is not None:
            self._broken.raiseException()

    def stop(self) -> None:
        """Let `run` come to its end."""
        self._is_stopping = True
        self._nap.wake()

    def wake(self) -> None:
        """Look at once: the program that pushes and the one that relays may be the same."""
        self._poll = self._settings.fastest_poll
        self._nap.wake()

    async def _turn(self) -> bool:
        """Work in the database; returns whether nothing is left that can go now."""
        ended, self._ended = self._ended, []
        held, most, now_ms = self._to_hold(), self._free(), self._now_ms()
        if not ended and not held and not most:
            return False
        try:
            claims = await self._in_thread(lambda: self._work(ended, held, most, now_ms))
        except DBAPIError as error:
            self._ended = ended + self._ended
            self._database_failed(error)
            return False
        self._database_answered()
        is_busy = bool(ended or claims)
        slower = min(self._poll * _SLOWER, self._settings.slowest_poll)
        self._poll = self._settings.fastest_poll if is_busy else slower
        for claim in claims:
            self._deliver(claim)
        return bool(most) and not claims and not self._in_flight and not self._ended

    def _work(self, ended: Sequence[Ended], held: Sequence[int], most: int, now_ms: int) -> list[Claim]:
        """On the thread."""
        self._rows.settle(ended, held, now_ms)
        if self._clock.seconds() - self._tidied_at > _TIDY_SECONDS:
            self._tidied_at = self._clock.seconds()
            self._rows.forget(now_ms - int(self._settings.dead_days * _DAY_MS))
        return self._rows.claim(most, now_ms) if most else []

    def _free(self) -> int:
        """How many rows to take: in trouble one, as a probe."""
        if self._is_stopping or self._pause.is_on:
            return 0
        return max(0, (1 if self._pause.troubles else self._settings.in_flight) - len(self._in_flight))

    def _to_hold(self) -> list[int]:
        now = self._clock.seconds()
        if now - self._held_at < self._settings.lease / 3:
            return []
        self._held_at = now
        return list(self._in_flight)

    def _nap_seconds(self) -> float:
        if self._database_failures:
            return back_off_ms(self._database_failures, self._random()) / MS
        return self._poll

    def _deliver(self, claim: Claim) -> None:
        delivering = Deferred.fromCoroutine(self._attempt(claim))
        if not delivering.called:
            self._in_flight[claim.id] = delivering
        delivering.addErrback(self._break)

    async def _attempt(self, claim: Claim) -> None:
        settings = self._settings
        outcome = without_asking(claim, self._now_ms(), settings.most_attempts)
        if outcome is None:
            self.counts.attempts += 1
            body = posted(claim.users, claim.request, ttl_seconds(claim))
            try:
                outcome = await self._post(claim.key, body)
            except CancelledError:
                outcome = unanswered("the relay was stopped")
        self._in_flight.pop(claim.id, None)
        end = end_of(claim, outcome, settings.most_attempts, self._now_ms(), self._random())
        self._ended.append(end)
        self._count(claim, outcome)
        if isinstance(end, Buried):
            self.counts.dead += 1
            self._tell(Note(Kind.DEAD, f"push {claim.key} is given up: {outcome.text}", claim.key))
        self._nap.wake()

    def _count(self, claim: Claim, outcome: Outcome) -> None:
        """Count an outcome, and tell what is unusual in it."""
        if outcome.verdict is Verdict.EXPIRED:
            self.counts.expired += 1
            self._tell(Note(Kind.EXPIRED, f"push {claim.key} was too late for its time to live", claim.key))
            return
        if outcome.is_trouble:
            self._in_trouble(outcome)
        elif self._pause.troubles and outcome.status:
            self._pause.end()
            self._tell(Note(Kind.RECOVERED, "pushes are delivered again"))
        if outcome.verdict is not Verdict.DELIVERED:
            self.counts.failed_attempts += 1
            return
        self.counts.delivered += 1
        self.counts.slowest_ms = max(self.counts.slowest_ms, self._now_ms() - claim.created_ms)
        if outcome.unknown:
            self.counts.unknown_users += len(outcome.unknown)
            some = shown_users(outcome.unknown)
            text = f"push {claim.key}: {len(outcome.unknown)} of its users are unknown: {some}"
            self._tell(Note(Kind.UNKNOWN, text, claim.key))

    def _in_trouble(self, outcome: Outcome) -> None:
        if not self._pause.troubles:
            self._tell(Note(Kind.TROUBLE, f"pushes can't be delivered now: {outcome.text}"))
        if not self._pause.is_on:
            back_off = min(LONGEST_PAUSE_MS, back_off_ms(self._pause.troubles + 1, self._random()))
            self._pause.begin(max(back_off, outcome.retry_after_ms) / MS)

    def _database_failed(self, error: DBAPIError) -> None:
        if not self._database_failures:
            reason = " ".join(str(error.orig).split())
            self._tell(Note(Kind.DATABASE, f"the database does not do as asked: {reason}"))
        self._database_failures += 1

    def _database_answered(self) -> None:
        if self._database_failures:
            self._database_failures = 0
            self._tell(Note(Kind.RECOVERED, "the database answers again"))

    def _break(self, failure: Failure) -> None:
        self._broken = failure
        self._nap.wake()

    async def _finish(self) -> None:
        """Wait for what is under way, for a time; write what became of it. Until then leases hold it."""
        self._is_stopping = True
        ends_at = self._clock.seconds() + STOP_SECONDS
        while self._in_flight and self._clock.seconds() < ends_at:
            await self._nap.sleep(ends_at - self._clock.seconds())
        for delivering in list(self._in_flight.values()):
            delivering.cancel()
        await self._turn()
