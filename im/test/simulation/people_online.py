"""Many people's comings and goings at one node in fake time, and the truth about how long they were online.

The node, its worker and its store are the real ones. The network is two delays; clients are scripts.
"""

from collections.abc import Callable
from itertools import pairwise
from random import Random
from typing import NamedTuple

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from im.adapters.memory.bridge import MemoryBridge
from im.adapters.memory.bus import MemoryNodeBus
from im.adapters.memory.registry import MemoryRegistry
from im.adapters.sql.sqlite import MemoryDatabase, SqliteStore, StorePolicy, inline_runners
from im.business.worker import Worker, WorkerPorts
from im.core.commands import Query, Result
from im.core.limits import Limits
from im.core.spans import Span
from im.gateway.connection import Connection
from im.gateway.node import Node
from im.gateway.runs import Run
from im.gateway.settings import NodeIdentity, NodePorts, NodeSettings
from im.proto import session_pb2
from im.testing.ports import Faults, FaultyStore, Rates
from im.testing.processes import ProcessClock
from im.testing.world import TrustingAuthenticator
from im.wire import types
from im.wire.codec import pack, unpack

LIMITS = Limits(
    heartbeat_seconds=3.0, background_heartbeat_seconds=9.0, login_seconds=3.0, request_seconds=1.5
)
CLASSES = ("phone", "web")
MAX_DELAY = 0.1
LEASE_SECONDS = 5.0
TICK = 0.1
REST = 12.0


class Truth(NamedTuple):
    """A session as it was, by the wall clock at its beginning."""

    device_class: str
    online: Span
    foreground: tuple[Span, ...]


class Wall:
    """The machine's wall clock over the world's time."""

    def __init__(self, clock: Clock, start_ms: int) -> None:
        self._clock = clock
        self._start_ms = start_ms

    def jump(self, ms: int) -> None:
        self._start_ms += ms

    def now_ms(self) -> int:
        return self._start_ms + round(self._clock.rightNow * 1000)


class Process:
    """One process of the node, from its start to kill -9."""

    def __init__(self, clock: Clock, database: MemoryDatabase, wall: Wall, random: Random, zone: str) -> None:
        self.time = time = ProcessClock(clock)
        self.store = SqliteStore(
            database, inline_runners(), wall.now_ms, StorePolicy(LIMITS, True, zone), _impossible
        )
        self.faults = Faults(time, random, Rates())
        bus, registry = MemoryNodeBus(), MemoryRegistry()
        ports = WorkerPorts(FaultyStore(self.store, self.faults), registry, bus)
        self._bridge = MemoryBridge(time, Worker(time, ports).execute, LIMITS.batch_requests)
        self.node = Node(
            NodeIdentity("n1", f"{random.random()}"),
            NodePorts(registry, bus, self._bridge, TrustingAuthenticator()),
            NodeSettings(LIMITS),
            time,
            wall.now_ms,
            random,
        )
        self._beat()
        self.node.start()

    def _beat(self) -> None:
        self.store.beat("n1")
        self.time.callLater(LEASE_SECONDS, self._beat)

    def kill(self) -> None:
        self.time.kill()
        self.faults.die()


def _impossible(why: str) -> None:
    raise AssertionError(why)


class Device:
    """A client of a user that comes, goes, dies and is cut off; `truths` are its sessions."""

    def __init__(self, world: "People", user: str, name: str, device_class: str) -> None:
        self._world = world
        self._user, self._name, self._class = user, name, device_class
        self._attempt = 0
        self.truths: list[Truth] = []
        self._line: Line | None = None

    def come(self) -> None:
        """Log in, in place of whatever was before."""
        self.leave("cut")
        self._attempt += 1
        is_background = self._world.random.random() < 0.3
        self._line = Line(self._world, self, is_background)
        self._line.open(
            session_pb2.OnlineMessage(
                min_version=1,
                max_version=1,
                token=self._user,
                device_id=self._name,
                device_class=self._class,
                attempt=self._attempt,
                app_state=session_pb2.BACKGROUND if is_background else session_pb2.FOREGROUND,
            )
        )

    def leave(self, how: str) -> None:
        """End what stands: "logout", "kill" (the system ends the connection), or "cut" (nobody tells)."""
        if self._line is not None:
            self._line.leave(how)
            self._line = None

    def switch(self) -> None:
        """Bring the app to the foreground, or leave it."""
        if self._line is not None:
            self._line.switch()

    def was(self, online: Span, foreground: tuple[Span, ...]) -> None:
        """A session is over."""
        self.truths.append(Truth(self._class, online, foreground))


class Line:
    """One connection: the transport that the node writes to, and the client's script at the far end."""

    def __init__(self, world: "People", device: Device, is_background: bool) -> None:
        self._world = world
        self._device = device
        self._process = world.process
        self._is_background = is_background
        self._connection: Connection | None = None
        self._opened_at = -1.0
        self._opened_ms = 0
        self._switches: list[float] = []
        self._is_over = False
        self._is_closed_by_node = False
        self._arrives_at = 0.0

    def open(self, login: session_pb2.OnlineMessage) -> None:
        self._world.lines.append(self)

        def arrive() -> None:
            self._connection = self._process.node.build_connection(self, "192.0.2.1")
            if self._connection is not None:
                self._connection.frame_received(pack(login, 1))

        self._arrive(arrive)

    def _arrive(self, what: Callable[[], object]) -> None:
        """Let something reach the node: in order, after a delay, in the node's own time."""
        now = self._world.clock.rightNow
        self._arrives_at = max(self._arrives_at, now + self._world.random.uniform(0.0, MAX_DELAY))
        self._process.time.callLater(self._arrives_at - now, what)

    # The node's transport.

    def send(self, payload: bytes) -> None:
        envelope = unpack(payload)
        if envelope.type == types.ONLINE_RESULT and not self._is_over:
            self._opened_at = self._world.clock.rightNow
            self._opened_ms = self._world.wall.now_ms()
            self._beat_later()

    def send_run(self, run: Run) -> None:
        for _, payload in run.entries:
            self.send(payload)

    def close(self) -> None:
        self._is_closed_by_node = True
        self._over()
        if self._connection is not None:
            self._process.time.callLater(0, self._connection.connection_lost, "closed here")

    def abort(self) -> None:
        self.close()

    def pause_reading(self) -> None:
        """Nothing else comes meanwhile."""

    def resume_reading(self) -> None:
        """See `pause_reading`."""

    # The client.

    def _beat_later(self) -> None:
        interval = 9.0 if self._is_background else 3.0
        self._timer = self._world.clock.callLater(interval, self._beat)

    def _beat(self) -> None:
        if self._is_over:
            return
        state = session_pb2.BACKGROUND if self._is_background else session_pb2.FOREGROUND
        frame = pack(session_pb2.Heartbeat(app_state=state), 1)

        def arrive() -> None:
            if self._connection is not None:
                self._connection.frame_received(frame)

        self._arrive(arrive)
        self._beat_later()

    def switch(self) -> None:
        if self._opened_at >= 0 and not self._is_over:
            self._is_background = not self._is_background
            self._switches.append(self._world.clock.rightNow)
            self._timer.cancel()
            self._beat()

    def leave(self, how: str) -> None:
        if self._is_over:
            return
        self._over()
        if how == "logout":
            self._arrive(lambda: self._lost(pack(session_pb2.Logout(), 2)))
        elif how == "kill":
            self._arrive(lambda: self._lost(b""))

    def _lost(self, last: bytes) -> None:
        if self._connection is not None and not self._is_closed_by_node:
            if last:
                self._connection.frame_received(last)
            else:
                self._connection.connection_lost("closed by the peer")

    def _over(self) -> None:
        """The truth is known from now on."""
        if self._is_over:
            return
        self._is_over = True
        if self._opened_at < 0:
            return
        if self._timer.active():
            self._timer.cancel()
        now = self._world.clock.rightNow
        edges = [self._opened_at, *self._switches, now]
        begins_in_background = self._is_background ^ (len(self._switches) % 2 == 1)
        foreground = tuple(
            (self._ms(start), self._ms(end))
            for number, (start, end) in enumerate(pairwise(edges))
            if begins_in_background ^ (number % 2 == 0)
        )
        self._device.was((self._opened_ms, self._ms(now)), foreground)

    def node_died(self, process: Process) -> None:
        if self._process is process:
            self._over()

    def _ms(self, at: float) -> int:
        return self._opened_ms + round((at - self._opened_at) * 1000)


class People:
    """So many users with two devices each. `run`, then ask `reports`."""

    def __init__(self, seed: int, users: int, start_ms: int, zone: str) -> None:
        self.random = random = Random(seed)
        self.clock = Clock()
        self.wall = Wall(self.clock, start_ms)
        self.lines: list[Line] = []
        self._database = MemoryDatabase()
        self._zone = zone
        self.process = self._start()
        self.users = {
            f"u{number}": [
                Device(self, f"u{number}", name, random.choice(CLASSES)) for name in ("one", "other")
            ]
            for number in range(users)
        }
        for devices in self.users.values():
            for device in devices:
                self._plan(device)

    def _start(self) -> Process:
        return Process(self.clock, self._database, self.wall, self.random, self._zone)

    def _plan(self, device: Device) -> None:
        """What a device does next, and when."""

        def act() -> None:
            what = self.random.choice(("come", "come", "switch", "switch", "kill", "cut", "logout"))
            if what == "come":
                device.come()
            elif what == "switch":
                device.switch()
            else:
                device.leave(what)
            self._plan(device)

        self.clock.callLater(self.random.expovariate(1 / 8.0), act)

    def run(self, seconds: float, faults: tuple[str, ...]) -> None:
        """Let time pass with the node's faults: "kill", "stall", "jump", "outage"."""
        ends_at = self.clock.rightNow + seconds
        due = self.clock.rightNow + REST
        while self.clock.rightNow < ends_at:
            if faults and self.clock.rightNow >= due:
                due = self.clock.rightNow + self.random.uniform(1.5, REST)
                self._fail(self.random.choice(faults))
            self.clock.advance(TICK)

    def _fail(self, what: str) -> None:
        random, process = self.random, self.process
        if what == "kill":
            self.clock.advance(0.05)  # what was under way to the store is there
            process.kill()
            for line in self.lines:
                line.node_died(process)
            self.clock.advance(random.uniform(0.0, 3.0))
            self.process = self._start()
        elif what == "stall":
            process.time.stall(random.uniform(0.3, 8.0))
        elif what == "jump":
            self.wall.jump(random.choice((-1, 1)) * random.randint(1_000, 600_000))
        else:
            process.faults.rates = Rates(fail=1.0)
            self.clock.callLater(random.uniform(0.5, 6.0), self._heal, process)

    def _heal(self, process: Process) -> None:
        process.faults.rates = Rates()

    def end(self) -> None:
        """Let the node find out what it can, then end everything."""
        for devices in self.users.values():
            for device in devices:
                device.leave("cut")
        self._fail("kill")

    def ask(self, query: Query) -> Result:
        """What the store answers."""
        answered: Deferred[Result] = self.process.store.read(query)
        results: list[Result] = []
        answered.addCallback(results.append)
        (result,) = results
        return result
