"""The HTTP API of a worker: what a gateway's public port serves but WebSockets, `GET /v1/route` included."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from im.adapters.redis.directory import Directory
from im.adapters.redis.layout import address
from im.adapters.redis.registry import RedisRegistry
from im.business.access import Access
from im.business.pushing import Pushes, PushPorts
from im.business.worker import Worker, WorkerPorts
from im.core.commands import Command, Result
from im.gateway.counters import Counters
from im.gateway.requests import RequestBounds, Requests
from im.gateway.ticker import Ticker
from im.http.port import HttpPort, HttpPortSettings
from im.http.site import QuietSite, RootPage
from im.ports import NodeBatch, UnavailableError
from im.tap.api import Api, api_ports
from im.tap.cluster.peer import Peer
from im.tap.cluster.routes import routed
from im.tap.cluster.store import BridgedStore
from im.tap.config import Config
from im.tap.parts import open_logins
from im.tap.process import INodeReactor
from im.tap.storing import now_ms
from im.tap.timed import TimedStore

_AGAIN_SECONDS = 0.5
_HTTP = "http"
"""What stands for a generation in the address of its queue: a worker's name is new at each start."""


class HttpFront:
    """Asks the business layer as a gateway does, over the bridge: any worker may own what is asked for.

    `in_flight` is how many answers it waits for. Raises `StartError` if nobody could log in.
    """

    _log = Logger()

    def __init__(
        self, config: Config, reactor: INodeReactor, name: str, peer: Peer, directory: Directory
    ) -> None:
        self.in_flight = 0
        self._config = config
        self._reactor = reactor
        self._address = address(name, _HTTP)
        self._peer = peer
        self._ticker = Ticker(reactor)
        self._counters = Counters()
        bounds = RequestBounds(config.limits.requests_in_flight, config.limits.request_seconds)
        self._requests = Requests(name, peer.bridge, bounds, self._ticker, self._counters, _resume)
        store = TimedStore(BridgedStore(self._ask, config.shards, self._problem), reactor)
        registry, bus = RedisRegistry(directory), peer.publisher
        self._teller = Worker(reactor, WorkerPorts(store, registry, bus))
        pushes = Pushes(reactor, PushPorts(store, registry, self._teller.tell, is_elsewhere=True))
        access = Access(store, registry, bus, now_ms)
        self._logins = open_logins(config, reactor)
        ports = api_ports(store, registry, pushes, access, self._ask)
        self._api = Api(config, reactor, self._logins, ports, lambda user: routed(directory, user))
        peer.also(self._connected, lambda: None)

    def start(self) -> None:
        """Ask from now on."""
        self._ticker.start()
        self._logins.start()

    def stop(self) -> None:
        """Ask no more."""
        self._teller.stop()
        self._logins.stop()
        self._ticker.stop()

    def reload(self) -> None:
        """Read the keys again."""
        self._logins.reload()

    def receive(self, batch: NodeBatch) -> None:
        """Answers came."""
        for number, result in batch.results:
            self._requests.resolve(number, result)

    def doubt(self) -> None:
        """Something may have been missed: a request has its time-out; a queue that is gone is made again."""
        if not self._peer.inbox.address:
            self._join()

    def port(self) -> HttpPort:
        """What is to listen."""
        root = RootPage("im: the HTTP API of a cluster, under /v1.")
        root.putChild(b"v1", self._api.public)
        limits = self._config.limits
        site = QuietSite(root, self._reactor, self._api.address)
        return HttpPort(
            site,
            None,
            HttpPortSettings(self._reactor, limits.login_seconds, connections=limits.http_connections),
        )

    def _ask(self, command: Command) -> Deferred[Result]:
        return self._requests.ask(command, "", self)

    def _problem(self) -> str:
        return self._peer.connection.problem

    async def _connected(self, connection: Any) -> None:
        self._join()

    def _join(self) -> None:
        joining = Deferred.fromCoroutine(self._peer.inbox.join(self._address))
        joining.addErrback(self._not_joined)

    def _not_joined(self, failure: Failure) -> None:
        failure.trap(UnavailableError)
        self._log.warn("the HTTP API gets no answers yet: {error}", error=failure.getErrorMessage())


def _resume(waiting: Any, step: Callable[[Any, Result], None], result: Result) -> None:
    step(waiting, result)
