"""A whole node and its clients in simulated time, with the real objects and every fault by seed.

    world = World(seed=7)
    alice, bob = world.client("alice"), world.client("bob")
    alice.send("bob", b"hello")
    world.run(5)
    world.settle()
    assert not world.check().violations

What is simulated: the time, the network (`links`), the processes (`processes`), the disks. A node
that is killed loses everything but what its database committed.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import NamedTuple

from twisted.internet.defer import Deferred, execute, succeed
from twisted.internet.task import Clock
from zope.interface import implementer

from im.adapters.memory.bridge import MemoryBridge
from im.adapters.memory.bus import MemoryNodeBus
from im.adapters.memory.registry import MemoryRegistry
from im.adapters.sql.policy import StorePolicy
from im.adapters.sql.runners import inline_runners
from im.adapters.sql.sqlite.memory import MemoryDatabase
from im.adapters.sql.sqlite.store import SqliteStore
from im.business.custom import HandlerSettings
from im.business.worker import Worker, WorkerPorts
from im.client.core.session import CoreSettings
from im.client.core.timing import Timing
from im.core.commands import Result
from im.core.limits import Limits
from im.core.messages import Entry, Head, Pull, PullPage, Sync, SyncPage
from im.gateway.node import Node
from im.gateway.settings import NodeIdentity, NodePorts, NodeSettings
from im.gateway.stream import StreamSettings
from im.gateway.tcp import TcpFactory
from im.handler import BUSINESS, GATEWAY, Owner
from im.isolation import HandlerCounters, Handlers
from im.ports import IAuthenticator, Identity
from im.testing.clients import SimulatedClient, Surroundings
from im.testing.history import History, Outcome, Verdict
from im.testing.links import CALM, Network, Weather
from im.testing.ports import Faults, FaultyBridge, FaultyNodeBus, FaultySessionRegistry, FaultyStore, Rates
from im.testing.processes import ProcessClock

EPOCH_MS = 1_800_000_000_000
NODE = "n1"

LIMITS = Limits(
    heartbeat_seconds=3.0,
    background_heartbeat_seconds=9.0,
    login_seconds=3.0,
    request_seconds=1.5,
    resend_seconds=1.0,
    slow_reader_seconds=5.0,
)
"""Shorter waits than a real node's, so that a world needs fewer simulated seconds."""

TIGHT = replace(
    LIMITS,
    page_entries=3,
    pages_in_flight=1,
    sync_heads=1,
    window_deliveries=4,
    sends_in_flight=3,
    batch_requests=3,
)
"""As little as possible at once: syncs and pulls in pages, sends and deliveries that wait."""

CLIENT = CoreSettings(
    timing=Timing(
        login=3.0, answer=2.0, give_up=3_600.0, retry=0.1, retry_cap=2.0, audit_grace=0.5, audit_beats=4
    )
)

SETTLE_SECONDS = 120.0
"""A settled world is quiet within this, or something waits for ever."""


class PortRates(NamedTuple):
    """The faults of each port."""

    registry: Rates = Rates()
    bus: Rates = Rates()
    bridge: Rates = Rates()
    store: Rates = Rates()


SOUND = PortRates()


@implementer(IAuthenticator)
class TrustingAuthenticator:
    """Takes the token for the user's name."""

    def authenticate(self, token: str) -> "Deferred[Identity]":
        """See `IAuthenticator`."""
        return succeed(Identity(token, 0, frozenset({"user"})))


class Site(NamedTuple):
    """Where a node runs: what stays when its process dies."""

    clock: Clock
    network: Network
    database: MemoryDatabase
    random: Random
    limits: Limits
    owners: tuple[Owner, ...] = ()


class SimulatedNode:
    """One process of a node: the real parts on faulty ports."""

    def __init__(self, site: Site, rates: PortRates, generation: str) -> None:
        clock, network, database, random, limits, owners = site
        self.process = process = ProcessClock(clock)
        self._network = network
        self.faults = [Faults(process, random, each) for each in rates]
        registry, bus, bridge, store = self.faults

        def now_ms() -> int:
            return EPOCH_MS + int(clock.rightNow * 1000)

        self.store = SqliteStore(
            database, inline_runners(), now_ms, StorePolicy(limits, users_open=True), self._fatal
        )
        self.registry = FaultySessionRegistry(MemoryRegistry, registry)
        self.bus = FaultyNodeBus(MemoryNodeBus(), bus)
        self.handlers = counters = HandlerCounters()
        business, gateway = (
            Handlers(
                [each for each in owners if each.handler.runs_on == layer], lambda owner: execute, counters
            )
            for layer in (BUSINESS, GATEWAY)
        )
        worker_ports = WorkerPorts(FaultyStore(self.store, store), self.registry, self.bus)
        self.worker = Worker(process, worker_ports, HandlerSettings(business, limits, now_ms))
        self.bridge = MemoryBridge(process, self.worker.execute, limits.batch_requests)
        ports = NodePorts(self.registry, self.bus, FaultyBridge(self.bridge, bridge), TrustingAuthenticator())
        identity = NodeIdentity(NODE, generation)
        self.node = Node(identity, ports, NodeSettings(limits, handlers=gateway), process, now_ms, random)
        self.node.start()
        settings = StreamSettings(self.node.build_connection, process, limits.frame_bytes, limits.queue_bytes)
        network.listen(TcpFactory(settings), process)

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        for faults in self.faults:
            faults.die()
        self._network.refuse()
        for link in self._network.links():
            link.server.abortConnection()

    def set_rates(self, rates: PortRates) -> None:
        """Let the ports fail differently from now on."""
        for faults, each in zip(self.faults, rates, strict=True):
            faults.rates = each

    def heal(self) -> None:
        """No stall and no fault of a port from now on."""
        self.process.wake()
        self.set_rates(SOUND)

    def _fatal(self, why: str) -> None:
        self.kill()


class World:
    """Everything at one seed; without further arguments, without any fault."""

    def __init__(
        self,
        seed: int,
        weather: Weather = CALM,
        rates: PortRates = SOUND,
        limits: Limits = LIMITS,
        client_type: type[SimulatedClient] = SimulatedClient,
        owners: tuple[Owner, ...] = (),
    ) -> None:
        self.random = Random(seed)
        self.clock = Clock()
        self.history = History()
        self.network = Network(self.random, weather)
        self._site = Site(self.clock, self.network, MemoryDatabase(), self.random, limits, owners)
        self.clients: list[SimulatedClient] = []
        self._rates = rates
        self._client_type = client_type
        self._starts = 0
        self._around = Surroundings(self.clock, self.network, self.random, self.history, EPOCH_MS)
        self.node = self._start()

    def client(self, user: str, device: str = "phone", name: str = "") -> SimulatedClient:
        """A new client, which starts at once. Two of one device need different names."""
        client = self._client_type(self._around, name or f"{user}/{device}", user, device, CLIENT)
        self.clients.append(client)
        client.start()
        return client

    def run(self, seconds: float) -> None:
        """Let time pass."""
        self._run(self.clock.rightNow + seconds, lambda: False)

    def run_until(self, condition: Callable[[], bool], seconds: float = 30.0) -> bool:
        """Let time pass until something holds, at most so long; whether it holds."""
        self._run(self.clock.rightNow + seconds, condition)
        return condition()

    def kill_node(self) -> None:
        """kill -9 the node. Nobody listens until `start_node`."""
        self.node.kill()

    def start_node(self) -> None:
        """Start a node on what was committed."""
        if not self.node.process.is_alive:
            self.node = self._start()

    def restart_node(self) -> None:
        """kill -9 the node, and start another one on what was committed."""
        self.kill_node()
        self.start_node()

    @property
    def database(self) -> MemoryDatabase:
        """Where the node stores, over all its restarts."""
        return self._site.database

    def put_database(self, database: MemoryDatabase) -> None:
        """Let the next node start on another database, as after a restore."""
        self._site = self._site._replace(database=database)

    def settle(self) -> None:
        """Heal everything, and run until everyone has everything, or for `SETTLE_SECONDS`."""
        self._rates = SOUND
        self.network.weather = CALM
        self.start_node()
        self.node.heal()
        for client in self.clients:
            client.process.wake()
            client.handling = 0.0
            if not client.was_sent_away:
                client.start()
        for link in self.network.links():
            link.heal()
        self.run_until(self._is_quiet, SETTLE_SECONDS)
        for client in self._present():
            if client.is_online:
                client.refresh()
        self.run_until(lambda: all(client.is_idle for client in self._present()))

    def check(self) -> Verdict:
        """What the history checker says, and who was sent away though nobody took their place."""
        verdict = self.history.check(self.outcome())
        devices = Counter((client.user, client.device) for client in self.clients)
        alone = [each for each in self.clients if devices[each.user, each.device] == 1]
        wrong = [f"{each.name} was sent away by nobody" for each in alone if each.was_sent_away]
        return verdict._replace(violations=(*verdict.violations, *wrong))

    def outcome(self) -> Outcome:
        """What stands now, from the store and from the clients."""
        heads = {(user, head.conversation): head for user in self._users() for head in self._heads(user)}
        logs = {conversation: self.log(user, conversation) for user, conversation in heads}
        present = self._present()
        unread = {
            (client.name, head.conversation): head.unread
            for client in present
            if client.is_idle
            for head in client.core.heads()
        }
        return Outcome(logs, heads, unread, [client.name for client in present])

    def log(self, user: str, conversation: str) -> list[Entry]:
        """A whole conversation, from the store."""
        entries: list[Entry] = []
        while True:
            page = _result(self.node.store.read(Pull(conversation, user, len(entries) + 1, False, 200)))
            assert isinstance(page, PullPage)
            entries += page.entries
            if not page.more:
                return entries

    def _heads(self, user: str) -> list[Head]:
        heads: list[Head] = []
        after = ""
        while True:
            page = _result(self.node.store.read(Sync(user, None, after)))
            assert isinstance(page, SyncPage)
            heads += page.heads
            after = page.next
            if not after:
                return heads

    def _users(self) -> list[str]:
        return sorted({client.user for client in self.clients})

    def _present(self) -> list[SimulatedClient]:
        """The clients that were not sent away."""
        return [client for client in self.clients if not client.was_sent_away]

    def _is_quiet(self) -> bool:
        present = self._present()
        node = self.node
        if node.node.requests_in_flight or any(each.late for each in node.faults):
            return False
        if not all(client.is_idle for client in present):
            return False
        heads = {user: self._heads(user) for user in self._users()}
        return all(
            client.furthest(head.conversation) >= head.head_seq
            for client in present
            for head in heads[client.user]
        )

    def _start(self) -> SimulatedNode:
        self._starts += 1
        return SimulatedNode(self._site, self._rates, f"g{self._starts}")

    def _run(self, until: float, condition: Callable[[], bool]) -> None:
        clock = self.clock
        checked = clock.rightNow
        while clock.calls and clock.calls[0].getTime() <= until:
            clock.advance(max(0.0, clock.calls[0].getTime() - clock.rightNow))
            if clock.rightNow >= checked + 0.25:
                checked = clock.rightNow
                if condition():
                    return
        clock.advance(max(0.0, until - clock.rightNow))


def _result(answered: "Deferred[Result]") -> Result:
    """The result of a Deferred that has fired."""
    results: list[Result] = []
    answered.addCallback(results.append)
    return results[0]
