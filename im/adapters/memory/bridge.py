"""The business bridge within one process: batches requests by nature, one batch on its way."""

from collections import deque
from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from zope.interface import implementer

from im.core.commands import WRITES, Request
from im.ports import IBusinessBridge

PACE_SECONDS = 0.002
"""From one commit to the next batch: saves 32 µs a message at half load."""

CROWD = 4
"""A batch of fewer was no crowd, and the next one need not wait for more: two who chat are not slowed."""

FULL_BATCH = 64
"""With so many requests waiting there is nothing to gain by pacing."""

MAX_WAITING = 20_000
"""So many requests wait behind a batch that hangs; those beyond get no result."""

Execute = Callable[[list[Request]], "Deferred[None]"]


@implementer(IBusinessBridge)
class MemoryBridge:
    """Hands what came in during one batch to `execute` as the next one.

    `execute` answers over the node bus and fires when the next batch may come; it never fails.
    """

    def __init__(self, clock: IReactorTime, execute: Execute, batch_requests: int) -> None:
        self._clock = clock
        self._execute = execute
        self._batch_requests = batch_requests
        self._waiting: deque[Request] = deque()
        self._is_busy = False
        self._is_stopped = False
        self._pace_ends = 0.0
        self._timer: IDelayedCall | None = None

    def __len__(self) -> int:
        """How many requests wait for the next batch."""
        return len(self._waiting)

    def submit(self, request: Request) -> None:
        """See `IBusinessBridge`. A query waits for no batch, also while a COMMIT hangs."""
        if not isinstance(request.command, WRITES):
            if not self._is_stopped:
                self._execute([request])
            return
        if len(self._waiting) >= MAX_WAITING:
            return  # whoever asked has a time-out, and its retries must not pile up here
        self._waiting.append(request)
        if not self._is_busy:
            self._schedule()

    def stop(self) -> None:
        """Take no more batches up; what waits gets no result, as when a process ends."""
        self._is_stopped = self._is_busy = True
        self._waiting.clear()
        self._cancel_timer()

    def _schedule(self) -> None:
        if len(self._waiting) >= FULL_BATCH:
            self._cancel_timer()
            self._flush()
        elif self._timer is None:
            # Even without a pause the rest of this reactor turn comes along in the same batch.
            pause = max(0.0, min(PACE_SECONDS, self._pace_ends - self._clock.seconds()))
            self._timer = self._clock.callLater(pause, self._paced)

    def _paced(self) -> None:
        self._timer = None
        self._flush()

    def _flush(self) -> None:
        waiting = self._waiting
        batch = [waiting.popleft() for _ in range(min(len(waiting), self._batch_requests))]
        self._is_busy = True
        self._execute(batch).addCallback(self._executed, len(batch))

    def _executed(self, _: None, size: int) -> None:
        self._is_busy = False
        if size >= CROWD:
            self._pace_ends = self._clock.seconds() + PACE_SECONDS
        if self._waiting:
            self._schedule()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
