"""The HTTP API of a worker: what a gateway's public port serves but WebSockets, `GET /v1/route` included."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from im.adapters.redis.directory import Directory
from im.adapters.redis.registry import RedisRegistry
from im.business.access import Access
from im.business.pushing import Pushes, PushPorts
from im.business.worker import Worker, WorkerPorts
from im.core.commands import Command, Result
from im.gateway.counters import Counters
from im.gateway.requests import RequestBounds, Requests
from im.gateway.ticker import Ticker
from im.http.port import HttpPort
from im.http.site import RootPage
from im.ports import NodeBatch
from im.tap.api import Api, api_ports
from im.tap.cluster.answers import Answers
from im.tap.cluster.peer import Peer
from im.tap.cluster.routes import routed
from im.tap.cluster.store import BridgedStore
from im.tap.config import Config
from im.tap.parts import open_logins
from im.tap.process import INodeReactor
from im.tap.storing import now_ms

_LOOK_SECONDS = 0.02


class HttpFront:
    """Asks the business layer as a gateway does, over the bridge: any worker may own what is asked for.

    `in_flight` is how many answers it waits for. Raises `StartError` if nobody could log in.
    """

    def __init__(
        self, config: Config, reactor: INodeReactor, name: str, peer: Peer, directory: Directory
    ) -> None:
        self.in_flight = 0
        self._config = config
        self._reactor = reactor
        self._peer = peer
        self._answers = Answers(name, peer.inbox, reactor)
        self._ticker = Ticker(reactor)
        bounds = RequestBounds(config.limits.requests_in_flight, config.limits.request_seconds)
        self._requests = Requests(name, peer.bridge, bounds, self._ticker, Counters(), _resume)
        store = BridgedStore(self._ask, config.shards, self._problem)
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

    async def drain(self) -> None:
        """Let what waits for an answer have it, while the worker still owns what may be asked for."""
        until = self._reactor.seconds() + self._config.limits.request_seconds
        while self.in_flight and self._reactor.seconds() < until:
            await deferLater(self._reactor, _LOOK_SECONDS)

    def stop(self) -> None:
        """Ask no more."""
        self._answers.stop()
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
        self._answers.need()

    def port(self) -> HttpPort:
        """What is to listen."""
        return self._api.port(RootPage("im: the HTTP API of a cluster, under /v1."), None)

    def _ask(self, command: Command) -> Deferred[Result]:
        return self._requests.ask(command, "", self)

    def _problem(self) -> str:
        return self._peer.connection.problem

    async def _connected(self, connection: Any) -> None:
        self._answers.need()


def _resume(waiting: Any, step: Callable[[Any, Result], None], result: Result) -> None:
    step(waiting, result)
