"""The scenarios of users who come back and read."""

from collections.abc import Iterator
from pathlib import Path

from im.bench.growth import fill_pairs
from im.bench.machine import generate, node
from im.bench.measured import TALK, Measured, Options

CONVERSATIONS, CHANGED = 500, 20
COMERS, LOGINS = 10, 60
"""Users who come back at the same time, and how often each."""

READERS = 100
TO_READ = 5_000
"""Messages for each reader, more than are read in a minute."""

WARM_UP = 10

STORED = (("10k", 10_000), ("1m", 1_000_000))


def sync(options: Options) -> Iterator[Measured]:
    """Logins of users some of whose conversations changed meanwhile, upon more or fewer stored messages."""
    comers = [f"comer{number}" for number in range(COMERS)]
    peers = [f"peer{number}" for number in range(CONVERSATIONS)]
    for variant, messages in STORED:

        def prepare(folder: Path, each: int = messages // CONVERSATIONS // COMERS) -> None:
            pairs = ((peer, comer) for comer in comers for peer in peers)
            fill_pairs(folder / "im.sqlite", pairs, each)

        with node(TALK, prepare) as server:
            assert server.tokens is not None
            tokens = {comer: server.tokens.mint(comer, 3_600) for comer in comers}
            load = {"comers": tokens, "conversations": CONVERSATIONS, "logins": LOGINS, "warm_up": WARM_UP}
            job = server.job("sync", peers[:: CONVERSATIONS // CHANGED], **load)
            yield Measured(variant, generate(job), TALK, unit="sync")


def read(options: Options) -> Iterator[Measured]:
    """Read cursors that move, told to the users' other devices."""
    writers = {f"reader{number}": f"writer{number}" for number in range(READERS)}

    def prepare(folder: Path) -> None:
        pairs = ((writer, reader) for reader, writer in writers.items())
        fill_pairs(folder / "im.sqlite", pairs, TO_READ)

    with node(TALK, prepare) as server:
        load = {"writers": writers, "stored": TO_READ, "seconds": options.seconds}
        yield Measured("two_devices", generate(server.job("read", list(writers), **load)), TALK, 0.5, "read")
