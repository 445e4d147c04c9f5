"""`imctl` in tests: run to its end, fed line by line, or on a terminal; and a node for it."""

import contextlib
import json
import os
import pty
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

from twisted.trial.unittest import SynchronousTestCase

from im.core.backends import SCOPES
from im.tap.statedir import NodeFile, read_node_file
from im.test.system.processes import BIN, PATIENCE_SECONDS, Process, ready_node, wait_for

FREE = "tcp:0:interface=127.0.0.1"
EVERY_SCOPE = [part for scope in SCOPES for part in ("--scope", scope)]
"""The options of a key that may everything."""


class Ended(NamedTuple):
    """A command that has ended."""

    status: int
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, Any]]:
        """Stdout, which must hold nothing but JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def record(self) -> dict[str, Any]:
        """Stdout, which must be one JSON document."""
        (record,) = self.records
        return record


def environment(**more: str) -> dict[str, str]:
    """Ours, without settings of im."""
    return {name: value for name, value in os.environ.items() if not name.startswith("IM_")} | more


def run_to_its_end(
    command: Sequence[str | Path], folder: Path, environ: Mapping[str, str], lines: bytes = b""
) -> Ended:
    """Run a command in a folder to its end; it reads `lines`."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment(**environ),
        input=lines,
        capture_output=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


def run(folder: Path, *argv: str, **environ: str) -> Ended:
    """Run `imctl` in a folder to its end."""
    return run_to_its_end([BIN / "imctl", *argv], folder, environ)


def start_node(
    case: SynchronousTestCase, folder: Path, state: Path, *options: str, **environ: str
) -> tuple[Process, NodeFile]:
    """A node on free ports, ready, and what it tells; it ends with the test.

    One that ran on the same state has ended. `options` come after those that all nodes here have.
    """
    former = read_node_file(state)
    places = [f"--state-dir={state}", f"--listen={FREE}", f"--http={FREE}", f"--admin={FREE}"]
    twistd: list[str | Path] = [BIN / "twistd", "-n", "--pidfile=", "im-gateway", "--users=open"]
    process = Process([*twistd, *places, *options], folder, **environ)
    case.addCleanup(process.end)
    return process, ready_node(state, process, former.pid if former is not None else 0)


class Live:
    """A running `imctl` whose stdin is ours to write on."""

    def __init__(self, case: "ImctlCase", *argv: str) -> None:
        self._path = case.folder / f"out-{'-'.join(argv).replace('/', '_')}"
        with self._path.open("wb") as out:
            self.process = subprocess.Popen(
                [BIN / "imctl", *argv],
                cwd=case.folder,
                env=environment(IM_STATE_DIR=str(case.state)),
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        case.addCleanup(self.end)

    @property
    def out(self) -> str:
        """What it wrote so far."""
        return self._path.read_text("utf-8")

    def say(self, line: str) -> None:
        """Write a line to it."""
        pipe: IO[bytes] | None = self.process.stdin
        assert pipe is not None
        pipe.write(f"{line}\n".encode())
        pipe.flush()

    def wait_for(self, *texts: str) -> None:
        """Wait until it wrote all of these."""
        wait_for(lambda: all(text in self.out for text in texts), f"{texts} in: {self.out}")

    def leave(self) -> int:
        """Close its stdin, and wait for its end."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(PATIENCE_SECONDS)

    def end(self) -> None:
        """Kill it if it still runs."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class Terminal:
    """A running `imctl` on a terminal of its own."""

    def __init__(self, case: "ImctlCase", *argv: str) -> None:
        command = [str(BIN / "imctl"), *argv]
        environ = environment(IM_STATE_DIR=str(case.state), TERM="xterm")
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            os.execve(command[0], command, environ)
        os.set_blocking(self._terminal, False)
        self._seen = b""
        self._status: int | None = None
        case.addCleanup(self.end)

    @property
    def seen(self) -> str:
        """All that was drawn so far."""
        self._read()
        return self._seen.decode("utf-8", "replace")

    def wait_for(self, text: str) -> None:
        """Wait until a text was drawn."""
        wait_for(lambda: text in self.seen, f"{text!r} in {self.seen!r}")

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._terminal, keys.encode())

    def wait(self) -> int:
        """Its status, once it has ended."""
        wait_for(self._has_ended, f"the end of {self.seen!r}")
        assert self._status is not None
        return self._status

    def end(self) -> None:
        """Kill it if it still runs."""
        if not self._has_ended():
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._terminal)

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # nothing to read now, or ever
            while data := os.read(self._terminal, 65_536):
                self._seen += data

    def _has_ended(self) -> bool:
        self._read()  # a full terminal would hold it
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
        return self._status is not None


class ImctlCase(SynchronousTestCase):
    """With a node that runs; `options` and `environ` are of it alone."""

    options: Sequence[str] = ()
    environ: Mapping[str, str] = {}

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()
        self.state = self.folder / "state"
        self.prepare()
        self.start_node()

    def prepare(self) -> None:
        """Put what the node needs into the folder."""

    def start_node(self) -> None:
        """Start a node, in the place of one that has ended."""
        self.node, self.told = start_node(self, self.folder, self.state, *self.options, **self.environ)

    def imctl(self, *argv: str) -> Ended:
        return run(self.folder, *argv, IM_STATE_DIR=str(self.state))

    def ok(self, *argv: str) -> Ended:
        ended = self.imctl(*argv)
        self.assertEqual((ended.status, ended.err), (0, ""), argv)
        return ended

    def make_key(self) -> str:
        """A key of a back end that may everything."""
        return str(self.ok("keys", "create", "shop", *EVERY_SCOPE, "--json").record["key"])

    def send(self, sender: str, to: str, text: str) -> dict[str, Any]:
        return self.ok("send", "--as", sender, "--to", to, text, "--json").record

    def tail(self, user: str, *options: str) -> list[str]:
        return [each["text"] for each in self.ok("tail", "--as", user, "--json", *options).records]

    def assert_fails(self, ended: Ended, status: int, code: str) -> str:
        self.assertEqual((ended.status, ended.out), (status, ""), ended.err)
        error = json.loads(ended.err)
        self.assertEqual((error["error"], error["status"]), (code, status))
        return str(error["text"])
