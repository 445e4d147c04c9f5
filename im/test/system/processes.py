"""Real processes in tests: started with a clean environment, waited for, never left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from im.tap.statedir import NodeFile, read_node_file

ROOT = Path(__file__).resolve().parents[3]
BIN = Path(sys.executable).parent
PATIENCE_SECONDS = 30.0
"""For a condition that a loaded machine may take long to reach."""


class Process:
    """A process in a group of its own; what it writes is in two files."""

    def __init__(self, command: Sequence[str | Path], folder: Path, **environ: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("IM_", "PYTHON"))}
        stamp = f"{time.monotonic_ns()}"
        self._paths = [folder / f"{kind}-{stamp}" for kind in ("out", "err")]
        with self._paths[0].open("wb") as out, self._paths[1].open("wb") as err:
            self._popen = subprocess.Popen(
                command,
                cwd=folder,
                env=kept | environ,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                process_group=0,
            )
        self.pid = self._popen.pid

    @property
    def out(self) -> str:
        """What it wrote to stdout so far."""
        return self._paths[0].read_text("utf-8")

    @property
    def err(self) -> str:
        """What it wrote to stderr so far."""
        return self._paths[1].read_text("utf-8")

    @property
    def has_ended(self) -> bool:
        """Whether it has ended."""
        return self._popen.poll() is not None

    def wait(self) -> int:
        """Its status, once it has ended; fails if it does not."""
        wait_for(lambda: self.has_ended, f"the end of {self._popen.args!r}: {self.out}{self.err}")
        return self._popen.wait()

    def send(self, number: signal.Signals, to_group: bool = False) -> None:
        """Send a signal to it, or to its whole group."""
        (os.killpg if to_group else os.kill)(self.pid, number)

    def end(self) -> None:
        """Kill it if it still runs; its children die with it. For cleaning up."""
        if not self.has_ended:
            self._popen.kill()
            self._popen.wait()


def wait_for(is_true: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until a condition holds; fails naming `what` when it takes too long."""
    ends_at = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > ends_at:
            raise AssertionError(f"waited {seconds:g} s in vain for {what}")
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether a process lives and is no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in ("Z", "X")


def ready_node(folder: Path, process: Process, not_pid: int = 0) -> NodeFile:
    """What the node of a state folder tells once it is ready; `not_pid`: another than this one."""

    def is_ready() -> bool:
        if process.has_ended:
            raise AssertionError(f"it ended before it was ready: {process.out}{process.err}")
        told = read_node_file(folder)
        return told is not None and told.pid != not_pid and is_alive(told.pid)

    wait_for(is_ready, "a ready node")
    told = read_node_file(folder)
    assert told is not None
    return told
