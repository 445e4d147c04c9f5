"""A server of somebody else as a private process: its folder, its port, its log, its end."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

from im.tap.process import end_with_parent

_STARTED_WITHIN_SECONDS = 60.0
_STOPPED_WITHIN_SECONDS = 15.0
_POLL_SECONDS = 0.02


class MissingServerError(Exception):
    """A program isn't installed, or does not start: one sentence, with the package to install."""


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_listening(port: int) -> bool:
    """Whether anybody takes connections at a loopback port."""
    try:
        socket.create_connection(("127.0.0.1", port), 1.0).close()
    except OSError:
        return False
    return True


class ServerProcess(ABC):
    """A server that ends with this process, whatever ends it.

    Subclasses say how it is started and when it is ready. `folder` is its own, directly under /tmp so
    that another user can reach it; given one, it is kept at the end, and the server goes on with it.
    """

    name = ""
    package = ""
    stop_signal = signal.SIGTERM

    def __init__(self, folder: Path | None = None, port: int = 0) -> None:
        self._is_own_folder = folder is None
        self.folder = folder or Path(tempfile.mkdtemp(prefix=f"im-{self.name}-", dir="/tmp"))
        self.port = port or free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients find it."""

    @abstractmethod
    def command(self) -> Sequence[str]:
        """The command line, once the folder is there."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether it answers now."""

    def prepare(self) -> None:  # noqa: B027 # Most need nothing.
        """Put what it needs into its folder; called before each start."""

    def environment(self) -> Mapping[str, str]:
        """The variables of its environment."""
        return {**os.environ, "LC_ALL": "C.UTF-8"}

    def user(self) -> str:
        """The system's user that it runs as; "" for ours."""
        return ""

    @property
    def pid(self) -> int:
        """The running process. Raises `MissingServerError` if there is none."""
        if self._process is None:
            raise MissingServerError(f"{self.name} does not run")
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> Path:
        """All that it prints."""
        return self.folder / "log"

    def start(self) -> None:
        """Start, and wait until it is ready. Blocks. Raises `MissingServerError`.

        The kernel ends it with the thread that called this.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._give_to_user(self.folder)
        self.prepare()
        try:
            self._process = self._spawn(self.command())
        except FileNotFoundError as error:
            raise self.missing() from error
        deadline = time.monotonic() + _STARTED_WITHIN_SECONDS
        while not self.is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise MissingServerError(f"{self.name} does not start: {self._last_words()}")
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """End it in order; its folder goes along if it made it. Blocks. Idempotent."""
        if self._process is not None:
            self._process.send_signal(self.stop_signal)
            try:
                self._process.wait(_STOPPED_WITHIN_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
            self._process = None
        if self._is_own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def kill(self) -> None:
        """End it with SIGKILL; its folder stays for the next start."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """Let it stand still."""
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it run again."""
        os.kill(self.pid, signal.SIGCONT)

    def run(self, command: Sequence[str]) -> None:
        """Run a program of the server to its end. Raises `MissingServerError`."""
        try:
            process = self._spawn(command)
        except FileNotFoundError as error:
            raise self.missing() from error
        if process.wait():
            raise MissingServerError(f"{command[0]} failed: {self._last_words()}")

    def _spawn(self, command: Sequence[str]) -> "subprocess.Popen[bytes]":
        parent = os.getpid()
        user = self.user()
        group = pwd.getpwnam(user).pw_gid if user else None
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.environment(),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=user or None,
                group=group,
                extra_groups=[] if user else None,
                preexec_fn=lambda: _begin_under(parent),
            )

    def _give_to_user(self, path: Path) -> None:
        user = self.user()
        if user:
            entry = pwd.getpwnam(user)
            os.chown(path, entry.pw_uid, entry.pw_gid)

    def _last_words(self) -> str:
        lines = self.log.read_text("utf-8", "replace").strip().splitlines()
        return " / ".join(lines[-3:]) or "it says nothing"

    def missing(self) -> MissingServerError:
        """That the program isn't there."""
        return MissingServerError(f"{self.name} is not installed; run: sudo apt-get install {self.package}")


def _begin_under(parent: int) -> None:
    """Let this process take every signal, and end with the thread that made it."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    end_with_parent(parent)
