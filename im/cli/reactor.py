"""Runs one coroutine on the reactor, from its start to its end."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorCore
from twisted.logger import LogEvent, LogLevel, formatEvent, globalLogBeginner
from twisted.python.failure import Failure

T = TypeVar("T")


def run(main: Callable[[Any], Coroutine[Deferred[Any], Any, T]], tell: Callable[[str], None]) -> T:
    """Run `main(reactor)` and return what it returns, or raise what it raises.

    SIGINT and SIGTERM cancel it, let it clean up, and raise KeyboardInterrupt. `tell` hears, in a
    sentence, of what fails behind its back.
    """
    from twisted.internet import reactor  # here, so that chat can install another one before

    globalLogBeginner.beginLoggingTo([_Critical(tell)], discardBuffer=True, redirectStandardIO=False)
    running = _Run(cast(IReactorCore, reactor))
    running.start(Deferred.fromCoroutine, main(reactor))
    return cast(T, running.outcome())


class _Run:
    def __init__(self, reactor: IReactorCore) -> None:
        self._reactor = reactor
        self._ended: Deferred[None] = Deferred()
        self._outcome: list[Any] = []
        self._running: Deferred[Any] | None = None

    def start(self, begin: Callable[[Any], Deferred[Any]], coroutine: Any) -> None:
        self._reactor.addSystemEventTrigger("before", "shutdown", self._interrupt)
        self._reactor.callWhenRunning(self._begin, begin, coroutine)
        self._reactor.run()

    def outcome(self) -> Any:
        if not self._outcome:
            raise KeyboardInterrupt
        value = self._outcome[0]
        if isinstance(value, Failure):
            value.raiseException()
        return value

    def _begin(self, begin: Callable[[Any], Deferred[Any]], coroutine: Any) -> None:
        self._running = begin(coroutine)
        self._running.addBoth(self._end)

    def _end(self, value: Any) -> None:
        running, self._running = self._running, None
        if running is None:
            self._ended.callback(None)
            return
        self._outcome.append(value)
        self._reactor.stop()

    def _interrupt(self) -> Deferred[None] | None:
        running, self._running = self._running, None
        if running is None:
            return None
        running.cancel()
        return self._ended
