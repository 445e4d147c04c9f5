"""Requests that wait for an answer: each has a time-out and is repeated (rule L3)."""

from collections.abc import Callable
from typing import NamedTuple

from google.protobuf.message import Message as Body

from im.client.core.events import Answered, AppBody, Effects, Refusal, RequestRefused, RequestTimedOut
from im.client.core.timing import Jitter, Timing

NextId = Callable[[], int]


class Outcome(NamedTuple):
    """What the core itself does with an answer or a final refusal of its own request."""

    answered: Callable[[Body, float], None]
    refused: Callable[[Refusal, float], None]


class _Pending:
    """One request. `outcome` None: a request of the front, told by events; it outlives connections."""

    __slots__ = ("expires_at", "failures", "frame", "outcome", "retry_at")

    def __init__(self, frame: bytes, retry_at: float, expires_at: float, outcome: Outcome | None) -> None:
        self.frame = frame
        self.retry_at = retry_at
        self.expires_at = expires_at
        self.outcome = outcome
        self.failures = 0


class Requests:
    """The table of requests on their way. A repetition keeps its id, so that a late answer counts, too."""

    def __init__(self, effects: Effects, timing: Timing, jitter: Jitter) -> None:
        self._effects = effects
        self._timing = timing
        self._jitter = jitter
        self._pending: dict[int, _Pending] = {}
        self._is_online = False

    def ask(self, request: int, frame: bytes, now: float, outcome: Outcome | None = None) -> None:
        """Send an envelope whose id is `request` and watch for its answer.

        An empty frame is only watched: it stands for something that is answered in another way.
        """
        expires_at = now + self._timing.give_up if outcome is None else float("inf")
        pending = _Pending(frame, now + self._timing.answer, expires_at, outcome)
        self._pending[request] = pending
        if self._is_online and frame:
            self._effects.frames.append(frame)

    def answered(self, request: int, body: Body | None, now: float) -> bool:
        """An answer came; false: nobody waits for it (any more)."""
        pending = self._pending.pop(request, None)
        if pending is None:
            return False
        if pending.outcome is None:
            self._effects.events.append(Answered(request, body))
        elif body is not None:
            pending.outcome.answered(body, now)
        return True

    def answered_by_app(self, request: int, body: AppBody) -> None:
        """An answer of an app's type came; only the front asks for those."""
        pending = self._pending.get(request)
        if pending is not None and pending.outcome is None:
            del self._pending[request]
            self._effects.events.append(Answered(request, body))

    def refused(self, request: int, refusal: Refusal, now: float) -> bool:
        """A refusal came: final, or for the moment. False: nobody waits for it."""
        pending = self._pending.get(request)
        if pending is None:
            return False
        if refusal.retryable:
            pending.failures += 1
            wait = self._timing.backoff(pending.failures, self._jitter())
            pending.retry_at = now + max(wait, refusal.retry_after)
            return True
        del self._pending[request]
        if pending.outcome is None:
            self._effects.events.append(RequestRefused(request, refusal))
        else:
            pending.outcome.refused(refusal, now)
        return True

    def online(self, now: float) -> None:
        """A session stands: ask again what has no answer."""
        self._is_online = True
        for pending in self._pending.values():
            self._send(pending, now)

    def offline(self) -> None:
        """The session is over: the core's own requests end with it, the front's wait for the next."""
        self._is_online = False
        self._pending = {key: each for key, each in self._pending.items() if each.outcome is None}

    def tick(self, now: float) -> None:
        """Give up what is too old, and repeat what is due."""
        for request, pending in list(self._pending.items()):
            if pending.expires_at <= now:
                del self._pending[request]
                self._effects.events.append(RequestTimedOut(request))
            elif pending.retry_at <= now:
                self._send(pending, now)

    def deadline(self) -> float:
        """When `tick` is needed next."""
        due = float("inf")
        for pending in self._pending.values():
            due = min(due, pending.expires_at, pending.retry_at if self._is_online else due)
        return due

    def _send(self, pending: _Pending, now: float) -> None:
        pending.retry_at = now + self._timing.answer
        if self._is_online and pending.frame:
            self._effects.frames.append(pending.frame)
