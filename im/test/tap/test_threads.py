"""Threads of handlers: so many at a time, and what hangs holds up nobody else."""

import threading

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.trial.unittest import TestCase

from im.tap.threads import HandlerThreads


class ThreadTests(TestCase):
    def setUp(self) -> None:
        assert IReactorFromThreads.providedBy(reactor)
        self.threads = HandlerThreads(reactor, "h", 1)

    async def test_a_result_comes_back(self) -> None:
        self.assertEqual(await self.threads(lambda: threading.current_thread().name), "handler-h")

    async def test_an_exception_comes_back(self) -> None:
        with self.assertRaises(ZeroDivisionError):
            await self.threads(lambda: 1 / 0)
        self.assertEqual(await self.threads(lambda: 1), 1)

    async def test_one_more_waits_for_its_place(self) -> None:
        gate = threading.Event()
        first: Deferred[bool] = self.threads(lambda: gate.wait(30))
        second: Deferred[int] = self.threads(lambda: 2)
        self.assertFalse(first.called or second.called)
        gate.set()
        self.assertEqual((await first, await second), (True, 2))

    async def test_one_that_is_cancelled_while_it_waits_is_never_run(self) -> None:
        gate = threading.Event()
        ran: list[int] = []
        first: Deferred[bool] = self.threads(lambda: gate.wait(30))
        second: Deferred[None] = self.threads(lambda: ran.append(2))
        second.addErrback(lambda _: None)
        second.cancel()
        gate.set()
        await first
        await self.threads(lambda: None)
        self.assertEqual(ran, [])

    async def test_those_that_are_cancelled_do_not_pile_up_behind_one_that_hangs(self) -> None:
        gate = threading.Event()
        hangs: Deferred[bool] = self.threads(lambda: gate.wait(30))
        for _ in range(10):
            given_up: Deferred[None] = self.threads(lambda: None)
            given_up.addErrback(lambda _: None)
            given_up.cancel()
        self.assertEqual(len(self.threads), 0)
        hangs.addErrback(lambda _: None)
        hangs.cancel()
        gate.set()
        self.assertEqual(await self.threads(lambda: 1), 1)
