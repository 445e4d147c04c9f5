"""Removes the content of old messages, and measures it."""

from collections.abc import Callable

from im.business.purging import Purge, PurgeCounts, PurgeRules
from im.http.metrics import Kind, Metric
from im.ports import IStore
from im.tap.config import Config
from im.tap.process import INodeReactor
from im.tap.storing import now_ms


def make_purge(
    config: Config,
    reactor: INodeReactor,
    store: IStore,
    counts: PurgeCounts,
    is_own: Callable[[str], bool] = lambda conversation: True,
) -> Purge:
    """The purge of a store, or of what of it `is_own`."""
    return Purge(reactor, store, PurgeRules(config.message_days, now_ms, is_own), counts)


def purge_metrics(counts: PurgeCounts) -> list[Metric]:
    """What was removed."""
    return [
        Metric(
            "im_messages_purged_total",
            Kind.COUNTER,
            "Messages whose content was removed for its age.",
            lambda: counts.messages,
        )
    ]
