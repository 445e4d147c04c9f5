"""The metrics of a worker: the rows of its `/metrics`."""

from collections.abc import Mapping, Sequence
from functools import partial

from im import __version__
from im.adapters.amqp.jobs import JobConsumer
from im.adapters.amqp.shards import ShardConsumers
from im.http.admin import Check
from im.http.metrics import Kind, Metric
from im.tap.cluster.peer import Peer


def gateway_metrics(peer: Peer, jobs: JobConsumer) -> Sequence[Metric]:
    """What a node of a cluster has beside those of every node."""
    submissions = partial(getattr, peer.bridge, "published")
    delivered = partial(getattr, peer.inbox, "delivered")
    return [
        Metric(
            "im_submissions_published_total", Kind.COUNTER, "Messages of requests for workers.", submissions
        ),
        Metric("im_delivery_batches_total", Kind.COUNTER, "Batches with messages for sessions.", delivered),
        Metric("im_queued_pushes_total", Kind.COUNTER, "Pushes taken from the queue.", lambda: jobs.done),
        Metric(
            "im_queued_pushes_refused_total",
            Kind.COUNTER,
            "Pushes of the queue that became dead letters.",
            lambda: jobs.refused,
        ),
    ]


def worker_metrics(peer: Peer, shards: ShardConsumers, checks: Mapping[str, Check]) -> Sequence[Metric]:
    """Every metric of a worker, in the order of the page."""

    def ready() -> Mapping[str, float]:
        return {part: 0.0 if problem() else 1.0 for part, problem in checks.items()}

    def owned() -> float:
        return sum(shard.is_owned for shard in shards.shards)

    def unreadable() -> float:
        return sum(shard.unreadable for shard in shards.shards)

    def crashing() -> float:
        return sum(shard.crashing for shard in shards.shards)

    version = {__version__: 1.0}
    publisher = peer.publisher
    counter, gauge = Kind.COUNTER, Kind.GAUGE
    return [
        Metric("im_build_info", gauge, "1, with the version that runs.", lambda: version, "version"),
        Metric("im_part_ready", gauge, "1 where a part is ready, 0 where it has a problem.", ready, "part"),
        Metric("im_shards_owned", gauge, "Shards that this worker owns.", owned),
        Metric("im_shard_messages_unreadable_total", counter, "Messages that were put aside.", unreadable),
        Metric("im_requests_put_aside_total", counter, "Requests that crashed several workers.", crashing),
        Metric(
            "im_node_batches_published_total",
            counter,
            "Batches for nodes.",
            partial(getattr, publisher, "published"),
        ),
        Metric(
            "im_node_batches_unroutable_total",
            counter,
            "Batches for generations of nodes that are over.",
            partial(getattr, publisher, "unroutable"),
        ),
    ]
