"""`scripts/cluster` once everything is installed: a cluster in the foreground."""

import argparse
import os
import shlex
import signal
import time
from pathlib import Path
from typing import NoReturn

from im.testing.clusters.cluster import Cluster, ClusterPlan
from im.testing.services.process import MissingServerError

ROOT = Path(__file__).resolve().parents[3]
_STOP = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
_WATCH_SECONDS = 0.2


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/cluster",
        description="Run a cluster in the foreground: private Redis, RabbitMQ and PostgreSQL (or those that "
        "IM_REDIS_URL, IM_AMQP_URL and IM_DATABASE_URL name), workers and nodes. Further settings: IM_*.",
        allow_abbrev=False,
    )
    parser.add_argument("--state-dir", metavar="DIR", help="of everything [default var/cluster in the clone]")
    parser.add_argument("--gateways", type=int, default=2, metavar="N", help="nodes [2]")
    parser.add_argument("--business", type=int, default=2, metavar="N", help="workers [2]")
    return parser.parse_args()


def _say(text: str) -> None:
    print(text, flush=True)


def welcome(cluster: Cluster, state_dir: Path) -> str:
    """`ready`, where everything is, and what to type next."""
    imctl = "scripts/imctl" if Path.cwd() == ROOT else shlex.quote(str(ROOT / "scripts" / "imctl"))
    where = f"--state-dir {shlex.quote(str(state_dir))}"
    lines = ["ready"]
    for member in cluster.members:
        told = member.told
        if told is not None:
            lines.append(f"  {member.name:<10} {' '.join((*told.listen, told.http, told.admin)).strip()}")
    nodes = [member.name for member in cluster.members if member.is_gateway]
    lines += [f"  {name:<10} {engine.url}" for name, engine in cluster.engines.items()]
    lines += [
        f"  state folder: {state_dir}",
        "",
        "Paste into other terminals:",
        f"  {imctl} nodes {where}",
        f"  {imctl} chat {where} --node {nodes[0]} --as alice --to bob",
        f"  {imctl} chat {where} --node {nodes[-1]} --as bob --to alice",
    ]
    return "\n".join(lines)


def _end(_number: int, _frame: object) -> NoReturn:
    raise SystemExit(0)


def main() -> int:
    """Run until a signal ends it."""
    given = _arguments()
    for number in _STOP:
        signal.signal(number, _end)
    state_dir = Path(given.state_dir or ROOT / "var" / "cluster").expanduser().resolve()
    plan = ClusterPlan(state_dir, max(1, given.gateways), max(1, given.business))
    cluster = Cluster(plan, os.environ, _say)
    try:
        cluster.start()
        _say(welcome(cluster, state_dir))
        while True:
            time.sleep(_WATCH_SECONDS)
            cluster.watch()
    except MissingServerError as error:
        _say(f"scripts/cluster: {error}.")
        return 1
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOP)
        cluster.stop()


if __name__ == "__main__":
    raise SystemExit(main())
