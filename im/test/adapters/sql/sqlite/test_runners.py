"""The store's threads."""

import threading

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.trial.unittest import TestCase

from im.adapters.sql.sqlite import ThreadedRunners


class RunnersTests(TestCase):
    async def test_writes_run_one_after_the_other_off_the_reactor(self) -> None:
        assert IReactorFromThreads.providedBy(reactor)
        threads = ThreadedRunners(reactor)
        runners = threads.start()
        order: list[tuple[int, str]] = []
        outcomes = [
            runners.write(lambda at=at: order.append((at, threading.current_thread().name)))  # type: ignore[misc]
            for at in range(20)
        ]
        for outcome in outcomes:
            await outcome
        await threads.stop()
        self.assertEqual(list(range(20)), [at for at, _ in order])
        self.assertEqual(1, len({name for _, name in order} - {threading.current_thread().name}))

    async def test_stopping_waits_for_what_runs(self) -> None:
        assert IReactorFromThreads.providedBy(reactor)
        threads = ThreadedRunners(reactor)
        runners = threads.start()
        gate = threading.Event()
        done: list[bool] = []
        reading: Deferred[bool] = runners.read(lambda: gate.wait(30))
        reading.addCallback(done.append)
        stopping = Deferred.fromCoroutine(threads.stop())
        self.assertFalse(stopping.called)
        gate.set()
        await stopping
        self.assertEqual([True], done)

    async def test_stopping_waits_for_what_runs_though_nobody_else_does(self) -> None:
        assert IReactorFromThreads.providedBy(reactor)
        threads = ThreadedRunners(reactor)
        runners = threads.start()
        gate = threading.Event()
        self.addCleanup(gate.set)
        abandoned = runners.read(lambda: gate.wait(30))
        abandoned.cancel()
        await self.assertFailure(abandoned, CancelledError)
        other: Deferred[int] = runners.write(lambda: 1)
        self.assertEqual(1, await other)
        stopping = Deferred.fromCoroutine(threads.stop())
        self.assertFalse(stopping.called)
        gate.set()
        await stopping

    async def test_whoever_waits_hears_of_a_failure(self) -> None:
        assert IReactorFromThreads.providedBy(reactor)
        threads = ThreadedRunners(reactor)
        runners = threads.start()
        failing: Deferred[float] = runners.read(lambda: 1 / 0)
        await self.assertFailure(failing, ZeroDivisionError)
        await threads.stop()
