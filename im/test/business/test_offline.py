"""Messages that did not reach their users: who is told, when, how often, and after which crash."""

import json
from typing import Any

from twisted.internet.defer import Deferred, execute, fail
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from im.adapters.sql.sqlite import MemoryDatabase, SqliteStore, StorePolicy, inline_runners
from im.business.hooks import Hooks, HookSet
from im.business.offline import TRIES, WEBHOOK_CONSUMER, OfflineWatch, hook_consumer, offline_times
from im.core.commands import Login, Query, Result, SetDisabled, Write
from im.core.events import OFFLINE_MESSAGE, EventsFound, FindEvents, SubscribeEvents
from im.core.limits import Limits
from im.core.messages import MoveDelivered
from im.core.reaching import HOOKS, WEBHOOKS, Away, FindAway, PassAway, Place, RegisterPushToken
from im.hook import Hook, HookContext, HookOwner, OfflineMessage
from im.isolation import HandlerCounters
from im.ports import IStore, UnavailableError
from im.testing.contracts.store_base import DIRECT, a_send

EPOCH_MS = 1_700_000_000_000
LIMITS = Limits()
LATEST = LIMITS.offline_after_seconds + LIMITS.delivered_flush_seconds + 0.5
"""By then a message was told, in seconds after it was stored."""


class Pusher(Hook):
    """Keeps what it is told, and fails at as many of them as the test says."""

    def __init__(self) -> None:
        self.told: list[OfflineMessage] = []
        self.failing = 0
        self.hanging: list[Deferred[None]] | None = None

    async def offline_message(self, context: HookContext, event: OfflineMessage) -> None:
        self.told.append(event)
        if self.failing:
            self.failing -= 1
            raise ValueError("the push service is down")
        if self.hanging is not None:
            self.hanging.append(Deferred())
            await self.hanging[-1]


@implementer(IStore)
class KillableStore:
    """A store that may die before or after what it writes."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self.dies_before: type | None = None
        self.dies_after: type | None = None
        self.looks = 0

    def write(self, batch: Any) -> "Deferred[list[Result]]":
        kinds = {type(each) for each in batch}
        if self.dies_before in kinds:
            return Deferred()
        written = self._store.write(batch)
        return Deferred() if self.dies_after in kinds else written

    def read(self, query: Query) -> "Deferred[Result]":
        self.looks += 1
        return self._store.read(query)

    def problem(self) -> str:
        return ""


class OfflineCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.database = MemoryDatabase()
        self.addCleanup(self.database.close)
        self.pusher = Pusher()
        self.start()
        self.write(Login("bob", "d1", "phone", 1), RegisterPushToken("bob", "d1", "fcm", "f1"))

    def now_ms(self) -> int:
        return EPOCH_MS + round(self.clock.seconds() * 1_000)

    def start(self, hook: Hook | None = None) -> None:
        """A process on what the last one committed."""
        policy = StorePolicy(LIMITS, True, away_consumers=frozenset({HOOKS}))
        fatal = self.fail
        store = SqliteStore(self.database, inline_runners(), self.now_ms, policy, fatal)
        self.store = KillableStore(store)
        owners = [HookOwner("hooks.pusher", hook or self.pusher)]
        self.hooks = Hooks(HookSet(owners, lambda owner: execute, HandlerCounters()), self.clock, self.now_ms)
        times = offline_times(self.clock, self.now_ms, LIMITS)
        self.watch = OfflineWatch(self.store, hook_consumer(self.hooks), times)
        self.watch.start()

    def kill(self) -> None:
        """End the process; what runs in it goes on to nobody's knowledge."""
        self.watch.stop()
        self.hooks.stop()
        self.assertEqual([], self.clock.getDelayedCalls())

    def write(self, *batch: Write) -> None:
        self.successResultOf(self.store.write(batch))

    def run_for(self, seconds: float) -> None:
        self.clock.pump([0.1] * round(seconds * 10))

    def told(self) -> list[tuple[str, int]]:
        return [(each.user, each.seq) for each in self.pusher.told]


class TimeTests(OfflineCase):
    def test_a_message_to_who_is_absent_is_told_once_and_not_before_its_time(self) -> None:
        self.write(a_send(1))
        self.run_for(LIMITS.offline_after_seconds)
        self.assertEqual([], self.told())
        self.run_for(LATEST - LIMITS.offline_after_seconds)
        (message,) = self.pusher.told
        self.assertEqual(
            ("bob", 1, b"text 1", 1), (message.user, message.seq, message.content, message.badge)
        )
        self.assertEqual(["f1"], [each.token for each in message.devices])
        self.run_for(60)
        self.assertEqual(1, len(self.pusher.told))

    def test_what_was_acknowledged_at_9_9_seconds_is_not_told(self) -> None:
        self.write(a_send(1))
        self.run_for(9.9 + LIMITS.delivered_flush_seconds)  # until it is written
        self.write(MoveDelivered(DIRECT, "bob", 1))
        self.run_for(60)
        self.assertEqual([], self.told())

    def test_what_is_acknowledged_when_it_was_told_is_told_no_more(self) -> None:
        self.write(a_send(1))
        self.run_for(LATEST)
        self.write(MoveDelivered(DIRECT, "bob", 1))
        self.run_for(60)
        self.assertEqual([("bob", 1)], self.told())

    def test_a_session_in_the_background_that_acknowledged_does_not_count(self) -> None:
        self.write(a_send(1), a_send(2))
        self.write(MoveDelivered(DIRECT, "bob", 2, is_foreground=False), MoveDelivered(DIRECT, "bob", 1))
        self.run_for(LATEST)
        self.assertEqual([("bob", 2)], self.told())

    def test_both_devices_are_named_and_one_without_a_token_is_not(self) -> None:
        self.write(Login("bob", "d2", "web", 1), Login("bob", "d3", "web", 1))
        self.write(RegisterPushToken("bob", "d2", "web", "w1"), a_send(1), a_send(2))
        self.run_for(5)
        self.write(RegisterPushToken("bob", "d1", "fcm", ""))
        self.run_for(LATEST)
        self.assertEqual([["w1"], ["w1"]], [[d.token for d in each.devices] for each in self.pusher.told])

    def test_who_was_disabled_meanwhile_is_left_alone(self) -> None:
        self.write(a_send(1))
        self.write(SetDisabled("bob", True))
        self.run_for(LATEST)
        self.assertEqual([], self.told())

    def test_a_crowd_is_told_in_turns_in_order(self) -> None:
        self.write(*(a_send(n) for n in range(1, 201)))
        self.run_for(LATEST + 1)
        self.assertEqual([("bob", seq) for seq in range(1, 201)], self.told())


class CrashTests(OfflineCase):
    def test_a_crash_before_its_time_loses_nothing(self) -> None:
        self.write(a_send(1))
        self.run_for(5)
        self.kill()
        self.run_for(60)
        self.start()
        self.run_for(0.1)
        self.assertEqual([("bob", 1)], self.told())

    def test_a_crash_between_telling_and_passing_on_tells_again_under_the_same_key(self) -> None:
        self.write(a_send(1))
        self.store.dies_before = PassAway
        self.run_for(LATEST)
        self.kill()
        self.start()
        self.run_for(60)
        first, again = self.pusher.told
        self.assertEqual((first, first.key), (again, again.key))

    def test_a_crash_after_passing_on_tells_no_more(self) -> None:
        self.write(a_send(1))
        self.store.dies_after = PassAway
        self.run_for(LATEST)
        self.kill()
        self.start()
        self.run_for(60)
        self.assertEqual([("bob", 1)], self.told())

    def test_a_stop_while_the_hook_is_at_it_leaves_nothing_and_tells_again(self) -> None:
        self.write(a_send(1))
        self.pusher.hanging = []
        self.run_for(LATEST)
        self.assertEqual([("bob", 1)], self.told())
        self.kill()
        self.pusher.hanging = None
        self.start()
        self.run_for(1)
        self.assertEqual([("bob", 1)] * 2, self.told())
        self.flushLoggedErrors()


class FailureTests(OfflineCase):
    def test_a_hook_that_fails_is_told_again_and_then_does_without(self) -> None:
        self.pusher.failing = TRIES - 1
        self.write(a_send(1))
        self.run_for(LATEST + 40)
        self.assertEqual([("bob", 1)] * TRIES, self.told())
        self.pusher.failing = 100
        self.write(a_send(2))
        self.run_for(LATEST + 90)
        self.pusher.failing = 0
        self.write(a_send(3))
        self.run_for(LATEST + 90)
        self.assertEqual(("bob", 3), self.told()[-1])
        self.flushLoggedErrors(ValueError)

    def test_one_that_fails_holds_up_no_other(self) -> None:
        self.pusher.failing = 1
        self.write(a_send(1), a_send(2, conversation="d~alice~carol"))
        self.run_for(LATEST + 5)
        self.assertEqual([("bob", 1), ("carol", 1), ("bob", 1)], self.told())
        self.assertEqual(1, len(self.flushLoggedErrors(ValueError)))

    def test_a_store_that_cannot_is_asked_again(self) -> None:
        self.write(a_send(1))
        down: list[Deferred[Any]] = [fail(UnavailableError("locked")), fail(KeyError("a bug"))]
        whole = self.store.read
        self.patch(self.store, "read", lambda query: down.pop() if down else whole(query))
        self.run_for(LATEST + 5)
        self.assertEqual([("bob", 1)], self.told())
        self.assertEqual(1, len(self.flushLoggedErrors(KeyError)))


class CostTests(OfflineCase):
    def test_a_steady_flow_costs_a_few_transactions_a_second(self) -> None:
        written = self.written()
        for number in range(1, 301):
            self.write(a_send(number))
            self.clock.advance(0.1)
        passed = [each for each in written if isinstance(each, PassAway)]
        self.assertLess(len(passed), 5 * (30 - LIMITS.offline_after_seconds))
        self.assertGreater(len(self.pusher.told), 150)

    def test_events_for_back_ends_are_recorded_with_the_passing_on(self) -> None:
        self.watch.stop()
        times = offline_times(self.clock, self.now_ms, LIMITS)
        self.watch = OfflineWatch(self.store, WEBHOOK_CONSUMER, times)
        self.watch.start()
        self.write(SubscribeEvents("shop", (OFFLINE_MESSAGE,)))
        self.write(a_send(1))
        self.run_for(LATEST)
        found = self.successResultOf(self.store.read(FindEvents("shop", self.now_ms(), 10)))
        assert isinstance(found, EventsFound)
        ((event,),) = (lane.events for lane in found.lanes)
        told = json.loads(event.payload)
        self.assertEqual(("bob", 1, "f1"), (event.user, told["seq"], told["devices"][0]["token"]))
        self.write(SubscribeEvents("shop", ()), a_send(2))
        self.run_for(LATEST)
        self.assertEqual(Away(Place(), Place(), (), ()), self.away())

    def away(self) -> Result:
        """What is noted for webhooks."""
        return self.successResultOf(self.store.read(FindAway(WEBHOOKS, self.now_ms(), 10)))

    def test_what_was_noted_for_a_hook_that_is_gone_is_passed_on_untold(self) -> None:
        self.write(a_send(1))
        self.kill()
        self.pusher = Pusher()
        self.start(hook=Hook())
        self.run_for(LATEST)
        self.kill()
        self.start()
        self.run_for(LATEST)
        self.assertEqual([], self.told())

    def test_while_nothing_waits_it_looks_now_and_then(self) -> None:
        looks = self.store.looks
        self.run_for(60)
        self.assertLessEqual(self.store.looks - looks, 60 / LIMITS.offline_after_seconds * 2)

    def written(self) -> list[Any]:
        """What is written from now on."""
        written: list[Any] = []
        whole = self.store.write

        def write(batch: Any) -> Any:
            written.extend(batch)
            return whole(batch)

        self.patch(self.store, "write", write)
        return written
