"""The scenarios: what is measured, and in which variants."""

from collections.abc import Callable, Iterator
from pathlib import Path

from im.bench import growth
from im.bench.cluster import cluster, group_of
from im.bench.machine import Server, generate, node, push_key, relay
from im.bench.measured import PAIRS, TALK, Figures, Measured, Options
from im.bench.returning import read, sync

MESSAGES_AWAY = 5_000
LOGINS = 3_000
SIGNALS = 2_000
PUSHED_USERS = 10_000
PUSHES = 3
CROWD, CROWD_SECONDS = 100_000, 20.0
"""Users who get their first push, and how long chat goes on meanwhile."""

WATCHED = 50
PRESENCE_CHANGES = 100.0
"""A second."""

BESIDE_RATE = 1_000.0
"""Chat messages a second while a back end pushes."""

Scenario = Callable[[Options], Iterator[Measured]]


def floor(options: Options) -> Iterator[Measured]:
    """The bare relay."""
    with relay() as server:
        for variant, in_flight in (("one", 1), ("sixteen", 16)):
            yield Measured(variant, _traffic(server, variant, options, in_flight=in_flight), busy=0.95)


def chat(options: Options) -> Iterator[Measured]:
    """Stored messages between pairs, with both acknowledgements.

    Those sent by the clock come singly, as at one in flight: half of what was reached there is `half`.
    """
    with node(TALK) as server:
        one = _traffic(server, "one", options, in_flight=1)
        yield Measured("one", one, TALK, 0.8)
        yield Measured("sixteen", _traffic(server, "sixteen", options, in_flight=16), TALK, 0.8)
        rate = one["messages"] / one["seconds"] / 2
        yield Measured("half", _traffic(server, "half", options, rate=rate), TALK)
        yield Measured("alone", _traffic(server, "alone", options, in_flight=1, pairs=1), TALK)


def idle(options: Options) -> Iterator[Measured]:
    """Sessions that only beat."""
    users = [f"idle{number}" for number in range(options.sessions)]
    for variant in ("tcp", "websocket"):
        with node(TALK) as server:
            job = server.job("idle", users, seconds=15.0, heartbeat_seconds=30.0, transport=variant)
            yield Measured(variant, generate(job), TALK)


def login(options: Options) -> Iterator[Measured]:
    """Logins of users who never were here, then of the same."""
    users = [f"user{number}" for number in range(LOGINS)]
    with node(TALK) as server:
        for variant in ("new", "again"):
            yield Measured(variant, generate(server.job("login", users)), TALK)


def offline(options: Options) -> Iterator[Measured]:
    """Messages stored for those who are away, who then come and pull them."""
    with node(TALK) as server:
        users = [f"away{number}" for number in range(200)]
        told = generate(server.job("offline", users, messages=MESSAGES_AWAY))
        stored = {**told, "server_cpu": told["store_cpu"], "seconds": told["store_seconds"]}
        yield Measured("store", stored, TALK)
        yield Measured("deliver", told, TALK)


def growing(options: Options) -> Iterator[Measured]:
    """Chat at sixteen in flight, upon ever more stored messages."""
    for variant, messages in (("0", 0), ("1m", 1_000_000), ("5m", 5_000_000)):

        def prepare(folder: Path, messages: int = messages) -> None:
            growth.fill(folder / "im.sqlite", messages)

        with node(TALK, prepare) as server:
            yield Measured(variant, _traffic(server, "sixteen", options, in_flight=16), TALK)


def push(options: Options) -> Iterator[Measured]:
    """What back ends push: signals, stored pushes to many, and those beside chat."""
    settings = {**TALK, "IM_API_REQUESTS_PER_SECOND": "100000"}
    with node(settings) as server:
        access = {"http": server.http, "key": push_key(server)}
        job = server.job("push_signals", ["signalled"], messages=SIGNALS, **access)
        yield Measured("signal", generate(job), settings, unit="signal")
        everyone = [f"pushed{number}" for number in range(PUSHED_USERS)]
        job = server.job("push_durable", everyone[::2], everyone=everyone, pushes=PUSHES, **access)
        yield Measured("durable", generate(job), settings, unit="user")
        users = [f"beside{number}" for number in range(2 * PAIRS)]
        load = {"rate": BESIDE_RATE, "seconds": options.seconds, **access}
        job = server.job("push_beside_chat", users, everyone=everyone, **load)
        yield Measured("beside_chat", generate(job), settings)
    with node(settings) as server:
        access = {"http": server.http, "key": push_key(server)}
        crowd = [f"crowd{number}" for number in range(CROWD)]
        load = {"rate": BESIDE_RATE, "seconds": CROWD_SECONDS, **access}
        job = server.job("push_beside_chat", users, everyone=crowd, **load)
        yield Measured("crowd", generate(job), settings)


def presence(options: Options) -> Iterator[Measured]:
    """Sessions that watch users, whose apps come to the foreground and leave it."""
    settings = {**TALK, "IM_PRESENCE": "everyone"}
    users = [f"seen{number}" for number in range(options.sessions)]
    with node(settings) as server:
        load = {"watched": WATCHED, "rate": PRESENCE_CHANGES, "seconds": options.seconds}
        yield Measured(
            "watched", generate(server.job("presence", users, **load)), settings, unit="notification"
        )


def group(options: Options) -> Iterator[Measured]:
    """Stored posts to a group whose members are all online; what one copy costs, acknowledged."""
    with node(TALK) as server:
        for variant, in_flight in (("one", 1), ("eight", 8)):
            users = [f"{variant}{number}" for number in range(options.members)]
            job = server.job("group", users, in_flight=in_flight, seconds=options.seconds)
            yield Measured(variant, generate(job), TALK, 0.5, unit="copy")
    yield group_of(options)


SCENARIOS: dict[str, Scenario] = {
    "floor": floor,
    "chat": chat,
    "idle": idle,
    "login": login,
    "offline": offline,
    "growth": growing,
    "push": push,
    "presence": presence,
    "group": group,
    "sync": sync,
    "read": read,
    "cluster": cluster,
}


def _traffic(
    server: Server, name: str, options: Options, *, in_flight: int = 0, rate: float = 0.0, pairs: int = PAIRS
) -> Figures:
    users = [f"{name}{number}" for number in range(2 * pairs)]
    return generate(
        server.job("traffic", users, pairs=pairs, in_flight=in_flight, rate=rate, seconds=options.seconds)
    )
