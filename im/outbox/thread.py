"""The thread on which a relay works in its database, so that the reactor never waits for it."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.python.threadpool import ThreadPool

T = TypeVar("T")


class InThread(Protocol):
    """Does work that blocks, one after the other."""

    def __call__(self, work: Callable[[], T]) -> "Deferred[T]":
        """Do it; fires on the reactor's thread with what it returns, or fails with what it raises."""


class DatabaseThread:
    """One thread, from the first work until `stop`, which is for when no work is left."""

    def __init__(self, reactor: IReactorFromThreads) -> None:
        self._reactor = reactor
        self._pool = ThreadPool(0, 1, "outbox")
        self._pool.start()

    def __call__(self, work: Callable[[], T]) -> "Deferred[T]":
        """See `InThread`."""
        done: Deferred[T] = Deferred()
        self._pool.callInThreadWithCallback(
            lambda _, outcome: self._reactor.callFromThread(_tell, done, outcome), work
        )
        return done

    def stop(self) -> None:
        """End the thread."""
        self._pool.stop()


def _tell(done: "Deferred[Any]", outcome: Any) -> None:
    if not done.called:  # cancelled meanwhile
        done.callback(outcome)  # a Failure, too
