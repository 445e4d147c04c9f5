"""Carries noted events to one consumer: of each lane in order, past lanes that fail, until each is taken.

What is carried is settled in the store after each turn; after a crash between the two it is carried
again, under the same id.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from im.business.turns import Turns
from im.core.events import DeadEvent, Event, EventLane, EventsFound, FindEvents, LaneOutcome, SettleEvents
from im.core.webhooks import MOST_ATTEMPTS, retry_delay_ms
from im.ports import IStore, UnavailableError

MOST_AT_ONCE = 64
"""Events in one turn."""

MOST_LANES = 8
"""Carried at the same moment. If so many fail and none is taken, nothing more is tried in the turn."""

TURN_SECONDS = 2.0
"""After which a turn begins with no more events, so that a slow consumer's lanes take turns too."""

PAUSE_SECONDS = 0.1
"""From one turn to the next while events come in: each is a transaction of its own."""

REST_SECONDS = 0.01
"""The same in a backlog."""

LOOK_SECONDS = 1.0
"""Between looks while nobody says that there is something."""

PROBE_SECONDS = 2.0
"""Between single tries, while a consumer takes nothing at all."""

Carry = Callable[[Event], "Deferred[str]"]
"""Carries one event; fires with "" when it is taken, else with a sentence that says why not."""


@dataclass
class Carried:
    """What became of events since the start of the process: how many tries, and how many events are dead."""

    taken: int = 0
    failed: int = 0
    dead: int = 0


class CarryTimes(NamedTuple):
    """The clock, Unix ms, and a chance from 0 to 1 that spreads retries."""

    clock: IReactorTime
    now_ms: Callable[[], int]
    chance: Callable[[], float]


class Courier:
    """Carries to one consumer, from `start` to `stop`."""

    _log = Logger()

    def __init__(
        self, store: IStore, consumer: str, carry: Carry, times: CarryTimes, carried: Carried
    ) -> None:
        self._store = store
        self._consumer = consumer
        self._carry = carry
        self._clock, self._now_ms, self._chance = times
        self._carried = carried
        self._turns = Turns(self._clock, self._take_turn, self._failed)
        self._is_woken = False
        self._is_down = False
        self._ended_at = 0.0

    def start(self) -> None:
        """Look at once: something may wait since before a crash."""
        self._turns.start()

    def wake(self) -> None:
        """Something may have been noted."""
        self._is_woken = True
        if not self._is_down:
            self._turns.hasten(max(self._clock.seconds(), self._ended_at + PAUSE_SECONDS))

    def stop(self) -> None:
        """Begin no more turns; what is under way is given up, and carried again after the next start."""
        self._turns.stop()

    async def _take_turn(self) -> float:
        self._is_woken = False
        found = await self._store.read(FindEvents(self._consumer, self._now_ms(), MOST_AT_ONCE))
        assert isinstance(found, EventsFound)
        lanes = found.lanes
        if self._is_down:
            lanes = tuple(lane._replace(events=lane.events[:1]) for lane in lanes[:1])
        turn = _Turn(self._carry, lanes, self._clock, self._outcome)
        outcomes = await turn.run()
        self._count(turn)
        if outcomes or found.behind:
            await self._store.write([SettleEvents(self._consumer, tuple(outcomes), found.behind)])
        self._ended_at = self._clock.seconds()
        return self._pause(found, turn.is_cut)

    def _pause(self, found: EventsFound, is_cut: bool) -> float:
        if self._is_down and found.lanes:
            return PROBE_SECONDS * (0.8 + 0.4 * self._chance())
        if found.more or is_cut:
            return REST_SECONDS
        if self._is_woken:
            return PAUSE_SECONDS
        if not found.next_ms:
            return LOOK_SECONDS
        return min(LOOK_SECONDS, max(PAUSE_SECONDS, (found.next_ms - self._now_ms()) / 1_000))

    def _count(self, turn: "_Turn") -> None:
        self._carried.taken += turn.taken
        self._carried.failed += turn.failed
        if turn.taken:
            if self._is_down:
                self._log.info("{consumer} takes events again", consumer=self._consumer)
            self._is_down = False
        elif turn.failed:
            if not self._is_down:
                text = "{consumer} takes no events: {problem}"
                self._log.warn(text, consumer=self._consumer, problem=turn.problem)
            self._is_down = True

    def _outcome(self, lane: EventLane, done: int, problem: str) -> LaneOutcome:
        """What became of a lane of which the first `done` were taken, and the next not if `problem` says."""
        ids = tuple(event.id for event in lane.events)
        if not problem:
            return LaneOutcome(lane.lane, ids[:done])
        attempts = 1 if done else lane.attempts + 1
        if attempts < MOST_ATTEMPTS:
            next_ms = self._now_ms() + retry_delay_ms(attempts, self._chance())
            return LaneOutcome(lane.lane, ids[:done], (), ids[done:], attempts, next_ms)
        self._carried.dead += 1
        self._log.error(
            "event {event} is given up for {consumer} after {attempts} tries: {problem}",
            event=ids[done].hex(),
            consumer=self._consumer,
            attempts=attempts,
            problem=problem,
        )
        return LaneOutcome(lane.lane, ids[:done], (DeadEvent(ids[done], attempts, problem),))

    def _failed(self, failure: Failure) -> float:
        if not failure.check(UnavailableError):
            self._log.failure("events are not carried to {consumer}", failure, consumer=self._consumer)
        return LOOK_SECONDS


class _Turn:
    """Carries some lanes side by side; `taken` and `failed` count tries, `problem` is of the last.

    `is_cut`: it ended before all was tried.
    """

    def __init__(
        self,
        carry: Carry,
        lanes: tuple[EventLane, ...],
        clock: IReactorTime,
        outcome: Callable[[EventLane, int, str], LaneOutcome],
    ) -> None:
        self._carry = carry
        self._lanes: Iterator[EventLane] = iter(lanes)
        self._most = min(MOST_LANES, len(lanes))
        self._clock = clock
        self._outcome = outcome
        self._ends_at = clock.seconds() + TURN_SECONDS
        self._outcomes: list[LaneOutcome] = []
        self.taken = self.failed = 0
        self.is_cut = False
        self.problem = ""

    async def run(self) -> list[LaneOutcome]:
        """Fires when all that was begun has ended; with what is to be settled."""
        rows = [Deferred.fromCoroutine(self._row()) for _ in range(self._most)]
        await gatherResults(rows, consumeErrors=True)
        return self._outcomes

    def _is_over(self) -> bool:
        is_hopeless = not self.taken and self.failed >= MOST_LANES
        is_over = is_hopeless or self._clock.seconds() >= self._ends_at
        self.is_cut = self.is_cut or is_over
        return is_over

    async def _row(self) -> None:
        for lane in self._lanes:
            if self._is_over():
                return
            await self._take(lane)

    async def _take(self, lane: EventLane) -> None:
        done, problem = 0, ""
        for event in lane.events:
            if done and self._is_over():
                break
            problem = await self._carry(event)
            if problem:
                self.failed += 1
                self.problem = problem
                break
            self.taken += 1
            done += 1
        self._outcomes.append(self._outcome(lane, done, problem))
