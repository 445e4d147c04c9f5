"""The scenario of a cluster: two nodes, one worker, and engines as `scripts/cluster` starts them."""

import os
import tempfile
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from im.adapters.token.keys import load_keys
from im.adapters.token.signed import SignedTokens
from im.bench.machine import BenchError, Server, address_of, generate
from im.bench.measured import PAIRS, TALK, Figures, Measured, Options
from im.testing.clusters import Cluster, ClusterPlan
from im.testing.clusters.member import Member
from im.testing.services.process import MissingServerError

IDLE_GATEWAYS = 6
CLIENTS = 100
_ENGINES = {"broker": "rabbitmq", "redis": "redis", "database": "postgresql"}
_WATCH_SECONDS = 0.1


def cluster(options: Options) -> Generator[Measured, None, None]:
    """Chat from node to node, the same beside idle nodes, one pair alone, and after a kill."""
    with running(2) as there:
        yield Measured("saturation", _across(there, "saturation", options), TALK)
        yield Measured("alone", _across(there, "alone", options, pairs=1, in_flight=1), TALK)
        yield Measured("failover", _failover(there), TALK)
    with running(2 + IDLE_GATEWAYS) as there:
        yield Measured("idle_gateways", _across(there, "idle", options), TALK)


@contextmanager
def running(gateways: int) -> Iterator[Cluster]:
    """A private cluster with one worker; what dies starts again. Raises `BenchError`."""
    with tempfile.TemporaryDirectory(prefix="im-bench-cluster-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)  # PostgreSQL's user passes through.
        environ = {name: value for name, value in os.environ.items() if not name.startswith("IM_")}
        there = Cluster(ClusterPlan(Path(folder), gateways, 1, TALK), environ)
        is_over = threading.Event()

        def watch() -> None:
            while not is_over.wait(_WATCH_SECONDS):
                there.watch()

        watching = threading.Thread(target=watch)
        try:
            there.start()
            watching.start()
            yield there
        except MissingServerError as error:
            raise BenchError(str(error)) from None
        finally:
            is_over.set()
            if watching.is_alive():
                watching.join()
            there.stop()


def _across(
    there: Cluster, name: str, options: Options, *, pairs: int = PAIRS, in_flight: int = 16
) -> Figures:
    users = [f"{name}{number}" for number in range(2 * pairs)]
    _, _, *idle = (each for each in there.members if each.is_gateway)
    admins = [_told(each).admin for each in idle]
    load = {"in_flight": in_flight, "rate": 0.0, "seconds": options.seconds}
    return generate(_at_both(there, "across", users, idle=admins, **load))


def group_of(options: Options) -> Measured:
    """A group whose members are at two nodes, with eight posts in flight."""
    users = [f"member{number}" for number in range(options.members)]
    with running(2) as there:
        job = _at_both(there, "group", users, in_flight=8, seconds=options.seconds)
        return Measured("cluster", generate(job), TALK, unit="copy")


def _at_both(there: Cluster, job: str, users: list[str], **more: Any) -> dict[str, Any]:
    """A job for the first two nodes, that tells what each part costs."""
    first, second, *_ = (each for each in there.members if each.is_gateway)
    pids: dict[str, list[int]] = {part: [there.engines[engine].pid] for part, engine in _ENGINES.items()}
    pids["gateway"] = [each.pid for each in there.members if each.is_gateway]
    pids["business"] = [each.pid for each in there.members if not each.is_gateway]
    host, port = _address(second)
    admins = [_told(each).admin for each in there.members]
    far = {"host": host, "port": port}
    return _server(there, first).job(job, users, far=far, parts=pids, admins=admins, **more)


def _failover(there: Cluster) -> Figures:
    worker, first, second = there.members
    users = [f"failover{number}" for number in range(CLIENTS)]
    job = _server(there, first).job(
        "failover",
        users,
        nodes=[_address(first), _address(second)],
        worker_pid=worker.pid,
        node_pid=first.pid,
    )
    return generate(job)


def _server(there: Cluster, node: Member) -> Server:
    host, port = _address(node)
    keys = load_keys(node.folder.parent / "keys.json")
    return Server(host, port, node.pid, SignedTokens(keys, time.time, 60))


def _address(node: Member) -> tuple[str, int]:
    return address_of(_told(node))


def _told(member: Member) -> Any:
    if member.told is None:
        raise BenchError(f"{member.name} does not run")
    return member.told
