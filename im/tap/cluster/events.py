"""Publishes the cluster's events to RabbitMQ, for back ends that bind a queue of their own."""

from collections.abc import Callable
from random import SystemRandom

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from im.business.events import LOOK_SECONDS, Carried, CarryTimes, Courier
from im.business.turns import Turns
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
        self._store = store
        self._kinds = kinds
        self._publish = publish
        self._courier = Courier(store, CONSUMER, self._carry, times, Carried())
        self._subscribing = Turns(reactor, self._subscribe, self._not_subscribed)

    def start(self) -> None:
        """Say which kinds are wanted, until the store has it; then carry."""
        self._subscribing.start()

    def stop(self) -> None:
        """Publish nothing more."""
        self._subscribing.stop()
        self._courier.stop()

    async def _subscribe(self) -> None:
        await self._store.write([SubscribeEvents(CONSUMER, self._kinds)])
        if self._kinds:
            self._courier.start()

    def _not_subscribed(self, failure: Failure) -> float:
        if not failure.check(UnavailableError):
            self._log.failure("no events are published", failure)
        return LOOK_SECONDS

    def _carry(self, event: Event) -> "Deferred[str]":
        published = self._publish(event.kind, event.id.hex(), event_body(event))
        return published.addCallbacks(lambda _: "", _problem)


def _problem(failure: Failure) -> str:
    failure.trap(UnavailableError)
    return failure.getErrorMessage()
