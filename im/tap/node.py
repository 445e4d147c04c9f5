"""The service that twistd starts and stops: one node, from its configuration to `node.json`."""

import errno
import os
from collections.abc import Callable
from typing import Protocol

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.defer import TimeoutError as DeferredTimeoutError
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from im.tap.config import Config
from im.tap.statedir import NodeFile, remove_node_file, write_node_file
from im.tap.systemd import READY, STOPPING

STOP_GRACE_SECONDS = 2.0
"""How much longer than `drain_seconds` a stop may take before the process ends without it."""


class StartError(Exception):
    """The node cannot start: one sentence with the fix."""


class Parts(Protocol):
    """All parts of one node, composed."""

    async def start(self) -> NodeFile:
        """Open the store, listen, and tell where.

        Raises `StartError`, OSError, or Twisted's CannotListenError.
        """

    async def stop(self) -> None:
        """Take no new clients, let those there finish within `drain_seconds`, close what `start` opened."""

    def reload(self) -> None:
        """Read the files of signing keys and certificates again.

        Raises ValueError for one that cannot be used; what it held before stays in use.
        """


Build = Callable[[Callable[[str], None]], Parts]
"""Composes the parts, when the process is the one that runs them; the argument ends it, saying why."""


class NodeService(Service):
    """Builds, starts and stops the parts; a start that fails ends the process through `fail`.

    `notify` tells the supervisor: `im.tap.systemd.READY`, when `node.json` is there, and `STOPPING`.
    """

    log = Logger()

    def __init__(
        self,
        config: Config,
        clock: IReactorTime,
        build: Build,
        fail: Callable[[str], None],
        notify: Callable[[str], None],
    ) -> None:
        self.setName("im-gateway")
        self._config = config
        self._clock = clock
        self._build = build
        self._parts: Parts | None = None
        self._fail = fail
        self._notify = notify
        self._starting: Deferred[None] = succeed(None)

    def startService(self) -> None:
        """Begin to start; `node.json` appears when clients may connect."""
        super().startService()
        self._starting = Deferred.fromCoroutine(self._start())
        self._starting.addErrback(self._start_failed)

    async def _start(self) -> None:
        self._parts = self._build(self.end)
        told = await self._parts.start()
        write_node_file(self._config.state_dir, told)
        self._notify(READY)
        self.log.info(
            "node {node} {version} is ready on {addresses}",
            node=told.node,
            version=told.version,
            addresses=" ".join((*told.listen, told.http, told.admin)).strip(),
        )

    def _start_failed(self, failure: Failure) -> None:
        if failure.check(CancelledError):
            return
        error = failure.value
        if isinstance(error, StartError | OSError | CannotListenError):
            self.end(sentence(error))
        else:
            self.log.failure("the node could not start", failure)
            self._fail(f"it could not start: {failure.getErrorMessage()}; the log has the details.")

    def end(self, why: str) -> None:
        """End the process with status 1: an error after which it must not go on."""
        self.log.critical("{why}", why=why)
        self._fail(why)

    def reload(self) -> None:
        """Read keys and certificates again, as SIGHUP asks."""
        if self._parts is None:
            return
        problem = ""
        try:
            self._parts.reload()
        except ValueError as error:
            problem = str(error)
        if problem:
            self.log.error("a key or certificate stays as it was: {problem}", problem=problem)
        else:
            self.log.info("keys and certificates were read again")

    def stopService(self) -> Deferred[None]:
        """Drain and close; fires within `drain_seconds` and a little, whatever the parts do."""
        super().stopService()
        self._starting.cancel()
        if self._parts is None:
            return succeed(None)
        self._notify(STOPPING)
        stopping = Deferred.fromCoroutine(self._parts.stop())
        stopping.addTimeout(self._config.limits.drain_seconds + STOP_GRACE_SECONDS, self._clock)
        stopping.addErrback(self._stop_failed)
        return stopping.addCallback(self._stopped)

    def _stop_failed(self, failure: Failure) -> None:
        if failure.check(DeferredTimeoutError):
            self.log.warn("the node did not drain in time; it ends all the same")
        else:
            self.log.failure("the node did not stop cleanly", failure)

    def _stopped(self, _: None) -> None:
        remove_node_file(self._config.state_dir, os.getpid())
        self.log.info("node {node} has ended", node=self._config.node)


def sentence(error: BaseException) -> str:
    """What an operator can do about an error of a start."""
    if isinstance(error, CannotListenError):
        place = f"{error.interface or '*'}:{error.port}"
        reason = getattr(error.socketError, "strerror", None) or str(error.socketError)
        is_taken = getattr(error.socketError, "errno", None) == errno.EADDRINUSE
        fix = "end what uses it, or choose another endpoint" if is_taken else "choose another endpoint"
        return f"cannot listen on {place} ({reason}); {fix}."
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}; change its rights, or choose another --state-dir."
    return str(error)
