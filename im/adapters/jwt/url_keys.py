"""The public keys at a URL: read at start, on a schedule, and when a token names an unknown one.

The last good keys count on while the URL hangs, is gone or holds rubbish, for `keep_seconds`.
"""

from collections.abc import Callable
from typing import NamedTuple

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from im.adapters.jwt.fetching import FetchError
from im.adapters.jwt.public_keys import PublicKeys, parse_keys

RETRY_SECONDS = 30.0
"""At most so often the URL is asked beside the schedule, and after a failure."""

WAIT_SECONDS = 3.0
"""A login waits no longer than this for keys."""


class Schedule(NamedTuple):
    """`refresh_seconds`: between reads; `keep_seconds`: from a good read to when its keys count no more."""

    refresh_seconds: float
    keep_seconds: float


class UrlKeys:
    """A `KeySource`. `fetch` gets the document, one at a time, in bounded time."""

    _log = Logger()

    def __init__(
        self, url: str, fetch: "Callable[[], Deferred[bytes]]", clock: IReactorTime, schedule: Schedule
    ) -> None:
        self._url = url
        self._fetch = fetch
        self._clock = clock
        self._schedule = schedule
        self._keys: PublicKeys | None = None
        self._read_at = 0.0
        self._asked_at = 0.0
        self._why_not = "they have not been read yet"
        self._fetching: Deferred[None] | None = None
        self._waiting: list[Deferred[bool]] = []
        self._timer: IDelayedCall | None = None
        self._is_running = False

    def keys(self) -> PublicKeys | None:
        """See `KeySource`."""
        is_old = self._clock.seconds() - self._read_at > self._schedule.keep_seconds
        return None if is_old else self._keys

    def look_again(self) -> "Deferred[bool]":
        """See `KeySource`."""
        if self._fetching is None:
            if not self._is_running or self._clock.seconds() - self._asked_at < RETRY_SECONDS:
                return succeed(not self._why_not)
            self._begin()
        return self._ended_reading()

    def problem(self) -> str:
        """See `KeySource`."""
        return "" if self.keys() is not None else f"there are no keys from {self._url}: {self._why_not}"

    def start(self) -> None:
        """See `KeySource`."""
        self._is_running = True
        self._begin()

    def stop(self) -> None:
        """See `KeySource`."""
        self._is_running = False
        self._cancel_timer()
        if self._fetching is not None:
            self._fetching.cancel()

    def reload(self) -> None:
        """See `KeySource`; what comes of it is logged."""
        if self._is_running and self._fetching is None:
            self._begin()

    def _ended_reading(self) -> "Deferred[bool]":
        """Fires when the read that is under way has ended, or with False when that takes too long."""
        if self._fetching is None:
            return succeed(not self._why_not)
        waiting: Deferred[bool] = Deferred()
        self._waiting.append(waiting)
        return waiting.addTimeout(WAIT_SECONDS, self._clock, lambda _, __: False)

    def _begin(self) -> None:
        self._cancel_timer()
        self._asked_at = self._clock.seconds()
        fetched = self._fetch().addCallback(self._take)
        fetching: Deferred[None] = fetched.addCallbacks(self._succeeded, self._failed)
        if not fetching.called:
            self._fetching = fetching
        fetching.addCallback(self._ended)

    def _take(self, content: bytes) -> None:
        self._keys = parse_keys(content)
        self._read_at = self._clock.seconds()

    def _succeeded(self, _: None) -> None:
        if self._why_not:
            self._log.info("the keys at {url} were read", url=self._url)
        self._why_not = ""

    def _failed(self, failure: Failure) -> None:
        if not self._is_running:
            return
        if not failure.check(FetchError, ValueError):
            self._log.failure("reading the keys at {url} failed", failure, url=self._url)
        why_not = failure.getErrorMessage()
        if why_not != self._why_not:
            self._log.warn(
                "the keys at {url} cannot be read: {why}; those of before stay", url=self._url, why=why_not
            )
        self._why_not = why_not

    def _ended(self, _: None) -> None:
        self._fetching = None
        if self._is_running:
            pause = self._schedule.refresh_seconds
            pause = min(pause, RETRY_SECONDS) if self._why_not else pause
            self._timer = self._clock.callLater(pause, self._due)
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(not self._why_not)

    def _due(self) -> None:
        self._timer = None
        self._begin()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
