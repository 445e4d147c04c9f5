"""Both layers in one process, joined in memory: what a node is without any service configured."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from random import SystemRandom
from typing import NamedTuple

from im import __version__
from im.adapters.memory.bridge import MemoryBridge
from im.adapters.memory.bus import MemoryNodeBus
from im.adapters.memory.registry import MemoryRegistry
from im.adapters.memory.watchers import MemoryWatchers
from im.business.custom import HandlerSettings
from im.business.hooks import Hooks, HookSet
from im.business.purging import PurgeCounts
from im.business.pushing import Pushes, PushPorts
from im.business.webhooks import WebhookCounts
from im.business.worker import Worker, WorkerPorts
from im.core.presence import Visibility
from im.core.sessions import ClassPolicy
from im.gateway.node import Node
from im.gateway.settings import NodeIdentity, NodePorts, NodeSettings, PresenceSettings
from im.handler import BUSINESS, GATEWAY
from im.http.admin import Check, NodeStatus
from im.http.api.about import Addresses
from im.http.seeing import ShardStatus
from im.isolation import HandlerCounters, Handlers
from im.ports import IAuthenticator, IStore
from im.tap.config import Config
from im.tap.duties import duties, observe
from im.tap.handlers import installed_handlers, layer, make_owners
from im.tap.hooks import installed_hooks, make_hooks, make_questions
from im.tap.parts import Opening
from im.tap.process import INodeReactor
from im.tap.purging import make_purge, purge_metrics
from im.tap.storing import OpenStore, now_ms
from im.tap.threads import threads_of
from im.tap.timed import TimedStore
from im.tap.webhooks import WebhookPosting, webhook_metrics


class Needs(NamedTuple):
    """What a core is built with."""

    config: Config
    reactor: INodeReactor
    store: IStore
    authenticator: IAuthenticator


class EmbeddedCore:
    """A connection layer and a business layer that meet at the in-process adapters."""

    def __init__(self, needs: Needs) -> None:
        config, reactor = needs.config, needs.reactor
        self.registry = MemoryRegistry()
        self.bus = MemoryNodeBus()
        limits = config.limits
        owners = make_owners(installed_handlers(), config.handlers)
        threads, counters = threads_of(reactor), HandlerCounters()
        business = Handlers(layer(owners, BUSINESS), threads, counters)
        ports = WorkerPorts(needs.store, self.registry, self.bus)
        hooks = HookSet(make_hooks(installed_hooks(), config.hooks), threads, counters)
        self._hooks = Hooks(hooks, reactor, now_ms)
        settings = HandlerSettings(business, limits, now_ms)
        self._worker = Worker(reactor, ports, settings, make_questions(self._hooks, config.direct))
        self.pushes = Pushes(reactor, PushPorts(needs.store, self.registry, self._worker.tell))
        self._worker.observe(self.pushes.committed)
        self.webhook_counts = WebhookCounts()
        self.webhooks = WebhookPosting(config, reactor, needs.store, self.webhook_counts)
        self.purge_counts = PurgeCounts()
        purge = make_purge(config, reactor, needs.store, self.purge_counts)
        self._duties = [*duties(reactor, needs.store, self._hooks, limits), purge, self.webhooks]
        self._worker.observe(self.webhooks.couriers.committed)
        watchers = MemoryWatchers()
        observe(self._worker, self._hooks, self.registry, watchers, self.bus)
        self._bridge = MemoryBridge(reactor, self._worker.execute, limits.batch_requests)
        self.node = Node(
            NodeIdentity(config.node, secrets.token_hex(8)),
            NodePorts(self.registry, self.bus, self._bridge, needs.authenticator),
            NodeSettings(
                limits,
                ClassPolicy(config.same_class),
                Handlers(layer(owners, GATEWAY), threads, counters),
                PresenceSettings(watchers, Visibility(config.presence)),
                config.greeting,
            ),
            reactor,
            now_ms,
            SystemRandom(),
        )

    @property
    def requests_waiting(self) -> int:
        """How many requests wait for the next batch."""
        return len(self._bridge)

    def start(self) -> None:
        """Take connections."""
        self.node.start()
        for duty in self._duties:
            duty.start()

    def stop(self) -> None:
        """Take nothing any more; connections that are left are aborted."""
        for duty in self._duties:
            duty.stop()
        self.node.stop()
        self._bridge.stop()
        self._worker.stop()
        self._hooks.stop()


class EmbeddedLayers:
    """`im.tap.parts.Layers` on SQLite, that need nothing else."""

    def __init__(self, opening: Opening, build: Callable[[Needs], EmbeddedCore] = EmbeddedCore) -> None:
        config, reactor, authenticator, on_fatal = opening
        self._open = OpenStore(config, reactor, on_fatal)
        self.store = TimedStore(self._open.store, reactor)
        self._core = build(Needs(config, reactor, self.store, authenticator))
        self.node = self._core.node
        self.registry = self._core.registry
        self.bus = self._core.bus
        self.pushes = self._core.pushes
        self.checks: Mapping[str, Check] = {}
        self.measures = [*webhook_metrics(self._core.webhook_counts), *purge_metrics(self._core.purge_counts)]
        self._addresses: tuple[Addresses, ...] = ()
        self._name = config.node
        self._capacity = config.limits.connections
        self._started_ms = now_ms()

    @property
    def requests_waiting(self) -> int:
        """See `Layers`."""
        return self._core.requests_waiting

    def start(self) -> None:
        """See `Layers`."""
        self._core.start()

    def reached_at(self, addresses: Addresses, http: str) -> None:
        """See `Layers`."""
        self._addresses = (addresses,)

    def route(self, user: str) -> Sequence[Addresses]:
        """See `Layers`."""
        return self._addresses

    async def nodes(self) -> Sequence[NodeStatus]:
        """See `Layers`."""
        return [
            NodeStatus(name, "", tcp, websocket, len(self.node.pool), self._capacity, __version__, "up")
            for name, tcp, websocket in self._addresses
        ]

    async def shards(self) -> Sequence[ShardStatus]:
        """See `Layers`."""
        return [ShardStatus(None, self._name, 0, self._started_ms, self.requests_waiting, True)]

    def drain(self) -> None:
        """See `Layers`."""

    async def close(self) -> None:
        """See `Layers`."""
        self._core.stop()
        await self._core.webhooks.stopped
        await self._open.close()
