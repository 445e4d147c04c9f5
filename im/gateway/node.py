"""The connection layer of one process: its parts, and where the outside comes in."""

from collections import Counter
from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from im.core.commands import Command, Result
from im.core.errors import Code, Refused
from im.gateway.apps import AppTypes, Surroundings
from im.gateway.connection import Connection
from im.gateway.counters import Counters
from im.gateway.cursors import DeliveredCursors
from im.gateway.delivery import Deliverer
from im.gateway.dispatch import Dispatcher, ErrorBoundary
from im.gateway.drain import Drain, DrainTimes
from im.gateway.flights import Flights
from im.gateway.groups import GroupParts, Groups
from im.gateway.handlers import SystemParts, system_handlers
from im.gateway.ledger import LedgerTimes, SessionLedger
from im.gateway.login import LoginFlow, Times
from im.gateway.looking import Looks
from im.gateway.outbox import Outbox
from im.gateway.pool import Pool
from im.gateway.requests import RequestBounds, Requests
from im.gateway.roster import Roster
from im.gateway.scope import connection_scope
from im.gateway.settings import Chance, NodeIdentity, NodePorts, NodeSettings
from im.gateway.ticker import Ticker
from im.gateway.transport import Transport
from im.gateway.watching import Watching
from im.isolation import HandlerCounters
from im.ports import NodeBatch, Session

_FULL_RETRY_MS = (1_000, 5_000)
"""After a refused connection, jittered."""


class Node:
    """A `ConnectionOwner`, and the receiver of a node's batches.

    `start()` before the first connection; `drain()`, then `stop()` at the end.
    """

    def __init__(
        self,
        identity: NodeIdentity,
        ports: NodePorts,
        settings: NodeSettings,
        clock: IReactorTime,
        now_ms: Callable[[], int],
        random: Chance,
    ) -> None:
        self._identity = identity
        self._bus = ports.bus
        self._limits = limits = settings.limits
        self._random = random
        self._alternate = settings.alternate
        self.in_flight = 0
        self._connections: dict[Connection, None] = {}
        self._addresses: Counter[str] = Counter()
        self._ticker = ticker = Ticker(clock)
        self.counters = counters = Counters()
        self.pool = pool = Pool()
        self.outbox = Outbox()
        boundary = ErrorBoundary(counters)
        bounds = RequestBounds(limits.requests_in_flight, limits.request_seconds)
        self._requests = requests = Requests(
            identity.name, ports.bridge, bounds, ticker, counters, boundary.run
        )
        self.looks = Looks(pool, ticker, random, counters)
        group_parts = GroupParts(ports.registry, requests, pool, self.looks)
        self.groups = groups = Groups(identity.name, group_parts, ticker, clock, limits.request_seconds)
        self._roster = Roster(identity, ports, settings, groups, pool, clock)
        self._flow = LoginFlow(
            identity, ports, settings, requests, self._roster, Times(clock, ticker, now_ms, random)
        )
        self._cursors = DeliveredCursors(requests, pool, ticker, limits.delivered_flush_seconds)
        self._ledger = SessionLedger(identity.name, requests, LedgerTimes(ticker, now_ms), counters)
        self.watching = Watching(identity.name, settings, requests, ticker, clock)
        parts = SystemParts(
            self._flow, self._cursors, limits, counters, now_ms, self.watching, groups, settings.greeting
        )
        self._handler_counters = settings.handlers.counters
        self._apps = AppTypes(settings.handlers, Surroundings(requests, boundary.run, clock, now_ms))
        self._dispatcher = Dispatcher(system_handlers(parts), self._apps, requests, boundary)
        self.dispatch = self._dispatcher.dispatch
        """See `ConnectionOwner`; one call less for each frame."""
        self._deliverer = Deliverer(pool, groups)
        self.flights = Flights(identity.name, ports.bus, pool, clock, now_ms)
        self._scope = connection_scope(limits, ticker, counters, self)

    @property
    def connections(self) -> int:
        """How many connections are open, logged in or not."""
        return len(self._connections)

    @property
    def requests_in_flight(self) -> int:
        """How many requests wait for the business layer."""
        return len(self._requests)

    @property
    def open_sessions(self) -> int:
        """How many sessions of the ledger are open here."""
        return self._ledger.open_sessions

    @property
    def handler_counters(self) -> HandlerCounters:
        """What is counted of handlers of others."""
        return self._handler_counters

    @property
    def ticker(self) -> Ticker:
        """Its time."""
        return self._ticker

    def sessions(self) -> list[Session]:
        """Every session, those included that are logging in."""
        return [each.session for each in self.pool if each.session is not None]

    def ask(self, command: Command) -> Deferred[Result]:
        """Ask the business layer in the node's own name. A time-out is a `Refused`, too."""
        return self._requests.ask(command, "", self)

    def start(self) -> None:
        """Let time pass and take batches."""
        self._ticker.start()
        self._bus.attach(self._identity.name, self.receive)

    def stop(self) -> None:
        """Take no more batches and let time stand still. Connections that are left are aborted."""
        for connection in list(self._connections):
            connection.abort()
        self._apps.stop()
        self._bus.detach(self._identity.name)
        self._ticker.stop()

    def drain(self) -> Deferred[None]:
        """Take no logins any more, and end every session; fires within `drain_seconds`."""
        self._flow.is_open = False
        times = DrainTimes(self._ticker, self._limits.drain_seconds, self._random, self._alternate)
        unwritten = (self._cursors, self._ledger)
        return Drain(self._connections, self._requests, unwritten, times).start()

    def build_connection(self, transport: Transport, address: str) -> Connection | None:
        """Make the connection of a transport that is open; None: refused, told so, and closing."""
        connection = Connection(self._scope, transport, address)
        refused = self._refusal(address)
        if refused is not None:
            connection.end(refused)
            return None
        self.counters.connections += 1
        self._connections[connection] = None
        self._addresses[address] += 1
        return connection

    def receive(self, batch: NodeBatch) -> None:
        """Take a batch of the node bus: answers first, then the rest, in order."""
        self.outbox.hold()
        try:
            for number, result in batch.results:
                self._requests.resolve(number, result)
            self._deliverer.deliver(batch.deliveries)
            self._deliverer.signal(batch.signals)
            self._deliverer.evict(batch.evictions)
            self.watching.changed(batch.presence)
            if batch.questions or batch.answers:
                self.flights.take(batch)
        finally:
            self.outbox.release()

    def session_began(self, connection: Connection) -> None:
        """See `ConnectionOwner`."""
        self._ledger.began(connection)

    def app_state_changed(self, connection: Connection) -> None:
        """See `ConnectionOwner`."""
        self._ledger.changed(connection)

    def session_ended(self, connection: Connection, reason: str) -> None:
        """See `ConnectionOwner`."""
        self._ledger.ended(connection, reason)
        self.watching.ended(connection)
        self._roster.leave(connection, reason)

    def connection_closed(self, connection: Connection) -> None:
        """See `ConnectionOwner`."""
        if connection in self._connections:
            del self._connections[connection]
            self._addresses[connection.address] -= 1
            if not self._addresses[connection.address]:
                del self._addresses[connection.address]

    def _refusal(self, address: str) -> Refused | None:
        """Why one more connection is too many, if it is."""
        if not self._flow.is_open:
            return Refused(Code.DRAINING, "this node is going down", "", self._retry_ms())
        if len(self._connections) >= self._limits.connections:
            return Refused(Code.RATE_LIMITED, "this node is full", "", self._retry_ms())
        if self._addresses[address] >= self._limits.connections_per_address:
            return Refused(Code.RATE_LIMITED, "too many connections from this address", "", self._retry_ms())
        return None

    def _retry_ms(self) -> int:
        return self._random.randint(*_FULL_RETRY_MS)
