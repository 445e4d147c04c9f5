"""A worker of a cluster: it owns shards, works on them over PostgreSQL, and tells the nodes."""

import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from im import __version__
from im.adapters.amqp.custom import CustomAsker
from im.adapters.amqp.events import EventPublisher
from im.adapters.amqp.shards import OwnedShard, Ownership, ShardConsumers
from im.adapters.redis.connection import RedisConnection
from im.adapters.redis.directory import Directory
from im.adapters.redis.registry import RedisRegistry
from im.adapters.redis.watchers import RegistryWatchers
from im.adapters.sql.postgres import OutboxRow, PostgresDatabase, PostgresStore, ShardStore, StoreClock
from im.adapters.sql.schema import UnusableDatabaseError
from im.business.custom import HandlerSettings
from im.business.hooks import Hooks, HookSet
from im.business.purging import PurgeCounts
from im.business.recovery import to_look
from im.business.upkeep import NODES, Upkeep
from im.business.webhooks import WebhookCounts
from im.business.worker import Worker, WorkerPorts
from im.core.shards import shard_of
from im.handler import BUSINESS
from im.http.admin import Check
from im.http.health import health_site
from im.http.metrics import Metric
from im.isolation import HandlerCounters, Handlers
from im.ports import IStore, NodeBatch, UnavailableError
from im.tap.cluster.engines import WORKER_HEARTBEAT, engines_of
from im.tap.cluster.events import EventPosting
from im.tap.cluster.front import HttpFront
from im.tap.cluster.measures import worker_metrics
from im.tap.cluster.peer import Peer, PeerEnds
from im.tap.cluster.shards import AnnouncedStore, ClaimedShard
from im.tap.cluster.workers import without_earlier
from im.tap.config import Config
from im.tap.duties import Duty, duties, observe
from im.tap.handlers import installed_handlers, layer, make_owners
from im.tap.hooks import installed_hooks, make_hooks, make_questions
from im.tap.listeners import Listeners, as_url
from im.tap.measures import handler_metrics
from im.tap.node import StartError
from im.tap.process import INodeReactor
from im.tap.purging import make_purge, purge_metrics
from im.tap.reloading import reload_all
from im.tap.statedir import NodeFile
from im.tap.storing import now_ms, policy_of
from im.tap.threads import threads_of
from im.tap.webhooks import WebhookPosting, webhook_metrics

T = TypeVar("T")

SWEEP_SECONDS = 1.0
_THREADS = 8
_FIRST_SHARD = 0


class BusinessParts:
    """`im.tap.node.Parts` of a worker."""

    _log = Logger()

    def __init__(self, config: Config, reactor: INodeReactor, on_fatal: Callable[[str], None]) -> None:
        if not config.database_url:
            raise StartError("im-business needs database_url; give it.")
        engines = engines_of(config, WORKER_HEARTBEAT)
        self._config = config
        self._reactor = reactor
        self._incarnation = f"{config.node}-{secrets.token_hex(4)}"
        self._redis = RedisConnection(engines.redis, reactor)
        self._directory = Directory(self._redis, engines.keys, self._incarnation, reactor)
        self._registry = RedisRegistry(self._directory)
        ends = PeerEnds(self._receive, self._doubt, lambda: self._directory.epoch)
        self._peer = Peer(engines, self._incarnation, self._directory, ends, reactor)
        self._front: HttpFront | None = None
        if config.http:
            self._front = HttpFront(config, reactor, self._incarnation, self._peer, self._directory)
        ownership = Ownership(self._incarnation, self._live_workers, self._claim)
        self._shards = ShardConsumers(engines.topology, ownership, reactor)
        self._events = EventPublisher(engines.topology, reactor)
        if config.amqp_events:
            self._peer.also(self._events.connected, self._events.disconnected)
        self._asker = CustomAsker(engines.topology, config.limits.frame_bytes, reactor)
        self._peer.also(self._asker.connected, self._asker.disconnected)
        self._peer.also(self._shards.connected, self._shards.disconnected)
        self._pool = ThreadPool(1, _THREADS, "store")
        self._store = self._postgres()
        self._handlers = Handlers(
            layer(make_owners(installed_handlers(), config.handlers), BUSINESS),
            threads_of(reactor),
            HandlerCounters(),
        )
        hooks = HookSet(
            make_hooks(installed_hooks(), config.hooks), threads_of(reactor), self._handlers.counters
        )
        self._hooks = Hooks(hooks, reactor, now_ms)
        self._webhook_counts = WebhookCounts()
        self._purge_counts = PurgeCounts()
        self._questions = make_questions(self._hooks, config.direct)
        store = cast(IStore, self._store)  # It writes nothing: it tells what others committed.
        ports = WorkerPorts(store, self._registry, self._peer.publisher, self._announced)
        self._teller = Worker(reactor, ports)
        self._sweeping: IDelayedCall | None = None
        self._listeners = Listeners(reactor)
        self._admin_listeners = Listeners(reactor)

    def _postgres(self) -> PostgresStore:
        config = self._config
        database = PostgresDatabase(config.database_url)

        def run(work: Callable[[], T]) -> "Deferred[T]":
            return deferToThreadPool(self._reactor, self._pool, work)

        clock = StoreClock(self._reactor, now_ms)
        return PostgresStore(database, run, clock, policy_of(config), config.shards)

    async def start(self) -> NodeFile:
        """See `Parts.start`. Engines that are away are waited for, each with one line."""
        self._pool.start()
        try:
            await deferToThreadPool(
                self._reactor, self._pool, PostgresDatabase(self._config.database_url).require
            )
        except UnusableDatabaseError as error:
            raise StartError(f"{error}.") from None
        except UnavailableError as error:
            self._log.warn("waiting for the database: {error}", error=str(error))
        self._directory.start()
        self._peer.publisher.start(lambda: self._directory.nodes, lambda: self._directory.epoch)
        self._peer.start()
        self._sweeping = self._reactor.callLater(SWEEP_SECONDS, self._sweep)
        http = admin = ""
        if self._front is not None:
            self._front.start()
            http = as_url(await self._listeners.listen(self._config.http, self._front.port()), "http")
        if self._config.admin:
            site = health_site(self.checks, self._metrics(), self._reactor)
            admin = as_url(await self._admin_listeners.listen(self._config.admin, site), "http")
        return NodeFile(self._config.node, os.getpid(), __version__, self._config.users, (), http, "", admin)

    async def stop(self) -> None:
        """See `Parts.stop`: each shard is given up after the batch in hand."""
        await self._listeners.close()
        if self._front is not None:
            await self._front.drain()
        await self._shards.stop()
        if self._front is not None:
            self._front.stop()
        if self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None
        self._teller.stop()
        self._hooks.stop()
        self._directory.stop()
        await self._peer.stop()
        await self._redis.close()
        await self._admin_listeners.close()
        self._store.close()
        self._pool.stop()

    def reload(self) -> None:
        """See `Parts.reload`."""
        keys = () if self._front is None else (self._front.reload,)
        listeners = (self._listeners, self._admin_listeners)
        reload_all((*keys, *(each.reload_certificates for each in listeners)))

    @property
    def checks(self) -> Mapping[str, Check]:
        """What `/readyz` asks."""
        return {
            "redis": lambda: self._redis.problem,
            "rabbitmq": lambda: self._peer.connection.problem,
            "database": self._store.problem,
        }

    def _metrics(self) -> Sequence[Metric]:
        return [
            *worker_metrics(self._peer, self._shards, self.checks),
            *handler_metrics(self._handlers.counters),
            *webhook_metrics(self._webhook_counts),
            *purge_metrics(self._purge_counts),
        ]

    def _doubt(self, reason: str) -> None:
        """A worker holds no sessions: there is nothing that it could have missed but answers."""
        if self._front is not None:
            self._front.doubt()

    def _receive(self, batch: NodeBatch) -> None:
        """Nobody but its HTTP API asks anything in a worker's name."""
        if self._front is not None:
            self._front.receive(batch)

    def _live_workers(self) -> Sequence[str]:
        return without_earlier(self._incarnation, self._directory.workers)

    def _claim(self, number: int) -> "Deferred[OwnedShard]":
        claimed = self._store.claim(number, self._incarnation)
        return claimed.addCallback(self._claimed, number)

    def _claimed(self, shard: ShardStore, number: int) -> ClaimedShard:
        store = AnnouncedStore(shard, number, now_ms())
        bus = self._peer.publisher
        ports = WorkerPorts(store, self._registry, bus, store.announced)
        settings = HandlerSettings(self._handlers, self._config.limits, now_ms, self._asker.ask)
        worker = Worker(self._reactor, ports, settings, self._questions)
        observe(worker, self._hooks, self._registry, RegistryWatchers(self._registry), bus)
        duties = self._duties(store) if number == _FIRST_SHARD else ()
        return ClaimedShard(shard, store, worker, bus, [self._purge(store, number), *duties])

    def _purge(self, store: IStore, number: int) -> Duty:
        """What each shard's owner does for its own conversations: a purge is a write as any other."""
        config = self._config

        def is_own(conversation: str) -> bool:
            return shard_of(conversation, config.shards) == number

        return make_purge(config, self._reactor, store, self._purge_counts, is_own)

    def _duties(self, store: IStore) -> Sequence[Duty]:
        reactor, config = self._reactor, self._config
        return [
            *duties(reactor, store, self._hooks, config.limits),
            Upkeep(reactor, store, NODES),
            WebhookPosting(config, reactor, store, self._webhook_counts),
            EventPosting(reactor, store, config.amqp_events, self._events.publish),
        ]

    def _sweep(self) -> None:
        self._sweeping = self._reactor.callLater(SWEEP_SECONDS, self._sweep)
        self._store.overdue().addCallbacks(self._found, self._not_found)

    def _found(self, rows: Sequence[OutboxRow]) -> None:
        for row in rows:
            self._log.info("shard {shard}: a batch was not announced in time", shard=row.shard)
            self._teller.tell(to_look(row.conversations, row))

    def _not_found(self, failure: Failure) -> None:
        failure.trap(UnavailableError)  # The store keeps it as its problem.

    def _announced(self, row: OutboxRow) -> None:
        self._store.announced([row]).addErrback(self._not_found)
