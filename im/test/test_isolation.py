"""Handlers of others: what one does, no other notices."""

from collections.abc import Awaitable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from im.core.errors import Code, Refused, RefusedError
from im.handler import MessageHandler, Owner
from im.isolation import BREAKER_FAILURES, BREAKER_SECONDS, HandlerCounters, Isolation
from im.ports import UnavailableError
from im.proto.base_pb2 import Ok


class Bounded(MessageHandler):
    """Two at a time, and two that wait."""

    type = 10_001
    body = Ok
    concurrency = 2
    waiting = 2
    timeout_seconds = 3.0

    def handle(self, context: Any, body: Any) -> None:
        """Not called here."""


class IsolationCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.counters = HandlerCounters()
        self.isolation = Isolation(Owner("h", Bounded()), self.clock, self.counters)
        self.gates: list[Deferred[str]] = []

    def run_one(self, lane: str, user: str = "") -> Deferred[Any]:
        return self.isolation.run(lane, self.wait, user)

    async def wait(self) -> str:
        gate: Deferred[str] = Deferred()
        self.gates.append(gate)
        return await gate

    def code(self, done: Deferred[Any]) -> Code:
        refused: Refused = self.failureResultOf(done, RefusedError).value.refused
        return refused.code

    def fail_times(self, times: int, error: Exception) -> None:
        async def work() -> None:
            raise error

        for _ in range(times):
            self.failureResultOf(self.isolation.run("a", work), type(error))


class TurnTests(IsolationCase):
    def test_one_of_a_lane_runs_at_a_time_in_order(self) -> None:
        first, second = self.run_one("a"), self.run_one("a")
        self.assertEqual(len(self.gates), 1)
        self.gates[0].callback("1")
        self.gates[1].callback("2")
        self.assertEqual((self.successResultOf(first), self.successResultOf(second)), ("1", "2"))

    def test_so_many_run_so_many_wait_and_the_rest_is_refused(self) -> None:
        running = [self.run_one(lane) for lane in "abcd"]
        self.assertEqual(len(self.gates), 2)
        self.assertIs(self.code(self.run_one("e")), Code.RATE_LIMITED)
        self.gates[0].callback("")
        self.assertEqual(len(self.gates), 3)
        self.successResultOf(running[0])
        self.assertEqual(self.counters.refused, {"h": 1})

    def test_a_user_fills_but_a_tenth_of_the_places_whatever_the_lanes(self) -> None:
        class Wide(Bounded):
            waiting = 20

        self.isolation = Isolation(Owner("h", Wide()), self.clock, self.counters)
        for lane in "abcd":  # two run, two wait
            self.run_one(lane, "alice")
        refused = self.failureResultOf(self.run_one("e", "alice"), RefusedError).value.refused
        self.assertIs(refused.code, Code.RATE_LIMITED)
        self.assertEqual(refused.retry_after_ms, 1_000)
        self.assertNoResult(self.run_one("e", "bob"))
        self.gates[0].callback("")
        self.assertNoResult(self.run_one("e", "alice"))
        self.assertIs(self.code(self.run_one("f", "alice")), Code.RATE_LIMITED)

    def test_of_few_places_a_user_has_one(self) -> None:
        for lane in "abc":
            self.assertNoResult(self.run_one(lane, "alice"))
        self.assertIs(self.code(self.run_one("d", "alice")), Code.RATE_LIMITED)

    def test_what_waits_behind_a_busy_lane_takes_no_turn_of_others(self) -> None:
        self.run_one("a")
        self.run_one("a")
        self.run_one("b")
        self.assertEqual(len(self.gates), 2)

    def test_many_that_end_at_once_do_not_pile_up(self) -> None:
        class Wide(Bounded):
            waiting = 5_000

        isolation = Isolation(Owner("h", Wide()), self.clock, self.counters)

        async def at_once() -> int:
            return 1

        gate = isolation.run("a", self.wait)
        rest = [isolation.run("a", at_once) for _ in range(5_000)]
        self.gates[0].callback("")
        self.assertEqual(sum(self.successResultOf(each) for each in rest), 5_000)
        self.successResultOf(gate)


class TimeTests(IsolationCase):
    def test_one_that_hangs_is_given_up_and_makes_room(self) -> None:
        hangs, behind = self.run_one("a"), self.run_one("a")
        self.clock.advance(2.9)
        self.assertNoResult(hangs)
        self.clock.advance(0.1)
        self.assertIs(self.code(hangs), Code.UNAVAILABLE)
        self.assertEqual(self.counters.timeouts, {"h": 1})
        self.assertIs(self.code(behind), Code.UNAVAILABLE)  # it waited as long as a call may last
        again = self.run_one("a")
        self.gates[-1].callback("")
        self.successResultOf(again)

    def test_one_that_will_not_be_cancelled_is_given_up_all_the_same(self) -> None:
        async def stubborn() -> str:
            while True:
                try:
                    return await self.wait()
                except CancelledError:
                    continue

        done = self.isolation.run("a", stubborn)
        self.clock.advance(3)
        self.assertIs(self.code(done), Code.UNAVAILABLE)
        self.gates[-1].callback("too late")

    def test_the_time_of_calls_is_counted(self) -> None:
        self.run_one("a")
        self.clock.advance(1.5)
        self.gates[0].callback("")
        self.assertEqual((self.counters.calls, self.counters.seconds), ({"h": 1}, {"h": 1.5}))

    def test_a_stop_leaves_nothing_behind(self) -> None:
        for lane in "aabc":
            self.run_one(lane).addErrback(lambda _: None)
        self.isolation.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])


class BreakerTests(IsolationCase):
    def test_what_fails_again_and_again_is_not_called_for_a_while(self) -> None:
        self.fail_times(BREAKER_FAILURES, ZeroDivisionError())
        self.assertTrue(self.isolation.is_open)
        self.assertIs(self.code(self.run_one("a")), Code.UNAVAILABLE)
        self.assertEqual(self.gates, [])
        self.clock.advance(BREAKER_SECONDS)
        self.fail_times(1, ZeroDivisionError())
        self.assertTrue(self.isolation.is_open)
        self.clock.advance(BREAKER_SECONDS)
        done = self.run_one("a")
        self.gates[0].callback("well again")
        self.successResultOf(done)
        self.fail_times(BREAKER_FAILURES - 1, ZeroDivisionError())
        self.assertFalse(self.isolation.is_open)
        self.assertEqual(self.counters.breaker_opened, {"h": 2})

    def test_neither_refusals_nor_a_store_that_is_away_open_it(self) -> None:
        for error in (RefusedError(Refused(Code.NOT_FOUND, "")), UnavailableError()):
            self.fail_times(3 * BREAKER_FAILURES, error)
        self.assertFalse(self.isolation.is_open)
        self.assertEqual(self.counters.failures, {"h": 0})

    def test_what_hangs_again_and_again_opens_it(self) -> None:
        waiting: list[Awaitable[Any]] = []
        for _ in range(BREAKER_FAILURES):
            hangs = self.run_one("a")
            self.clock.advance(3)
            self.code(hangs)
            waiting.append(hangs)
        self.assertTrue(self.isolation.is_open)
