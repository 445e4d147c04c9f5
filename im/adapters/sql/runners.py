"""Where the store's blocking work runs: threads of its own in production, at once in a simulation."""

from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeVar

from twisted.internet.defer import Deferred, execute
from twisted.internet.interfaces import IReactorFromThreads
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
        done: Deferred[T] = Deferred()
        self._running += 1
        pool.callInThreadWithCallback(
            lambda _, outcome: self._reactor.callFromThread(self._ended, done, outcome), work
        )
        return done

    def _ended(self, done: "Deferred[T]", outcome: Any) -> None:
        """A work runs until here, also when nobody waits for it any more."""
        self._running -= 1
        if not done.called:  # cancelled meanwhile
            done.callback(outcome)  # a Failure, too
        if not self._running:
            idle, self._idle = self._idle, []
            for each in idle:
                self._reactor.callFromThread(each.callback, None)  # after what waits for this outcome


class SerialRunner:
    """Runs works by another runner, each after the one before has ended."""

    def __init__(self, run: Runner) -> None:
        self._run = run
        self._waiting: deque[Callable[[], None]] = deque()
        self._is_busy = False

    def __call__(self, work: Callable[[], T]) -> "Deferred[T]":
        """See `Runner`."""
        done: Deferred[T] = Deferred()

        def begin() -> None:
            self._is_busy = True
            self._run(work).addBoth(ended)

        def ended(outcome: Any) -> None:
            self._is_busy = False
            if self._waiting:
                self._waiting.popleft()()
            if not done.called:  # cancelled meanwhile
                done.callback(outcome)  # a Failure, too

        if self._is_busy:
            self._waiting.append(begin)
        else:
            begin()
        return done
