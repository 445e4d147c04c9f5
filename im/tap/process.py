"""What the process as a whole does: end with a status, end with its supervisor."""

import ctypes
import gc
import os
import resource
import signal
import sys
from collections.abc import Mapping

from twisted.internet.error import ReactorNotRunning
from twisted.internet.interfaces import IReactorCore, IReactorFromThreads, IReactorTCP, IReactorTime

_PR_SET_PDEATHSIG = 1
_GARBAGE_THRESHOLD = 20_000


class INodeReactor(IReactorCore, IReactorFromThreads, IReactorTCP, IReactorTime):
    """What a node needs of the reactor."""


class Exit:
    """Ends the process with status 1 through an orderly stop of the reactor.

    `twistd` itself always returns 0 after the reactor stopped, so the last trigger of the shutdown
    ends the process. Only the first sentence counts.
    """

    def __init__(self, reactor: IReactorCore, program: str = "im-gateway") -> None:
        self._reactor = reactor
        self._program = program
        self._has_failed = False

    def fail(self, sentence: str) -> None:
        """Say why on stderr, stop, and end with status 1."""
        if self._has_failed:
            return
        self._has_failed = True
        stderr = sys.__stderr__ or sys.stderr
        print(f"{self._program}: {sentence}", file=stderr, flush=True)
        self._reactor.addSystemEventTrigger("after", "shutdown", _end_with_status_1)
        self._reactor.callWhenRunning(self._stop)

    def _stop(self) -> None:
        try:
            self._reactor.stop()
        except ReactorNotRunning:
            return  # A signal was faster; its shutdown runs our trigger, too.


def _end_with_status_1() -> None:
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is not None:
            stream.flush()
    os._exit(1)


def end_with_parent(parent: int) -> None:
    """Let the kernel kill this process when its parent, of this pid, ends; exit if it already has."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit(1)


def end_with_supervisor(environ: Mapping[str, str]) -> None:
    """Do so if a supervisor of ours started this process; it says its pid in IM_SUPERVISED."""
    supervisor = environ.get("IM_SUPERVISED", "")
    if supervisor.isdigit():
        end_with_parent(int(supervisor))


def allow_many_files() -> None:
    """Let this process have as many connections as the system allows it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def collect_rarely() -> None:
    """Let the garbage collector look less often, and never at what is there now.

    A batch makes and drops thousands of objects without a cycle; with Python's own threshold of 700
    the collector took a tenth of a busy node's time.
    """
    gc.freeze()
    gc.set_threshold(_GARBAGE_THRESHOLD, 20, 20)
