"""Runs one coroutine on the reactor, from its start to its end."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, cast

from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent, globalLogBeginner
from twisted.python.failure import Failure
from zope.interface import implementer

T = TypeVar("T")
Main = Callable[[Any], Coroutine[Deferred[Any], Any, T]]


def run(main: "Main[T]", tell: Callable[[str], None]) -> T:
    """Run `main(reactor)` and return what it returns, or raise what it raises.

    SIGINT and SIGTERM cancel it, let it clean up, and raise KeyboardInterrupt. `tell` hears in a
    sentence of what fails behind its back.
    """
    from twisted.internet import reactor  # only now, so that a chat can install another one before

    globalLogBeginner.beginLoggingTo([_Teller(tell)], discardBuffer=True, redirectStandardIO=False)
    return cast(T, _Run(reactor, main).result())


@implementer(ILogObserver)
class _Teller:
    """Tells of critical events, and of nothing else."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell

    def __call__(self, event: LogEvent) -> None:
        if event.get("log_level") is LogLevel.critical:
            failure = event.get("log_failure")
            reason = f": {failure.getErrorMessage()}" if failure is not None else ""
            self._tell(f"{formatEvent(event)}{reason}")


class _Run:
    """One coroutine, and what became of it."""

    def __init__(self, reactor: Any, main: "Main[Any]") -> None:
        self._reactor = reactor
        self._main = main
        self._running: Deferred[Any] | None = None
        self._is_over = False
        self._is_interrupted = False
        self._value: Any = None

    def result(self) -> Any:
        """Run the reactor until the coroutine has ended; return or raise its result."""
        self._reactor.callWhenRunning(self._begin)
        self._reactor.addSystemEventTrigger("before", "shutdown", self._interrupt)
        self._reactor.run()
        if self._is_interrupted:
            raise KeyboardInterrupt
        if isinstance(self._value, Failure):
            self._value.raiseException()
        return self._value

    def _begin(self) -> None:
        self._running = Deferred.fromCoroutine(self._main(self._reactor))
        self._running.addBoth(self._end)

    def _end(self, value: Any) -> None:
        self._value = value
        self._is_over = True
        if not self._is_interrupted:
            self._reactor.stop()

    def _interrupt(self) -> "Deferred[Any] | None":
        """The reactor stops: by `_end`, or by a signal before it."""
        if self._is_over or self._running is None:
            return None
        self._is_interrupted = True
        self._running.cancel()
        return self._running
