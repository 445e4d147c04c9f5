"""Calls the hooks of others, isolated like handlers: one that hangs or fails is felt by nobody else.

An event is named like its method of `im.hook.Hook`. Another event needs a method there, and one call
of `Hooks.tell` or `Hooks.ask` where it happens.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from im.core.errors import Code, Refused, RefusedError
from im.handler import Named
from im.hook import EVENTS, HookOwner
from im.isolation import HandlerCounters, InThread, Isolation, no_threads

T = TypeVar("T")

_FAILED = Refused(Code.UNAVAILABLE, "what the app decides this by fails; try again later", "", 5_000)


class HookSet(NamedTuple):
    """The hooks of a process, in the order of their names. `threads` makes what runs blocking calls."""

    owners: Sequence[HookOwner]
    threads: Callable[[Named], InThread]
    counters: HandlerCounters


NO_HOOKS = HookSet((), no_threads, HandlerCounters())


class _Context(NamedTuple):
    """The `HookContext` of one call."""

    now_ms: int
    settings: Mapping[str, Any]
    threads: InThread

    def in_thread(self, call: Callable[..., T], *arguments: Any) -> Awaitable[T]:
        """See `HookContext`."""
        return self.threads(lambda: call(*arguments))


class _Hooked(NamedTuple):
    owner: HookOwner
    isolation: Isolation
    threads: InThread


class Hooks:
    """Event -> the hooks that want it."""

    _log = Logger()

    def __init__(self, hooks: HookSet, clock: IReactorTime, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._all = [
            _Hooked(owner, Isolation(owner, clock, hooks.counters), hooks.threads(owner))
            for owner in hooks.owners
        ]
        self._wanting = {
            event: [each for each in self._all if each.owner.handler.wants(event)] for event in EVENTS
        }

    def wants(self, event: str) -> bool:
        """Whether anybody wants an event; if not, it needn't even be made."""
        return bool(self._wanting[event])

    def tell(self, event: str, lane: str, value: object) -> None:
        """Call all that want an event, and wait for none. Those of one lane are told in order."""
        for each in self._wanting[event]:
            self._run(each, event, lane, value).addErrback(self._failed, each.owner.name, event)

    async def ask(self, event: str, lane: str, value: object) -> list[Any]:
        """What those that want an event return, one after the other, but for None.

        Raises `RefusedError` as the first of them that refuses, or that fails: then `unavailable`.
        """
        answers = []
        for each in self._wanting[event]:
            asked = self._run(each, event, lane, value)
            answer = await asked.addErrback(self._refusal, each.owner.name, event)
            if answer is not None:
                answers.append(answer)
        return answers

    async def passed(
        self, event: str, lane: str, value: T, taken: Callable[[T, Any], T], user: str = ""
    ) -> T:
        """A value that those who want an event have had, one after the other.

        Each gets what `taken` made of the value and the answer of the one before; it raises `TypeError`
        for no answer at all. A call takes a place of the share of `user`. Raises as `ask` does.
        """
        for each in self._wanting[event]:
            asked = self._run(each, event, lane, value, user).addCallback(partial(taken, value))
            value = await asked.addErrback(self._refusal, each.owner.name, event)
        return value

    def tried(self, event: str, lane: str, value: object) -> Deferred[bool]:
        """Call all that want an event, in order for one lane; fires with whether none of them failed."""
        calls = [
            self._run(each, event, lane, value).addCallbacks(
                lambda _: True, self._missed, errbackArgs=(each.owner.name, event)
            )
            for each in self._wanting[event]
        ]
        return Deferred.fromCoroutine(_all_done(calls))

    def stop(self) -> None:
        """Cancel what runs."""
        for each in self._all:
            each.isolation.stop()

    def _run(self, hooked: _Hooked, event: str, lane: str, value: object, user: str = "") -> Deferred[Any]:
        method = getattr(hooked.owner.handler, event)
        context = _Context(self._now_ms(), hooked.owner.settings, hooked.threads)

        async def call() -> Any:
            outcome = method(context, value)
            return await outcome if inspect.isawaitable(outcome) else outcome

        return hooked.isolation.run(lane, call, user)

    def _missed(self, failure: Failure, name: str, event: str) -> bool | Failure:
        if failure.check(CancelledError):
            return failure
        self._failed(failure, name, event)
        return False

    def _refusal(self, failure: Failure, name: str, event: str) -> Failure:
        if failure.check(RefusedError, CancelledError):
            return failure
        self._failed(failure, name, event)
        raise RefusedError(_FAILED)

    def _failed(self, failure: Failure, name: str, event: str) -> None:
        """One that is late or shut off is counted alone, or the log would be full of it."""
        if not failure.check(RefusedError):
            self._log.failure("{hook} failed at {event}", failure, hook=name, event=event)


async def _all_done(calls: Sequence[Deferred[bool]]) -> bool:
    return all([await call for call in calls])
