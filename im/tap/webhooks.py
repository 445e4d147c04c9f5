"""Posts events to webhooks, and measures it."""

from random import SystemRandom

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from im.business.events import CarryTimes
from im.business.upkeep import EVENTS, Upkeep
from im.business.webhooks import WebhookCounts, WebhookCouriers
from im.http.metrics import Kind, Metric
from im.http.webhook_poster import WebhookPoster
from im.ports import IStore
from im.tap.config import Config
from im.tap.process import INodeReactor
from im.tap.storing import now_ms


class WebhookPosting:
    """Couriers with connections of their own, from `start` to `stop`.

    `stopped` fires when the connections are closed.
    """

    _log = Logger()

    def __init__(self, config: Config, reactor: INodeReactor, store: IStore, counts: WebhookCounts) -> None:
        self._poster = WebhookPoster(reactor, config.webhooks_private)
        times = CarryTimes(reactor, now_ms, SystemRandom().random)
        self.couriers = WebhookCouriers(store, self._poster, times, counts)
        self._upkeep = Upkeep(reactor, store, EVENTS)
        self.stopped: Deferred[None] = succeed(None)

    def start(self) -> None:
        """Look for what waits."""
        self.couriers.start()
        self._upkeep.start()

    def stop(self) -> None:
        """Post nothing more."""
        self.couriers.stop()
        self._upkeep.stop()
        self.stopped = Deferred.fromCoroutine(self._poster.close()).addErrback(self._not_closed)

    def _not_closed(self, failure: Failure) -> None:
        self._log.failure("connections to webhooks did not close", failure)


def webhook_metrics(counts: WebhookCounts) -> list[Metric]:
    """What became of events, and what waits."""
    carried = counts.carried

    def oldest_seconds() -> float:
        times = [each.oldest_ms for each in counts.waiting if each.oldest_ms]
        return (now_ms() - min(times)) / 1_000 if times else 0.0

    return [
        Metric(
            "im_webhook_events_pending",
            Kind.GAUGE,
            "Events that wait to be posted, by webhook; none above 10,000 are counted.",
            lambda: {each.consumer: each.pending for each in counts.waiting},
            "webhook",
        ),
        Metric(
            "im_webhook_events_dead",
            Kind.GAUGE,
            "Events that were given up and can be replayed, by webhook; none above 10,000 are counted.",
            lambda: {each.consumer: each.dead for each in counts.waiting},
            "webhook",
        ),
        Metric(
            "im_webhook_oldest_event_seconds",
            Kind.GAUGE,
            "Age of the oldest event that waits to be posted.",
            oldest_seconds,
        ),
        Metric(
            "im_webhook_events_taken_total",
            Kind.COUNTER,
            "Events that a webhook took.",
            lambda: carried.taken,
        ),
        Metric(
            "im_webhook_failures_total",
            Kind.COUNTER,
            "Posts that failed; the event is posted again.",
            lambda: carried.failed,
        ),
        Metric(
            "im_webhook_events_given_up_total",
            Kind.COUNTER,
            "Events that became dead letters after their last try.",
            lambda: carried.dead,
        ),
    ]
