"""A courier for each webhook, that posts its events."""

from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from im.business.events import LOOK_SECONDS, Carried, CarryTimes, Courier
from im.business.turns import Turns
from im.business.webhook_desk import MOST_COUNTED, Post
from im.core.commands import Request, Result
from im.core.events import CountEvents, Event, EventCount, EventCounts
from im.core.webhooks import ListWebhooks, Webhook, Webhooks, event_body, event_headers
from im.ports import IStore, UnavailableError

COUNT_LOOKS = 10
"""Looks from one count to the next."""


class WebhookCounts:
    """Of all couriers of a process, one after the other: what became of events, and what waits of them.

    `waiting` is some seconds old, and nothing while this process posts none.
    """

    def __init__(self) -> None:
        self.carried = Carried()
        self.waiting: tuple[EventCount, ...] = ()


class WebhookCouriers:
    """Finds out which webhooks there are, from `start` to `stop`; `committed` observes a worker."""

    _log = Logger()

    def __init__(self, store: IStore, post: Post, times: CarryTimes, counts: WebhookCounts) -> None:
        self._store = store
        self._post = post
        self._times = times
        self._couriers: dict[str, Courier] = {}
        self._webhooks: dict[str, Webhook] = {}
        self._turns = Turns(times.clock, self._look, self._failed)
        self._looks = 0
        self._counts = counts

    def committed(self, requests: Sequence[Request], results: Sequence[Result]) -> None:
        """Take a committed batch: something may have been noted."""
        for courier in self._couriers.values():
            courier.wake()

    def start(self) -> None:
        """Look for webhooks."""
        self._turns.start()

    def stop(self) -> None:
        """Post nothing more."""
        self._turns.stop()
        for courier in self._couriers.values():
            courier.stop()
        self._counts.waiting = ()

    async def _look(self) -> float:
        found = await self._store.read(ListWebhooks())
        assert isinstance(found, Webhooks)
        self._webhooks = {webhook.id: webhook for webhook in found.webhooks}
        for gone in [*self._couriers.keys() - self._webhooks.keys()]:
            self._couriers.pop(gone).stop()
        for new in self._webhooks.keys() - self._couriers.keys():
            courier = Courier(self._store, new, self._carry_to(new), self._times, self._counts.carried)
            self._couriers[new] = courier
            courier.start()
        if not self._webhooks:
            self._counts.waiting = ()
        elif self._looks % COUNT_LOOKS == 0:
            counts = await self._store.read(CountEvents(MOST_COUNTED))
            assert isinstance(counts, EventCounts)
            self._counts.waiting = counts.counts
        self._looks += 1
        return LOOK_SECONDS

    def _carry_to(self, webhook: str) -> Callable[[Event], "Deferred[str]"]:
        def carry(event: Event) -> "Deferred[str]":
            to, body = self._webhooks[webhook], event_body(event)
            return self._post(to.url, event_headers(to, event, body, self._times.now_ms()), body)

        return carry

    def _failed(self, failure: Failure) -> float:
        if not failure.check(UnavailableError):
            self._log.failure("the look for webhooks failed", failure)
        return LOOK_SECONDS
