"""Hooks of others: who is called, in which order, and what one that fails does to the rest."""

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred, execute, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from im.business.hooks import NO_HOOKS, Hooks, HookSet
from im.business.session_hooks import SessionHooks
from im.core.commands import Request, Result
from im.core.errors import Code, Refused, RefusedError
from im.core.ledger import ChangeAppState, CloseSession, LedgerWrite, OpenSession, SessionNoted
from im.hook import Hook, HookContext, HookOwner, UserOffline, UserOnline
from im.isolation import HandlerCounters
from im.ports import Session, UnavailableError
from im.test.gateway.world import logged

OPENED = OpenSession("s1", "alice", "a1", "phone", "n1", 1_000, True, 30_000)


class Recorder(Hook):
    """Keeps what it is told, and does what the test says."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.contexts: list[HookContext] = []
        self.step: Callable[[], Any] = lambda: None

    def user_online(self, context: HookContext, event: UserOnline) -> Any:
        self.told.append(event)
        self.contexts.append(context)
        return self.step()


class Leaver(Hook):
    """Wants the ends alone."""

    def __init__(self) -> None:
        self.told: list[UserOffline] = []

    async def user_offline(self, context: HookContext, event: UserOffline) -> None:
        self.told.append(event)


class HookCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.counters = HandlerCounters()
        self.first, self.second = Recorder(), Recorder()

    def hooks(self, *hooks: Hook, settings: dict[str, Any] | None = None) -> Hooks:
        owners = [HookOwner(f"hooks.h{n}", hook, settings or {}) for n, hook in enumerate(hooks)]
        return Hooks(HookSet(owners, lambda owner: execute, self.counters), self.clock, lambda: 7_000)


class CallTests(HookCase):
    def test_only_those_that_implement_an_event_are_called(self) -> None:
        leaver = Leaver()
        hooks = self.hooks(self.first, leaver)
        hooks.tell("user_online", "alice", "came")
        self.assertEqual((self.first.told, leaver.told), (["came"], []))
        self.assertFalse(self.hooks(leaver).wants("user_online"))
        self.assertTrue(hooks.wants("user_online"))

    def test_a_call_has_its_time_its_settings_and_threads(self) -> None:
        self.hooks(self.first, settings={"a": 1}).tell("user_online", "alice", "came")
        (context,) = self.first.contexts
        self.assertEqual((context.now_ms, context.settings), (7_000, {"a": 1}))
        in_thread: Any = context.in_thread(max, 1, 2)
        self.assertEqual(self.successResultOf(in_thread), 2)

    def test_one_that_fails_is_logged_and_the_next_is_called(self) -> None:
        log = logged(self)
        self.first.step = lambda: fail(ValueError("its own"))
        self.hooks(self.first, self.second).tell("user_online", "alice", "came")
        self.assertEqual(self.second.told, ["came"])
        self.assertEqual([each["hook"] for each in log if each.get("hook")], ["hooks.h0"])
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_one_that_hangs_is_given_up_and_holds_up_nobody_else(self) -> None:
        self.first.step = lambda: Deferred()
        hooks = self.hooks(self.first, self.second)
        hooks.tell("user_online", "alice", 1)
        hooks.tell("user_online", "alice", 2)
        self.assertEqual((self.first.told, self.second.told), ([1], [1, 2]))
        self.clock.advance(Hook.timeout_seconds)
        self.assertEqual(self.counters.timeouts["hooks.h0"], 1)

    def test_of_one_lane_they_are_told_in_order(self) -> None:
        gate: Deferred[None] = Deferred()
        self.first.step = lambda: gate
        hooks = self.hooks(self.first)
        for lane, event in (("alice", 1), ("alice", 2), ("bob", 3)):
            hooks.tell("user_online", lane, event)
        self.assertEqual(self.first.told, [1, 3])
        gate.callback(None)
        self.assertEqual(self.first.told, [1, 3, 2])

    def test_stopped_it_cancels_what_runs(self) -> None:
        running: Deferred[None] = Deferred()
        self.first.step = lambda: running
        hooks = self.hooks(self.first)
        hooks.tell("user_online", "alice", 1)
        hooks.stop()
        self.assertTrue(running.called)


class AskTests(HookCase):
    def ask(self, hooks: Hooks) -> Deferred[list[Any]]:
        return Deferred.fromCoroutine(hooks.ask("user_online", "alice", "may she?"))

    def test_what_they_return_comes_in_order_without_none(self) -> None:
        silent = Recorder()
        self.first.step = lambda: succeed("a")
        self.second.step = lambda: "b"
        hooks = self.hooks(self.first, silent, self.second)
        self.assertEqual(self.successResultOf(self.ask(hooks)), ["a", "b"])

    def test_the_first_that_refuses_ends_it(self) -> None:
        refused = Refused(Code.PERMISSION_DENIED, "no")
        self.first.step = lambda: fail(RefusedError(refused))
        failure = self.failureResultOf(self.ask(self.hooks(self.first, self.second)), RefusedError)
        self.assertEqual((failure.value.refused, self.second.told), (refused, []))

    def test_one_that_fails_refuses_for_now(self) -> None:
        self.first.step = lambda: fail(ValueError("its own"))
        failure = self.failureResultOf(self.ask(self.hooks(self.first, self.second)), RefusedError)
        self.assertEqual(failure.value.refused.code, Code.UNAVAILABLE)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)


class _Registry:
    """Knows the sessions that the test says, or nothing."""

    def __init__(self) -> None:
        self.present: list[Session] | None = []
        self.asked = 0

    def sessions(self, user: str | None) -> Deferred[list[Session]]:
        self.asked += 1
        return fail(UnavailableError("gone")) if self.present is None else succeed(self.present)


class SessionHookTests(HookCase):
    def setUp(self) -> None:
        super().setUp()
        self.registry = _Registry()
        self.leaver = Leaver()

    def commit(self, *writes: LedgerWrite, results: Sequence[Result] | None = None) -> None:
        registry: Any = self.registry
        observer = SessionHooks(self.hooks(self.first, self.leaver), registry)
        requests = [Request("n1", 1, "", write) for write in writes]
        observer.committed(requests, results or [SessionNoted(True)] * len(writes))

    def other(self) -> Session:
        return Session("s2", "alice", "a2", "web", "n2", "g1", 1)

    def test_a_session_that_began_is_told(self) -> None:
        self.commit(OPENED)
        self.assertEqual(self.first.told, [UserOnline("alice", "s1", "a1", "phone", "n1", 1_000, True, True)])

    def test_beside_another_it_is_not_the_first_nor_the_last(self) -> None:
        self.registry.present = [self.other()]
        self.commit(OPENED, CloseSession(OPENED, 5_000, "logout", 0))
        self.assertFalse(self.first.told[0].is_first or self.leaver.told[0].is_last)

    def test_one_that_ended_is_told_with_its_reason_and_duration(self) -> None:
        self.commit(CloseSession(OPENED, 5_000, "heartbeat", 0))
        left = UserOffline("alice", "s1", "a1", "phone", "n1", 5_000, 4_000, "heartbeat", True)
        self.assertEqual(self.leaver.told, [left])

    def test_a_registry_that_does_not_answer_leaves_it_open_whether_it_is_the_first(self) -> None:
        self.registry.present = None
        self.commit(OPENED)
        self.assertFalse(self.first.told[0].is_first)

    def test_what_the_ledger_had_before_is_not_told_again(self) -> None:
        self.commit(OPENED, results=[SessionNoted(False)])
        self.commit(ChangeAppState("s1", "alice", 2_000, False, 30_000))
        self.assertEqual((self.first.told, self.registry.asked), ([], 0))

    def test_without_hooks_nobody_is_asked(self) -> None:
        registry: Any = self.registry
        observer = SessionHooks(Hooks(NO_HOOKS, self.clock, lambda: 0), registry)
        observer.committed([Request("n1", 1, "", OPENED)], [SessionNoted(True)])
        self.assertEqual(self.registry.asked, 0)
