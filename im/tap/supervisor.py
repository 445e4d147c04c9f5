"""`scripts/run` once everything is installed: one node in the foreground, started again when it crashes.

Standard library only, so that it starts at once and stays small. The node is told the supervisor's
pid in IM_SUPERVISED and dies with it.
"""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

from im.tap import welcome
from im.tap.statedir import NodeFile, read_node_file

ROOT = Path(__file__).resolve().parents[2]
READY_POLL_SECONDS = 0.05
KILL_SECONDS = 11.0
"""From the request to stop to SIGKILL; a node drains within 8 s and its grace by default."""
STEADY_SECONDS = 60.0
"""A node that was up for so long starts again at once, as at the first crash."""
ANY_FREE_PORT = "tcp:0:interface=127.0.0.1"
_STOP = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
_WATCHED = _STOP | {signal.SIGCHLD}


class Plan(NamedTuple):
    """What to start: endpoint strings as given, "" or () for the node's own defaults."""

    state_dir: Path
    listen: tuple[str, ...] = ()
    http: str = ""
    admin: str = ""

    def command(self) -> list[str]:
        """The command line of the node."""
        options = ["--state-dir", str(self.state_dir)]
        for endpoint in self.listen:
            options += ["--listen", endpoint]
        if self.http:
            options += ["--http", self.http]
        if self.admin:
            options += ["--admin", self.admin]
        twistd = Path(sys.executable).with_name("twistd")
        log = self.state_dir / "node.log"
        return [sys.executable, str(twistd), "-n", "--pidfile=", f"--logfile={log}", "im-gateway", *options]

    def pinned(self, told: NodeFile) -> "Plan":
        """The same plan with the ports that the node got for port 0, so that clients find it again."""
        listen = tuple(pinned(each, real) for each, real in zip(self.listen, told.listen, strict=False))
        return self._replace(
            listen=listen, http=pinned(self.http, told.http), admin=pinned(self.admin, told.admin)
        )


def pinned(endpoint: str, real: str) -> str:
    """`tcp:0:…` with the port of the address `real`; any other endpoint as it is."""
    kind, _, rest = endpoint.partition(":")
    port = real.rstrip("/").rpartition(":")[2]
    if rest.partition(":")[0] == "0" and port.isdigit():
        return ":".join([kind, port, *rest.split(":")[1:]])
    return endpoint


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(1, f"scripts/run: {message}; `scripts/run --help` lists the options.\n")


def read_plan(arguments: Sequence[str], environ: Mapping[str, str]) -> Plan:
    """The plan that a command line asks for; ends the process with one sentence if it is wrong."""
    parser = _Parser(
        prog="scripts/run",
        description="Run a complete node on SQLite in the foreground. Further settings: IM_* variables, "
        "listed by `.venv/bin/twistd im-gateway --help`.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--state-dir", metavar="DIR", help="database, key and log [default var/ in the clone]"
    )
    parser.add_argument(
        "--listen",
        metavar="ENDPOINT",
        action="append",
        default=[],
        help="for clients; repeatable [default tcp:7222:interface=127.0.0.1]",
    )
    parser.add_argument(
        "--http",
        metavar="ENDPOINT",
        default="",
        help="HTTP and WebSocket [default tcp:7280:interface=127.0.0.1; with --listen a free port]",
    )
    parser.add_argument(
        "--admin",
        metavar="ENDPOINT",
        default="",
        help="health and metrics [default tcp:7290:interface=127.0.0.1; with --listen a free port]",
    )
    given = parser.parse_args(arguments)
    state_dir = given.state_dir or environ.get("IM_STATE_DIR") or str(ROOT / "var")
    free = ANY_FREE_PORT if given.listen else ""
    return Plan(
        state_dir=Path(state_dir).expanduser().resolve(),
        listen=tuple(given.listen),
        http=given.http or ("" if "IM_HTTP" in environ else free),
        admin=given.admin or ("" if "IM_ADMIN" in environ else free),
    )


def delays() -> Iterator[float]:
    """Seconds to wait before each start after a crash."""
    delay = 0.5
    while True:
        yield delay
        delay = min(delay * 2, 8.0)


class Supervisor:
    """Keeps one node running until a signal stops it. Its signals must be blocked: it waits for them."""

    def __init__(self, plan: Plan, environ: Mapping[str, str], say: Callable[[str], None]) -> None:
        self._plan = plan
        self._environ = {"IM_USERS": "open", **environ, "IM_SUPERVISED": str(os.getpid())}
        self._say = say
        self._is_stopping = False
        self._has_been_ready = False

    def run(self) -> int:
        """Run until stopped (0), or until a node that never became ready ends (its status)."""
        waits = delays()
        while True:
            with self._start() as node:
                steady = self._watch(node)
                status = node.returncode
            if self._is_stopping:
                return 0
            if not self._has_been_ready or status in (0, -signal.SIGTERM, -signal.SIGINT):
                return max(status, 0)
            if steady:
                waits = delays()
            wait = next(waits)
            self._say(f"The node ended with status {status}; it starts again in {wait:g} s.")
            if self._must_stop_within(wait):
                return 0

    def _start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            self._plan.command(),
            env=self._environ,
            stdin=subprocess.DEVNULL,
            process_group=0,  # A Ctrl-C reaches us alone; the node is told once.
            preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, ()),
        )

    def _watch(self, node: "subprocess.Popen[bytes]") -> bool:
        """Wait for the end of the node, passing a stop on; whether it had been up for a while."""
        while node.poll() is None and not self._is_stopping:
            told = read_node_file(self._plan.state_dir)
            if told is not None and told.pid == node.pid:
                self._became_ready(told)
                break
            self._wait_for_signal(READY_POLL_SECONDS)
        steady = False
        while node.poll() is None and not self._is_stopping:
            steady = not self._wait_for_signal(STEADY_SECONDS) or steady
        if self._is_stopping:
            self._stop(node)
        return steady

    def _became_ready(self, told: NodeFile) -> None:
        self._plan = self._plan.pinned(told)
        if self._has_been_ready:
            self._say("The node is ready again.")
        else:
            self._say(welcome.text(told, self._plan.state_dir, ROOT))
        self._has_been_ready = True

    def _stop(self, node: "subprocess.Popen[bytes]") -> None:
        node.terminate()
        try:
            node.wait(KILL_SECONDS)
        except subprocess.TimeoutExpired:
            node.kill()
            node.wait()

    def _must_stop_within(self, seconds: float) -> bool:
        self._wait_for_signal(seconds)
        return self._is_stopping

    def _wait_for_signal(self, seconds: float) -> bool:
        """Whether a signal came within the time; one that asks to stop is noted."""
        came = signal.sigtimedwait(_WATCHED, seconds)
        if came is not None and came.si_signo in _STOP:
            self._is_stopping = True
        return came is not None


def _say(text: str) -> None:
    try:
        print(text, flush=True)
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # Nobody listens any more; the node runs on.


def main() -> int:
    """Run a node as the command line asks; returns the status of the process."""
    plan = read_plan(sys.argv[1:], os.environ)
    signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    return Supervisor(plan, os.environ, _say).run()


if __name__ == "__main__":
    raise SystemExit(main())
