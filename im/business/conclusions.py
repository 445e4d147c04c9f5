"""What handlers decided, on its way to the store: one batch at a time, what comes meanwhile is the next."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from im.core.commands import Request, Result
from im.core.custom import Conclude, Concluded, Stale
from im.ports import IStore, Signal

MOST_AT_ONCE = 64


class Concluding(NamedTuple):
    """A request whose command is a `Conclude`, and the signals that follow its commit."""

    request: Request
    signals: Sequence[Signal]


Tell = Callable[[Sequence[Request], Sequence[Result], Sequence[Signal]], None]
"""Tells the nodes what was committed."""


class Conclusions:
    """Stores conclusions and has them told; who waits for one learns its result after that."""

    def __init__(self, store: IStore, tell: Tell) -> None:
        self._store = store
        self._tell = tell
        self._waiting: list[tuple[Concluding, Deferred[Result]]] = []
        self._is_busy = False

    def add(self, concluding: Concluding) -> Deferred[Result]:
        """Store one. Fires with its result; a `Stale` one was told to nobody. Fails as a write does."""
        stored: Deferred[Result] = Deferred()
        self._waiting.append((concluding, stored))
        if not self._is_busy:
            self._write()
        return stored

    def _write(self) -> None:
        batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
        self._is_busy = bool(batch)
        if not batch:
            return
        commands = [concluding.request.command for concluding, _ in batch]
        writing: Deferred[list[Result]] = self._store.write(
            [command for command in commands if isinstance(command, Conclude)]
        )
        writing.addCallbacks(self._written, self._failed, callbackArgs=(batch,), errbackArgs=(batch,))

    def _written(self, results: list[Result], batch: list[tuple[Concluding, Deferred[Result]]]) -> None:
        told = [
            (concluding, result)
            for (concluding, _), result in zip(batch, results, strict=True)
            if not isinstance(result, Stale)
        ]
        signals: list[Signal] = []
        for concluding, result in told:
            if isinstance(result, Concluded) and not result.duplicate:
                signals += concluding.signals
        self._tell([each.request for each, _ in told], [result for _, result in told], signals)
        self._write()
        for (_, stored), outcome in zip(batch, results, strict=True):
            stored.callback(outcome)

    def _failed(self, failure: Failure, batch: list[tuple[Concluding, Deferred[Result]]]) -> None:
        self._write()
        for _, stored in batch:
            stored.errback(failure)
