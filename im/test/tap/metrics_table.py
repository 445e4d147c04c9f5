"""The tables of `docs/metrics.md`, made from the code.

`python -m im.test.tap.metrics_table --write` brings the page up to date.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.testing import MemoryReactorClock

from im.adapters.amqp.jobs import JobConsumer
from im.adapters.amqp.shards import Ownership, ShardConsumers
from im.adapters.amqp.topology import Topology
from im.adapters.redis.connection import RedisConnection
from im.adapters.redis.directory import Directory
from im.adapters.sql.policy import StorePolicy
from im.adapters.sql.runners import inline_runners
from im.adapters.sql.sqlite.memory import MemoryDatabase
from im.adapters.sql.sqlite.store import SqliteStore
from im.adapters.token.authenticator import TokenAuthenticator
from im.adapters.token.keys import KeyRing
from im.adapters.token.several import TokenCounters
from im.adapters.token.signed import SignedTokens
from im.business.purging import PurgeCounts
from im.business.webhooks import WebhookCounts
from im.core.limits import Limits
from im.http.metrics import Metric
from im.isolation import HandlerCounters
from im.tap.cluster.engines import WORKER_HEARTBEAT, engines_of
from im.tap.cluster.measures import gateway_metrics, worker_metrics
from im.tap.cluster.peer import Peer, PeerEnds
from im.tap.config import Config
from im.tap.embedded import EmbeddedCore, Needs
from im.tap.lag import EventLoopLag
from im.tap.measures import Sources, handler_metrics, metrics
from im.tap.purging import purge_metrics
from im.tap.timed import TimedStore
from im.tap.webhooks import webhook_metrics

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"
BEGINS = "| metric | type | label | what |\n|---|---|---|---|\n"


def node_metrics() -> list[Metric]:
    """The metrics of a node that was just made."""
    reactor: Any = MemoryReactorClock()
    policy = StorePolicy(Limits(), users_open=True)
    store = SqliteStore(MemoryDatabase(), inline_runners(), lambda: 0, policy, lambda _: None)
    timed = TimedStore(store, reactor)
    tokens = SignedTokens(KeyRing("k", {"k": b"k" * 32}), reactor.seconds, 60)
    core = EmbeddedCore(Needs(Config(), reactor, timed, TokenAuthenticator(tokens)))
    checks = {"store": timed.problem, "node": lambda: ""}
    lag, counters = EventLoopLag(reactor), TokenCounters()
    more = [*webhook_metrics(core.webhook_counts), *purge_metrics(core.purge_counts)]
    return metrics(Sources(core.node, timed, lag, lambda: core.requests_waiting, checks, counters, more=more))


def cluster_peer(worker: str) -> tuple[Peer, Topology, Any]:
    """What a process of a cluster has that was just made, and its reactor."""
    reactor: Any = MemoryReactorClock()
    config = Config(redis_url="redis://127.0.0.1:6379/0", amqp_url="amqp://127.0.0.1:5672/")
    engines = engines_of(config, WORKER_HEARTBEAT)
    directory = Directory(RedisConnection(engines.redis, reactor), engines.keys, worker, reactor)
    ends = PeerEnds(lambda _: None, lambda _: None, str)
    return Peer(engines, worker, directory, ends, reactor), engines.topology, reactor


def cluster_node_metrics() -> Sequence[Metric]:
    """What a node of a cluster has beside."""
    peer, topology, reactor = cluster_peer("")
    jobs = JobConsumer(topology, topology.push, lambda _: succeed(None), reactor)
    return gateway_metrics(peer, jobs)


def worker_rows() -> Sequence[Metric]:
    """The metrics of a worker that was just made."""
    peer, topology, reactor = cluster_peer("w")
    ownership = Ownership("w", list, lambda _: Deferred())
    own = worker_metrics(peer, ShardConsumers(topology, ownership, reactor), {"redis": str})
    custom, purged = handler_metrics(HandlerCounters()), purge_metrics(PurgeCounts())
    return [*own, *custom, *webhook_metrics(WebhookCounts()), *purged]


TABLES: Mapping[str, Callable[[], Sequence[Metric]]] = {
    "## A node\n": node_metrics,
    "## A node of a cluster\n": cluster_node_metrics,
    "## A worker\n": worker_rows,
}
"""Heading of the page -> the metrics of the first table below it."""


def every_metric() -> Sequence[Metric]:
    """Those of all processes, each once."""
    return list({each.name: each for rows in TABLES.values() for each in rows()}.values())


def page() -> str:
    """The whole page: as it stands, with the tables of now."""
    text = PAGE.read_text(encoding="utf-8")
    for heading, rows in TABLES.items():
        before, found, after = text.partition(heading)
        between, begins, rest = after.partition(BEGINS)
        if not found or not begins:
            raise LookupError(f"{PAGE} has lost its table below {heading}")
        foot = rest[rest.index("\n## ") :]
        text = f"{before}{heading}{between}{BEGINS}{''.join(map(_row, rows()))}{foot}"
    return text


def _row(metric: Metric) -> str:
    label = f"`{metric.label}`" if metric.label else ""
    return f"| `{metric.name}` | {metric.kind} | {label} | {metric.help} |\n"


def main(arguments: list[str]) -> None:
    """Print the page, or write it with `--write`."""
    text = page()
    if arguments == ["--write"]:
        PAGE.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main(sys.argv[1:])
