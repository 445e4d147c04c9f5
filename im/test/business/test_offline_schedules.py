"""Random schedules of messages, acknowledgements and crashes: each message reaches its user, or is told."""

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from im.adapters.sql.sqlite import MemoryDatabase, SqliteStore, StorePolicy, inline_runners
from im.business.offline import WEBHOOK_CONSUMER, Consumer, OfflineWatch, offline_times
from im.core.commands import Result, Write
from im.core.messages import MoveDelivered, MoveRead
from im.core.reaching import HOOKS, WEBHOOKS, OfflineMessage, PassAway
from im.test.business.test_offline import EPOCH_MS, LATEST, LIMITS, KillableStore
from im.testing.contracts.store_base import a_send

TALKS = ("d~alice~bob", "d~bob~carol")
SENDERS = dict(zip(TALKS, ("alice", "carol"), strict=True))

steps = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.sampled_from(TALKS), st.integers(1, 5)),
        st.tuples(st.sampled_from(("ack", "background", "read")), st.sampled_from(TALKS), st.integers(1, 8)),
        st.tuples(st.just("run"), st.just(""), st.integers(1, 80)),
        st.tuples(st.sampled_from(("kill", "die before", "die after")), st.just(""), st.just(0)),
    ),
    max_size=25,
)


class World:
    """One store, a hook that hears, a consumer whose events are recorded; and what is true."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.database = MemoryDatabase()
        self.stored: dict[tuple[str, int], float] = {}
        self.heads: Counter[str] = Counter()
        self.reached: Counter[str] = Counter()
        self.crashes = 0
        self.heard: Counter[tuple[str, int]] = Counter()
        self.recorded: Counter[tuple[str, int]] = Counter()
        self.watches: list[OfflineWatch] = []
        self.start()

    def now_ms(self) -> int:
        return EPOCH_MS + round(self.clock.seconds() * 1_000)

    def start(self) -> None:
        policy = StorePolicy(LIMITS, True, away_consumers=frozenset({HOOKS, WEBHOOKS}))
        store = SqliteStore(self.database, inline_runners(), self.now_ms, policy, print)
        self.store = Recording(store, self)
        times = offline_times(self.clock, self.now_ms, LIMITS)
        consumers = (
            Consumer(HOOKS, self.hear),
            WEBHOOK_CONSUMER,
        )
        self.watches = [OfflineWatch(self.store, each, times) for each in consumers]
        for watch in self.watches:
            watch.start()

    def hear(self, messages: Any) -> Deferred[Any]:
        for message in messages:
            self.check(message)
            self.heard[message.conversation, message.seq] += 1
        return succeed(())

    def check(self, message: OfflineMessage) -> None:
        key = (message.conversation, message.seq)
        assert self.clock.seconds() - self.stored[key] >= LIMITS.offline_after_seconds, "too early"
        assert self.reached[message.conversation] < message.seq, "it had reached the user"

    def crash(self) -> None:
        for watch in self.watches:
            watch.stop()
        assert not self.clock.getDelayedCalls()
        self.crashes += 1
        self.start()

    def write(self, *batch: Write) -> None:
        self.store.whole.write(batch)

    def do(self, step: str, talk: str, number: int) -> None:
        if step == "run":
            self.clock.pump([0.25] * number)
        elif step == "kill":
            self.crash()
        elif step.startswith("die"):
            where = "dies_before" if step == "die before" else "dies_after"
            setattr(self.store, where, PassAway)
            self.clock.pump([0.25] * 20)
            self.crash()
        elif step == "send":
            numbers = [len(self.stored) + each + 1 for each in range(number)]
            self.write(*(a_send(each, SENDERS[talk], talk) for each in numbers))
            for _ in numbers:
                self.heads[talk] += 1
                self.stored[talk, self.heads[talk]] = self.clock.seconds()
        elif self.heads[talk]:
            self.move(step, talk, min(number, self.heads[talk]))

    def move(self, step: str, talk: str, seq: int) -> None:
        if step == "background":
            self.write(MoveDelivered(talk, "bob", seq, is_foreground=False))
            return
        self.write(MoveRead(talk, "bob", seq) if step == "read" else MoveDelivered(talk, "bob", seq))
        self.reached[talk] = max(self.reached[talk], seq)


class Recording(KillableStore):
    """Takes down what is recorded with a passing on that is new."""

    def __init__(self, store: SqliteStore, world: World) -> None:
        super().__init__(store)
        self.whole = store
        self._world = world

    def write(self, batch: Any) -> "Deferred[list[Result]]":
        written = super().write(batch)
        if self.dies_before is None:
            for message in (each for passing in batch for each in passing.told):
                self._world.check(message)
                self._world.recorded[message.conversation, message.seq] += 1
        return written


class ScheduleTests(SynchronousTestCase):
    @settings(max_examples=150, deadline=None, derandomize=True)
    @given(steps)
    def test_each_message_reaches_its_user_or_is_told_of_in_time_and_once(self, schedule: Any) -> None:
        world = World()
        for step in schedule:
            world.do(*step)
        world.clock.pump([0.25] * round(LATEST * 8))
        for key in world.stored:
            is_reached = key[1] <= world.reached[key[0]]
            self.assertTrue(is_reached or world.heard[key], key)
            self.assertTrue(is_reached or world.recorded[key], key)
        self.assertLessEqual(max(world.recorded.values(), default=0), 1)
        self.assertLessEqual(max(world.heard.values(), default=0), 1 + world.crashes)
        for watch in world.watches:
            watch.stop()
        self.assertEqual([], world.clock.getDelayedCalls())
        world.database.close()
