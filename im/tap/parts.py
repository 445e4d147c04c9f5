"""All parts of one node in one process, in the order in which they start and stop."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from im import __version__
from im.business.access import Access
from im.business.erasing import Eraser, ErasingParts
from im.business.online_time import OnlineTimeDesk
from im.business.pushing import Pushes
from im.business.tracing import TraceDesk
from im.gateway.keepalive import Keepalive
from im.gateway.node import Node
from im.gateway.stream import StreamSettings
from im.gateway.tcp import TcpFactory
from im.gateway.websocket import WebSocketSettings, WebSocketTransport
from im.http.admin import AdminParts, Check, NodeStatus, admin_site
from im.http.api.about import Addresses
from im.http.forwarded import TrustedProxies
from im.http.metrics import Metric
from im.http.personal import PersonalDesk
from im.http.port import WEBSOCKET_PATH, HttpPort, public_root
from im.http.seeing import SeeingDesk, ShardStatus
from im.ports import IAuthenticator, INodeBus, ISessionRegistry
from im.tap.api import Api, api_ports, new_id
from im.tap.config import Config
from im.tap.lag import EventLoopLag
from im.tap.listeners import Listeners, as_url
from im.tap.logins import Logins
from im.tap.measures import Sources, metrics
from im.tap.node import StartError
from im.tap.process import INodeReactor
from im.tap.reloading import reload_all
from im.tap.statedir import NodeFile
from im.tap.storing import now_ms
from im.tap.timed import TimedStore


class Opening(NamedTuple):
    """What layers are made of. `on_fatal` ends the process, saying why."""

    config: Config
    reactor: INodeReactor
    authenticator: IAuthenticator
    on_fatal: Callable[[str], None]


class Layers(Protocol):
    """The layers of one process, joined: see `im.tap.embedded`, `im.tap.cluster.gateway`."""

    @property
    def node(self) -> Node:
        """The connection layer."""

    @property
    def registry(self) -> ISessionRegistry:
        """Its registry."""

    @property
    def bus(self) -> INodeBus:
        """Its bus."""

    @property
    def store(self) -> TimedStore:
        """The store, or the way to it."""

    @property
    def pushes(self) -> Pushes:
        """What sends pushes."""

    @property
    def requests_waiting(self) -> int:
        """How many requests wait for the next batch."""

    @property
    def checks(self) -> Mapping[str, Check]:
        """What `/readyz` asks of them."""

    @property
    def measures(self) -> Sequence[Metric]:
        """What `/metrics` tells beside what every node has."""

    def start(self) -> None:
        """Take connections."""

    def reached_at(self, addresses: Addresses, http: str) -> None:
        """Know where clients reach the node, now that it listens."""

    def route(self, user: str) -> Sequence[Addresses]:
        """Where a user should connect, the best first."""

    async def nodes(self) -> Sequence[NodeStatus]:
        """The nodes that live now."""

    async def shards(self) -> Sequence[ShardStatus]:
        """Who owns the shards now."""

    def drain(self) -> None:
        """Let no client be led here any more."""

    async def close(self) -> None:
        """Take nothing any more, abort connections that are left, and let go of what was opened."""


class _Running(NamedTuple):
    layers: Layers
    logins: Logins


class NodeParts:
    """`im.tap.node.Parts` of a node, whatever its layers are joined by."""

    def __init__(
        self,
        config: Config,
        reactor: INodeReactor,
        open_layers: Callable[[Opening], Layers],
        on_fatal: Callable[[str], None],
    ) -> None:
        self._config = config
        self._reactor = reactor
        self._open_layers = open_layers
        self._on_fatal = on_fatal
        self._listeners = Listeners(reactor)
        self._admin_listeners = Listeners(reactor)
        self._running: _Running | None = None
        self._lag = EventLoopLag(reactor)
        self._problem = "the node is starting"

    async def start(self) -> NodeFile:
        """See `Parts.start`."""
        logins = open_logins(self._config, self._reactor)
        opening = Opening(self._config, self._reactor, logins.authenticator, self._on_fatal)
        core = self._open_layers(opening)
        timed = core.store
        self._running = _Running(core, logins)
        logins.start()
        core.start()
        self._lag.start()
        checks = {"store": timed.problem, **core.checks, "node": lambda: self._problem, **logins.checks}
        access = Access(timed, core.registry, core.bus, now_ms)
        ports = api_ports(timed, core.registry, core.pushes, access, core.node.ask)
        api = Api(self._config, self._reactor, logins, ports, core.route)
        shown = metrics(
            Sources(
                core.node,
                timed,
                self._lag,
                lambda: core.requests_waiting,
                checks,
                logins.counters,
                api.public.answers,
                core.measures,
            )
        )
        seeing = SeeingDesk(core.shards, TraceDesk(timed, core.registry, core.node.flights.ask))
        admin = AdminParts(
            shown,
            checks,
            core.registry,
            access,
            logins.operators,
            OnlineTimeDesk(timed),
            timed,
            api.operators,
        )._replace(
            nodes=core.nodes,
            drain=self._end_in_order,
            seeing=seeing,
            personal=PersonalDesk(timed, Eraser(ErasingParts(timed, access, core.node.ask, new_id))),
        )
        try:
            told = await self._listen(core, admin, api)
        except ValueError as error:
            raise StartError(f"{error}; change the setting.") from None
        self._problem = ""
        return told

    async def stop(self) -> None:
        """See `Parts.stop`."""
        self._problem = "the node is going down"
        await self._listeners.close()
        if self._running is not None:
            core, logins = self._running
            core.drain()
            await core.node.drain()
            await core.close()
            logins.stop()
        self._lag.stop()
        await self._admin_listeners.close()

    def _end_in_order(self) -> None:
        self._reactor.callLater(0.1, self._reactor.stop)  # The answer goes out first.

    def reload(self) -> None:
        """See `Parts.reload`."""
        listeners = (self._listeners, self._admin_listeners)
        logins = () if self._running is None else (self._running.logins.reload,)
        reload_all((*logins, *(each.reload_certificates for each in listeners)))

    async def _listen(self, core: Layers, admin_parts: AdminParts, api: Api) -> NodeFile:
        config, listen = self._config, self._listeners.listen
        limits = config.limits
        streams = StreamSettings(
            core.node.build_connection,
            self._reactor,
            limits.frame_bytes,
            limits.queue_bytes,
            outbox=core.node.outbox,
        )
        http = websocket = admin = ""
        if config.http:
            address = await listen(config.http, self._http_port(streams, api))
            http, websocket = as_url(address, "http"), as_url(address, "ws") + WEBSOCKET_PATH.decode()
        if config.admin:
            site = admin_site(admin_parts, self._reactor)
            admin = as_url(await self._admin_listeners.listen(config.admin, site), "http")
        clients = [as_url(await listen(each, TcpFactory(streams))) for each in config.listen]
        core.reached_at(Addresses(config.node, tuple(clients), websocket), http)
        return NodeFile(
            config.node, os.getpid(), __version__, config.users, tuple(clients), http, websocket, admin
        )

    def _http_port(self, streams: StreamSettings, api: Api) -> HttpPort:
        proxies = TrustedProxies(self._config.trusted_proxies)
        settings = WebSocketSettings(
            streams, Keepalive(self._reactor), proxies.client_address, self._config.allowed_origins
        )
        return api.port(public_root(), lambda: WebSocketTransport(settings))


def open_logins(config: Config, reactor: INodeReactor) -> Logins:
    """Who may log in. Raises `StartError`."""
    try:
        return Logins(config, reactor)
    except ValueError as error:
        raise StartError(f"{error}.") from None
