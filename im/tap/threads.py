"""Threads for what handlers of others do that blocks: so many for each, and none that holds up an end."""

import threading
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, execute
from twisted.internet.interfaces import IReactorFromThreads

from im.handler import Named
from im.isolation import InThread


class HandlerThreads:
    """At most `most` calls at a time, each on a thread of its own; the rest wait.

    A call that never returns keeps its place for ever, and that of nobody else.
    """

    def __init__(self, reactor: IReactorFromThreads, name: str, most: int) -> None:
        self._reactor = reactor
        self._name = name
        self._most = most
        self._running = 0
        self._waiting: dict[Deferred[Any], Callable[[], Any]] = {}

    def __len__(self) -> int:
        """How many calls wait."""
        return len(self._waiting)

    def __call__(self, call: Callable[[], Any]) -> "Deferred[Any]":
        """Run a call; fires with what it returns. Cancelled while it waits, it is never run."""
        done: Deferred[Any] = Deferred(self._forget)
        self._waiting[done] = call
        self._start()
        return done

    def _start(self) -> None:
        while self._waiting and self._running < self._most:
            done = next(iter(self._waiting))
            call = self._waiting.pop(done)
            self._running += 1
            threading.Thread(
                target=self._run, args=(call, done), name=f"handler-{self._name}", daemon=True
            ).start()

    def _forget(self, cancelled: "Deferred[Any]") -> None:
        """Behind calls that never return those of clients that gave up must not pile up."""
        self._waiting.pop(cancelled, None)

    def _run(self, call: Callable[[], Any], done: "Deferred[Any]") -> None:
        outcome: list[Any] = []
        execute(call).addBoth(outcome.append)
        self._reactor.callFromThread(self._ended, done, outcome[0])

    def _ended(self, done: "Deferred[Any]", outcome: Any) -> None:
        self._running -= 1
        if not done.called:  # cancelled meanwhile
            done.callback(outcome)  # a Failure, too
        self._start()


def threads_of(reactor: IReactorFromThreads) -> Callable[[Named], InThread]:
    """Makes the threads of each handler."""
    return lambda owner: HandlerThreads(reactor, owner.name, owner.handler.threads)
