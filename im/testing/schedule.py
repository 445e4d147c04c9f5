"""Random schedules: what people, networks and processes do in one world, all of it from a seed.

A schedule is a value: `schedule(seed)` can be printed, shortened and played again.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

from im.core.limits import Limits
from im.testing.clients import SimulatedClient
from im.testing.history import Verdict
from im.testing.links import Weather
from im.testing.ports import Rates
from im.testing.world import LIMITS, TIGHT, PortRates, World

DEVICES = (("alice", "phone"), ("bob", "phone"), ("bob", "desk"), ("carol", "phone"))
USERS = ("alice", "bob", "carol")
SECONDS = 12.0
STEPS = (15, 45)


class Step(NamedTuple):
    """At `at` seconds `what` happens, to the client of index `who` where it concerns one."""

    at: float
    what: str
    who: int
    amount: float


class Schedule(NamedTuple):
    """All that happens in a world before it settles."""

    seed: int
    weather: Weather
    rates: PortRates
    limits: Limits
    steps: Sequence[Step]

    def __str__(self) -> str:
        tight = ", tight limits" if self.limits is TIGHT else ""
        lines = [f"seed {self.seed}: {self.weather}{tight}", *map(str, self.rates)]
        lines += [f"{step.at:7.3f} {step.what} {step.who} {step.amount:.3f}" for step in self.steps]
        return "\n".join(lines)


def _peer(client: SimulatedClient, amount: float) -> str:
    others = [user for user in USERS if user != client.user]
    return others[int(amount * 1000) % len(others)]


def _send(world: World, client: SimulatedClient, amount: float) -> None:
    """One to five messages at once to one other user."""
    if client.is_running:
        peer = _peer(client, amount)
        for number in range(1 + int(amount * 4.99)):
            client.send(peer, f"{client.name} {world.clock.rightNow:.3f} {number}".encode())


def _read(world: World, client: SimulatedClient, amount: float) -> None:
    """Read one of the conversations, to its end or to its middle."""
    heads = client.core.heads() if client.is_running else []
    if heads:
        conversation = heads[int(amount * 1000) % len(heads)].conversation
        furthest = client.furthest(conversation)
        seq = furthest if amount < 0.5 else (furthest + 1) // 2
        if seq:
            client.read(conversation, seq)


def _cut(world: World, client: SimulatedClient, amount: float) -> None:
    """Cut the client's link after some more bytes of either end."""
    for link in world.network.links(client.name):
        link.cut_after(link.client if amount < 0.5 else link.server, int(amount * 997) % 300)


def _half_open(world: World, client: SimulatedClient, amount: float) -> None:
    for link in world.network.links(client.name):
        link.half_open()


def _stall_link(world: World, client: SimulatedClient, amount: float) -> None:
    for link in world.network.links(client.name):
        link.stall(amount * 6)


def _slow_down(world: World, client: SimulatedClient, amount: float) -> None:
    for link in world.network.links(client.name):
        link.slow_down(200 + amount * 5_000)


def _stall_node(world: World, client: SimulatedClient, amount: float) -> None:
    world.node.process.stall(amount * 5)


def _stall_client(world: World, client: SimulatedClient, amount: float) -> None:
    client.process.stall(amount * 8)


def _suspend(world: World, client: SimulatedClient, amount: float) -> None:
    """Let everything stand still, as a suspended machine does; all that is due comes late, at once."""
    world.clock.advance(amount * 20)


def _restart_node(world: World, client: SimulatedClient, amount: float) -> None:
    world.kill_node()
    world.clock.callLater(amount * 2, world.start_node)


def _kill(world: World, client: SimulatedClient, amount: float) -> None:
    """Kill a client's process; it comes back with its state."""
    client.kill()
    world.clock.callLater(amount * 4, client.start)


def _erase(world: World, client: SimulatedClient, amount: float) -> None:
    """Kill a client's process and erase its state; the device comes back as new."""
    client.kill()
    client.lose_state()
    world.clock.callLater(amount * 2, client.start)


def _displace(world: World, client: SimulatedClient, amount: float) -> None:
    """Start another process that logs in with the device of this one, and has no state of its own."""
    world.client(client.user, client.device, f"{client.name}#{len(world.clients)}")


def _flush_registry(world: World, client: SimulatedClient, amount: float) -> None:
    world.node.registry.lose_everything()


def _dawdle(world: World, client: SimulatedClient, amount: float) -> None:
    """Let the app take its time over each message from now on."""
    client.handling = amount * 0.5


ACTIONS: dict[str, tuple[int, Callable[[World, SimulatedClient, float], None]]] = {
    "send": (40, _send),
    "read": (14, _read),
    "cut": (8, _cut),
    "half open": (4, _half_open),
    "stall link": (4, _stall_link),
    "slow down": (3, _slow_down),
    "stall node": (2, _stall_node),
    "stall client": (3, _stall_client),
    "suspend": (1, _suspend),
    "restart node": (2, _restart_node),
    "kill": (4, _kill),
    "erase": (1, _erase),
    "displace": (1, _displace),
    "flush registry": (1, _flush_registry),
    "dawdle": (2, _dawdle),
}
"""What may happen: how often, and how."""


def schedule(seed: int) -> Schedule:
    """The schedule of a seed. A third of them have sound ports, so that the rest is seen alone."""
    random = Random(seed)
    weather = Weather(0.0005, random.choice((0.002, 0.05, 0.4)), random.choice((0.0, 0.3)))
    rates = PortRates() if random.random() < 0.34 else _rates(random)
    limits = random.choice((LIMITS, TIGHT))
    names = list(ACTIONS)
    weights = [often for often, _ in ACTIONS.values()]
    whats = random.choices(names, weights, k=random.randint(*STEPS))
    ats = sorted(random.uniform(0.0, SECONDS) for _ in whats)
    steps = [
        Step(at, what, random.randrange(len(DEVICES)), random.random())
        for at, what in zip(ats, whats, strict=True)
    ]
    return Schedule(seed, weather, rates, limits, steps)


def _rates(random: Random) -> PortRates:
    def some(most: float) -> float:
        return random.uniform(0, most) if random.random() < 0.5 else 0.0

    return PortRates(
        registry=Rates(fail=some(0.3), delay=some(0.3)),
        bus=Rates(drop=some(0.2), delay=some(0.2)),
        bridge=Rates(drop=some(0.2), delay=some(0.3)),
        store=Rates(fail=some(0.3), repeat=some(0.3), delay=some(0.3)),
    )


def play(played: Schedule, client_type: type[SimulatedClient] = SimulatedClient) -> tuple[World, Verdict]:
    """Play a schedule, settle, and check."""
    world = World(played.seed, played.weather, played.rates, played.limits, client_type)
    for user, device in DEVICES:
        world.client(user, device)
    for at, what, who, amount in played.steps:
        world.run(max(0.0, at - world.clock.rightNow))
        _, action = ACTIONS[what]
        action(world, world.clients[who], amount)
    world.settle()
    return world, world.check()
