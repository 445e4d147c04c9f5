"""Where the store's blocking work runs: threads of its own in production, at once in a simulation."""

from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeVar

from twisted.internet.defer import Deferred, execute
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

T = TypeVar("T")


class Runner(Protocol):
    """Runs work somewhere and tells what came of it; works of one runner begin in the order given."""

    def __call__(self, work: Callable[[], T]) -> "Deferred[T]":
        """Run `work`; fires on the reactor's thread with what it returns, or fails with what it raises."""


class Runners(NamedTuple):
    """One work at a time by `write`, several by `read`."""

    write: Runner
    read: Runner


def _at_once(work: Callable[[], T]) -> "Deferred[T]":
    return execute(work)


def inline_runners() -> Runners:
    """Runners that do the work at once, on the caller's thread."""
    return Runners(_at_once, _at_once)


class ThreadedRunners:
    """A thread that writes and `readers` threads that read, from `start` to `stop`."""

    def __init__(self, reactor: IReactorFromThreads, readers: int = 2) -> None:
        self._reactor = reactor
        self._writing = ThreadPool(1, 1, "store-write")
        self._reading = ThreadPool(1, readers, "store-read")
        self._running = 0
        self._idle: list[Deferred[None]] = []

    def start(self) -> Runners:
        """Start the threads."""
        self._writing.start()
        self._reading.start()
        return Runners(self._write, self._read)

    async def stop(self) -> None:
        """Wait for the work that was given, then end the threads. Give no more."""
        while self._running:
            idle: Deferred[None] = Deferred()
            self._idle.append(idle)
            await idle
        self._writing.stop()
        self._reading.stop()

    def _write(self, work: Callable[[], T]) -> "Deferred[T]":
        return self._run(self._writing, work)

    def _read(self, work: Callable[[], T]) -> "Deferred[T]":
        return self._run(self._reading, work)

    def _run(self, pool: ThreadPool, work: Callable[[], T]) -> "Deferred[T]":
        self._running += 1
        return deferToThreadPool(self._reactor, pool, work).addBoth(self._ended)

    def _ended(self, outcome: T) -> T:
        self._running -= 1
        if not self._running:
            idle, self._idle = self._idle, []
            for each in idle:
                self._reactor.callFromThread(each.callback, None)  # after what waits for this outcome
        return outcome
