"""The processes of a measurement: a server on one core, a load generator on another."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from im.adapters.token.keys import load_keys
from im.adapters.token.signed import SignedTokens
from im.tap.statedir import NodeFile, read_node_file
from im.tap.supervisor import ANY_FREE_PORT, Plan

START_SECONDS = 30.0
STOP_SECONDS = 15.0
JOB_SECONDS = 600.0


class BenchError(Exception):
    """A measurement could not be made: one sentence."""


class Server(NamedTuple):
    """A running server: where it listens, its process, and tokens for its users."""

    host: str
    port: int
    pid: int
    tokens: SignedTokens | None = None
    websocket: str = ""
    http: str = ""
    admin: str = ""

    def job(self, job: str, users: Sequence[str] = (), **more: Any) -> dict[str, Any]:
        """A job for the load generator, with a token for each of the users."""
        tokens = {}
        if self.tokens is not None:
            tokens = {user: self.tokens.mint(user, 3_600) for user in users}
        return {
            "job": job,
            "host": self.host,
            "port": self.port,
            "server_pid": self.pid,
            "websocket": self.websocket,
            "tokens": tokens,
            **more,
        }


def push_key(server: Server) -> str:
    """A key for the server's HTTP API that may push and make users."""
    assert server.tokens is not None
    token = server.tokens.mint("bench", 600, ("admin",))
    body = json.dumps({"name": "bench", "scopes": ["push", "users:write"]}).encode()
    request = urllib.request.Request(f"{server.admin.rstrip('/')}/v1/keys", body)
    request.add_header("Authorization", f"Bearer {token}")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=START_SECONDS) as answer:
        return str(json.load(answer)["key"])


def cores() -> tuple[int, int]:
    """The server's core and the load generator's. Raises `BenchError` on a machine with one."""
    available = sorted(os.sched_getaffinity(0))
    if len(available) < 2:
        raise BenchError("a measurement needs two cores: one for the server, one for the load")
    return available[0], available[-1]


def generate(job: Mapping[str, Any]) -> dict[str, Any]:
    """Run a job in a load generator of its own. Raises `BenchError` with its last line if it fails."""
    with _process(["-m", "im.bench.generator"], cores()[1], {}, pipe=True) as generator:
        output, errors = generator.communicate(json.dumps(job), timeout=JOB_SECONDS)
    if generator.returncode != 0:
        raise BenchError(f"the load generator failed: {(errors or '?').strip().splitlines()[-1]}")
    measured: dict[str, Any] = json.loads(output)
    return measured


@contextmanager
def relay() -> Iterator[Server]:
    """The bare relay on a free port."""
    with _process(["-m", "im.bench.floor", ANY_FREE_PORT], cores()[0], {}, pipe=True) as process:
        assert process.stdout is not None
        yield Server("127.0.0.1", int(process.stdout.readline()), process.pid)


@contextmanager
def node(settings: Mapping[str, str], prepare: Any = None) -> Iterator[Server]:
    """A node as `scripts/run` starts it, in a folder of its own. `settings` are IM_* variables on top.

    `prepare(folder)` may fill the folder before the node starts.
    """
    folder = Path(tempfile.mkdtemp(prefix="im-bench-"))
    try:
        if prepare is not None:
            prepare(folder)
        plan = Plan(folder, (ANY_FREE_PORT,), ANY_FREE_PORT, ANY_FREE_PORT)
        with _process(plan.command()[1:], cores()[0], {"IM_USERS": "open", **settings}) as process:
            yield _ready(folder, process)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def address_of(told: NodeFile) -> tuple[str, int]:
    """Where clients reach a node by TCP."""
    host, _, port = told.listen[0].removeprefix("tcp://").rpartition(":")
    return host, int(port)


def _ready(folder: Path, process: subprocess.Popen[str]) -> Server:
    ends = time.monotonic() + START_SECONDS
    while (told := read_node_file(folder)) is None:
        if process.poll() is not None or time.monotonic() > ends:
            log = folder / "node.log"
            last = log.read_text().strip().splitlines()[-1:] if log.exists() else []
            raise BenchError(f"the node did not start: {' '.join(last) or 'it said nothing'}")
        time.sleep(0.05)
    host, port = address_of(told)
    tokens = SignedTokens(load_keys(folder / "keys.json"), time.time, 60)
    return Server(host, port, process.pid, tokens, told.websocket, told.http, told.admin)


@contextmanager
def _process(
    arguments: Sequence[str], core: int, environment: Mapping[str, str], *, pipe: bool = False
) -> Iterator[subprocess.Popen[str]]:
    """A Python process pinned to a core; ended when the block ends."""
    streams = subprocess.PIPE if pipe else subprocess.DEVNULL
    process = subprocess.Popen(
        ["taskset", "-c", str(core), sys.executable, *arguments],
        stdin=streams,
        stdout=streams,
        stderr=streams,
        text=True,
        env={**os.environ, **environment},
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()
