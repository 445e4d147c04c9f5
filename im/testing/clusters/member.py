"""One process of ours in a cluster: a worker or a node, in a state folder of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from im.tap.statedir import NodeFile, read_node_file
from im.tap.supervisor import ANY_FREE_PORT, pinned

_STOPPED_WITHIN_SECONDS = 15.0


class Member:
    """`twistd im-business` or `twistd im-gateway`; it keeps its ports when it is started again."""

    def __init__(self, name: str, program: str, folder: Path, environ: Mapping[str, str]) -> None:
        self.name = name
        self._program = program
        self.folder = folder
        self._environ = environ
        self._endpoints = {"--http": ANY_FREE_PORT, "--admin": ANY_FREE_PORT}
        if self.is_gateway:
            self._endpoints["--listen"] = ANY_FREE_PORT
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_gateway(self) -> bool:
        """Whether clients connect to it."""
        return self._program == "im-gateway"

    @property
    def told(self) -> NodeFile | None:
        """What it tells once it listens; None before."""
        told = read_node_file(self.folder)
        process = self._process
        return told if told is not None and process is not None and told.pid == process.pid else None

    @property
    def is_running(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Of its process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start its process; it dies with ours."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        twistd = Path(sys.executable).with_name("twistd")
        options = [each for pair in self._endpoints.items() for each in pair]
        self._process = subprocess.Popen(
            [
                sys.executable,
                str(twistd),
                "-n",
                "--pidfile=",
                f"--logfile={self.folder / 'node.log'}",
                self._program,
                *("--state-dir", str(self.folder), "--node", self.name),
                *options,
            ],
            env={**self._environ, "IM_SUPERVISED": str(os.getpid())},
            stdin=subprocess.DEVNULL,
            process_group=0,
            preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, ()),
        )

    def pin(self) -> None:
        """Keep the ports that it got, so that clients find it again."""
        told = self.told
        if told is None:
            return
        places = {"--http": told.http, "--admin": told.admin, "--listen": next(iter(told.listen), "")}
        for option, endpoint in self._endpoints.items():
            self._endpoints[option] = pinned(endpoint, places[option])

    def signal(self, number: int) -> None:
        """Send its process a signal."""
        os.kill(self.pid, number)

    def stop(self) -> None:
        """End it in order. Blocks. Idempotent."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        process.send_signal(signal.SIGCONT)
        try:
            process.wait(_STOPPED_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
