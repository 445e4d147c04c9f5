"""Publishes the cluster's events to RabbitMQ, for back ends that bind a queue of their own."""

from collections.abc import Callable
from random import SystemRandom

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from im.business.events import LOOK_SECONDS, Carried, CarryTimes, Courier
from im.core.events import Event, SubscribeEvents
from im.core.webhooks import event_body
from im.ports import IStore, UnavailableError
from im.tap.process import INodeReactor
from im.tap.storing import now_ms

CONSUMER = "amqp"

Publish = Callable[[str, str, bytes], "Deferred[None]"]
"""Publishes an event of a kind under its id; fails with `UnavailableError`."""


class EventPosting:
    """A consumer of events beside the webhooks, from `start` to `stop`, that gets `kinds`.

    Without any, what an earlier setting let wait is forgotten.
    """

    _log = Logger()

    def __init__(
        self, reactor: INodeReactor, store: IStore, kinds: tuple[str, ...], publish: Publish
    ) -> None:
        times = CarryTimes(reactor, now_ms, SystemRandom().random)
        self._reactor = reactor
        self._store = store
        self._kinds = kinds
        self._publish = publish
        self._courier = Courier(store, CONSUMER, self._carry, times, Carried())
        self._call: IDelayedCall | None = None
        self._subscribing: Deferred[None] = succeed(None)
        self._is_stopped = False

    def start(self) -> None:
        """Say which kinds are wanted, until the store has it; then carry."""
        self._call = None
        self._subscribing = Deferred.fromCoroutine(self._subscribe())
        self._subscribing.addErrback(self._not_subscribed)

    def stop(self) -> None:
        """Publish nothing more."""
        self._is_stopped = True
        if self._call is not None:
            self._call.cancel()
            self._call = None
        self._subscribing.cancel()
        self._courier.stop()

    async def _subscribe(self) -> None:
        await self._store.write([SubscribeEvents(CONSUMER, self._kinds)])
        if self._kinds:
            self._courier.start()

    def _not_subscribed(self, failure: Failure) -> None:
        if self._is_stopped:
            return
        if not failure.check(UnavailableError):
            self._log.failure("no events are published", failure)
        self._call = self._reactor.callLater(LOOK_SECONDS, self.start)

    def _carry(self, event: Event) -> "Deferred[str]":
        published = self._publish(event.kind, event.id.hex(), event_body(event))
        return published.addCallbacks(lambda _: "", _problem)


def _problem(failure: Failure) -> str:
    failure.trap(UnavailableError)
    return failure.getErrorMessage()
