"""The load generator's process: takes a job as JSON on stdin, prints what it measured as JSON.

`python -m im.bench.generator`, pinned to a core of its own by `im.bench.machine`.
"""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

from im.bench.loop import Loop
from im.bench.pairs import ChatPair, Pair, RelayPair
from im.bench.session import LoadSession
from im.bench.traffic import Plan, drive

CONTENT_BYTES = 100


def server_cpu(pid: int) -> float:
    """User and system CPU seconds of a process with all its threads, from the operating system."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def traffic(job: dict[str, Any]) -> dict[str, Any]:
    """Chat or the bare relay: messages of pairs for a time."""
    loop, address = Loop(), (job["host"], job["port"])
    pairs = _chat_pairs(loop, address, job) if job["tokens"] else _relay_pairs(loop, address, job)
    plan = Plan(job["in_flight"], job["rate"], job["seconds"])
    measured = drive(loop, pairs, plan, lambda: server_cpu(job["server_pid"]))
    verdicts = [pair.verify() for pair in pairs]
    lost, duplicated, reordered = (sum(column) for column in zip(*verdicts, strict=True))
    return {**measured._asdict(), "lost": lost, "duplicated": duplicated, "reordered": reordered}


def _relay_pairs(loop: Loop, address: tuple[str, int], job: dict[str, Any]) -> list[Pair]:
    padding = "x" * CONTENT_BYTES
    pairs: list[Pair] = [RelayPair(loop, address, f"p{n}", padding) for n in range(job["pairs"])]
    for _ in range(20):
        loop.turn(0.01)
    return pairs


def _chat_pairs(loop: Loop, address: tuple[str, int], job: dict[str, Any]) -> list[Pair]:
    sessions = []
    for user, token in job["tokens"].items():
        session = LoadSession(loop, address, user)
        session.login(token)
        sessions.append(session)
    padding = "x" * (CONTENT_BYTES - 8)
    return [ChatPair(loop, *two, padding) for two in zip(sessions[::2], sessions[1::2], strict=True)]


JOBS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {"traffic": traffic}


if __name__ == "__main__":
    job = json.load(sys.stdin)
    json.dump(JOBS[job["job"]](job), sys.stdout)
