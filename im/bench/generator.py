"""The load generator's process: takes a job as JSON on stdin, prints what it measured as JSON.

`python -m im.bench.generator`, pinned to a core of its own by `im.bench.machine`.
"""

import json
import sys
from collections.abc import Callable

from im.bench.crossing import across, failover
from im.bench.group import group
from im.bench.loop import Loop
from im.bench.measured import Figures
from im.bench.meter import Meter
from im.bench.pairs import Pair, RelayPair, faults
from im.bench.presence import presence
from im.bench.pushing import beside_chat, durable, signals
from im.bench.reading import read, sync
from im.bench.sessions import Job, chat_pairs, idle, login, offline
from im.bench.traffic import Plan, drive


def traffic(job: Job, meter: Meter) -> Figures:
    """Chat or the bare relay: messages of pairs for a time."""
    loop, address = Loop(), (job["host"], job["port"])
    pairs = chat_pairs(loop, job) if job["tokens"] else _relay_pairs(loop, address, job)
    plan = Plan(job["in_flight"], job["rate"], job["seconds"])
    measured = drive(loop, pairs, plan, meter)
    return {**measured._asdict(), **faults(pair.verify() for pair in pairs)}


def _relay_pairs(loop: Loop, address: tuple[str, int], job: Job) -> list[Pair]:
    pairs: list[Pair] = [RelayPair(loop, address, f"p{n}") for n in range(job["pairs"])]
    for _ in range(20):
        loop.turn(0.01)
    return pairs


JOBS: dict[str, Callable[[Job, Meter], Figures]] = {
    "traffic": traffic,
    "login": login,
    "offline": offline,
    "idle": idle,
    "push_signals": signals,
    "push_durable": durable,
    "push_beside_chat": beside_chat,
    "presence": presence,
    "group": group,
    "sync": sync,
    "read": read,
    "across": across,
    "failover": failover,
}


if __name__ == "__main__":
    job = json.load(sys.stdin)
    json.dump(JOBS[job["job"]](job, Meter(job["server_pid"])), sys.stdout)
