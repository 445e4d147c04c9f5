"""A node of a cluster: the connection layer alone, with the business layer behind RabbitMQ."""

from collections.abc import Mapping, Sequence
from random import SystemRandom

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from im import __version__
from im.adapters.amqp.depths import ShardDepths
from im.adapters.amqp.jobs import JobConsumer
from im.adapters.redis.connection import RedisConnection
from im.adapters.redis.directory import Directory
from im.adapters.redis.layout import address
from im.adapters.redis.registration import About, Registration, Watch
from im.adapters.redis.registry import RedisRegistry
from im.adapters.redis.watchers import RegistryWatchers
from im.business.pushing import Pushes, PushPorts
from im.business.worker import Worker, WorkerPorts
from im.core.errors import Code, Refused
from im.core.ledger import BeatNode, EndNode
from im.core.online_time import LEASE_MS
from im.core.presence import Visibility
from im.core.pushing import FindUsers
from im.core.sessions import ClassPolicy
from im.gateway.attachment import Attachment, World
from im.gateway.node import Node
from im.gateway.settings import NodeIdentity, NodePorts, NodeSettings, PresenceSettings
from im.handler import GATEWAY
from im.http.admin import Check, NodeStatus
from im.http.api.about import Addresses
from im.http.api.push import PushDesk, PushParts
from im.http.api.queued_pushes import QueuedPushes
from im.http.metrics import Metric
from im.http.seeing import ShardStatus
from im.isolation import HandlerCounters, Handlers
from im.ports import IAuthenticator, NodeBatch, Session
from im.tap.api import new_id
from im.tap.cluster.engines import NODE_HEARTBEAT, engines_of
from im.tap.cluster.measures import gateway_metrics
from im.tap.cluster.peer import Peer, PeerEnds
from im.tap.cluster.routes import routed, statuses
from im.tap.cluster.seeing import ShardsSeen
from im.tap.cluster.store import BridgedStore
from im.tap.config import Config
from im.tap.handlers import installed_handlers, layer, make_owners
from im.tap.parts import Opening
from im.tap.process import INodeReactor
from im.tap.storing import now_ms
from im.tap.threads import threads_of
from im.tap.timed import TimedStore

WEB = "web"
_DISPLACED = Refused(Code.DISPLACED, "a newer login took this session's place")

_KNOCK = FindUsers(())
"""Asks nothing, of the first shard: so somebody owns it, and does what is done once in a cluster."""


class ClusterLayers:
    """`im.tap.parts.Layers` of a node of a cluster."""

    _log = Logger()

    def __init__(self, opening: Opening) -> None:
        config, reactor, authenticator, _ = opening
        engines = engines_of(config, NODE_HEARTBEAT)
        self._config = config
        self._started_ms = now_ms()
        self._about = About(version=__version__, capacity=config.limits.connections)
        self._redis = RedisConnection(engines.redis, reactor)
        self._lookups = RedisConnection(engines.redis, reactor)
        self._directory = Directory(self._lookups, engines.keys, "", reactor)
        watch = Watch(self._doubt, self._workers)
        self._registration = Registration(
            self._redis, engines.keys, config.node, self._present, watch, reactor
        )
        self.registry = RedisRegistry(self._directory, self._registration)
        ends = PeerEnds(self._receive, self._doubt, lambda: self._registration.epoch)
        self._peer = Peer(engines, "", self._directory, ends, reactor)
        self.bus = self._peer.publisher
        self._watchers = RegistryWatchers(self.registry)
        self.node = self._node(config, reactor, authenticator)
        bridged = BridgedStore(self.node.ask, config.shards, self._bridge_problem)
        self.store = TimedStore(bridged, reactor)
        depths = ShardDepths(engines.topology, reactor)
        self._peer.also(depths.connected, depths.disconnected)
        self._shards = ShardsSeen(self.store, depths, config.shards, reactor)
        self._teller = Worker(reactor, WorkerPorts(self.store, self.registry, self.bus))
        self.pushes = Pushes(
            reactor, PushPorts(self.store, self.registry, self._teller.tell, is_elsewhere=True)
        )
        world = World(self._join, self._register, self.node.ask)
        self._attachment = Attachment(
            config.node, world, self.node.sessions, self.node.looks, self.node.ticker, SystemRandom()
        )
        desk = PushDesk(PushParts(self.pushes, self.registry, config.limits, now_ms))
        queued = QueuedPushes(self.store, desk, new_id)
        topology = engines.topology
        self._jobs = JobConsumer(topology, topology.push, lambda job: queued.take(job.body, job.key), reactor)
        self._peer.also(self._jobs.connected, self._jobs.disconnected)
        self.measures: Sequence[Metric] = gateway_metrics(self._peer, self._jobs)
        self._beating = LoopingCall(self._beat)
        self._beating.clock = reactor

    def _node(self, config: Config, reactor: INodeReactor, authenticator: IAuthenticator) -> Node:
        owners = make_owners(installed_handlers(), config.handlers)
        handlers = Handlers(layer(owners, GATEWAY), threads_of(reactor), HandlerCounters())
        presence = PresenceSettings(self._watchers, Visibility(config.presence))
        return Node(
            NodeIdentity(config.node, ""),
            NodePorts(self.registry, self.bus, self._peer.bridge, authenticator),
            NodeSettings(
                config.limits,
                ClassPolicy(config.same_class),
                handlers,
                presence,
                config.greeting,
                self._alternate,
            ),
            reactor,
            now_ms,
            SystemRandom(),
        )

    @property
    def requests_waiting(self) -> int:
        """See `Layers`."""
        return len(self._peer.bridge)

    @property
    def checks(self) -> Mapping[str, Check]:
        """See `Layers`."""
        return {
            "redis": lambda: self._redis.problem,
            "rabbitmq": lambda: self._peer.connection.problem,
            "attachment": self._attachment.problem,
        }

    def reached_at(self, addresses: Addresses, http: str) -> None:
        """See `Layers`."""
        told = self._config.advertise or addresses.tcp
        self._about = self._about._replace(addresses=tuple(told), websocket=addresses.websocket, http=http)

    def route(self, user: str) -> Sequence[Addresses]:
        """See `Layers`."""
        return routed(self._directory, user)

    def start(self) -> None:
        """See `Layers`; logins are taken once the node is attached."""
        self.node.start()
        self._directory.start()
        self._peer.start()
        self._attachment.start()
        self._beating.start(LEASE_MS / 1000, now=False).addErrback(self._beats_ended)

    async def nodes(self) -> Sequence[NodeStatus]:
        """See `Layers`."""
        await self._directory.refresh()
        return statuses(self._directory)

    async def shards(self) -> Sequence[ShardStatus]:
        """See `Layers`."""
        return await self._shards.all()

    def drain(self) -> None:
        """See `Layers`."""
        self._about = self._about._replace(state="draining")
        self._registration.renew()

    async def close(self) -> None:
        """See `Layers`."""
        self._attachment.stop()
        self._teller.stop()
        if self._beating.running:
            self._beating.stop()
        self.node.stop()
        self._directory.stop()
        await self._jobs.stop()
        await self._registration.close()
        await self._peer.stop()
        await self._redis.close()
        await self._lookups.close()

    def _alternate(self, session: Session) -> str:
        for node, addresses, websocket in routed(self._directory, session.user):
            if node != self._config.node:
                return websocket if session.device_class == WEB else next(iter(addresses), websocket)
        return ""

    def _present(self) -> About:
        return self._about._replace(sessions=len(self.node.pool))

    def _doubt(self, reason: str) -> None:
        self._attachment.doubt(reason)

    def _workers(self, workers: Sequence[str]) -> None:
        self._peer.inbox.named(workers)

    def _receive(self, batch: NodeBatch) -> None:
        self.node.receive(batch)

    def _bridge_problem(self) -> str:
        return self._peer.connection.problem

    def _join(self, generation: str) -> "Deferred[None]":
        return Deferred.fromCoroutine(self._peer.inbox.join(address(self._config.node, generation)))

    def _register(self, generation: str, sessions: Sequence[Session]) -> "Deferred[None]":
        audiences = [*self.node.groups.audiences, *self._watchers.audiences]
        registering = self._registration.establish(generation, sessions, audiences)
        return registering.addCallback(self._registered)

    def _registered(self, displaced: Sequence[Session]) -> None:
        for session in displaced:
            connection = self.node.pool.get(session.id)
            if connection is not None:
                connection.end(_DISPLACED)
        self.node.groups.doubt_all()
        self.node.watching.refresh()
        if self._attachment.established == 0:
            self.node.ask(EndNode(self._config.node, 0))

    def _beat(self) -> None:
        if self._attachment.is_attached:
            self.node.ask(BeatNode(self._config.node, self._started_ms))
            self.node.ask(_KNOCK)

    def _beats_ended(self, failure: Failure) -> None:
        self._log.failure("the node notes no more in the ledger that it lives", failure)
