"""Work that is done to its end, whoever waits for it."""

from typing import TypeVar

from twisted.internet.defer import Deferred

T = TypeVar("T")


def whole(work: "Deferred[T]") -> "Deferred[T]":
    """Fires as `work` does; cancelling what this returns ends the waiting alone."""
    waiting: Deferred[T] = Deferred()
    work.addCallbacks(waiting.callback, waiting.errback)
    return waiting
