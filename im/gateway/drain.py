"""The end of a node's sessions, in waves: nobody is cut off, and not everybody comes back at once."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

from twisted.internet.defer import Deferred

from im.core.errors import Code, Refused
from im.gateway.connection import Connection
from im.gateway.requests import Requests
from im.gateway.settings import Alternate, Chance, nowhere
from im.gateway.ticker import TICK_SECONDS, Ticker

SESSIONS_PER_SECOND = 1_000
"""Told to move at this pace, as long as the time suffices."""

WAVES, WAITED, CLOSED = 0.5, 0.7, 0.85
"""Shares of the time: until the last is told, ends waiting for its sends, and is aborted."""


class DrainTimes(NamedTuple):
    """How long a drain may take at most, what spreads it, and where a session goes: an address, or ""."""

    ticker: Ticker
    seconds: float
    random: Chance
    alternate: Alternate = nowhere


class Unwritten(Protocol):
    """What waits to be written, and how many of it."""

    def __len__(self) -> int:
        """How many wait."""

    def flush(self) -> None:
        """Write what waits, as much as may be."""


class Drain:
    """Ends connections: each stops reading, its requests are answered, then it is told to move.

    `connections` is a live view: a connection leaves it when it is closed.
    """

    def __init__(
        self,
        connections: Iterable[Connection],
        requests: Requests,
        unwritten: Sequence[Unwritten],
        times: DrainTimes,
    ) -> None:
        self._connections = connections
        self._requests = requests
        self._unwritten = unwritten
        self._ticker, self._seconds, self._random, self._alternate = times
        self._waited_at = self._share(WAITED)
        self._closed_at = self._share(CLOSED)
        self._ends_at = self._share(1.0)
        self._done: Deferred[None] = Deferred()

    def start(self) -> Deferred[None]:
        """Begin; fires when all are closed and the last of `unwritten` written, or when the time is over."""
        connections = list(self._connections)
        spread = min(self._seconds * WAVES, len(connections) / SESSIONS_PER_SECOND)
        for connection in connections:
            self._ticker.after(self._random.uniform(0.0, spread), self._teller(connection))
        self._watch()
        return self._done

    def _share(self, share: float) -> int:
        return self._ticker.now + int(self._seconds * share / TICK_SECONDS)

    def _teller(self, connection: Connection) -> Callable[[], None]:
        def tell() -> None:
            connection.stop_reading()
            if connection.in_flight and self._ticker.now < self._waited_at:
                self._ticker.after(TICK_SECONDS, tell)
            else:
                retry_after_ms = self._random.randint(100, 2_000)
                session = connection.session
                alternate = "" if session is None else self._alternate(session)
                text = "this node is going down"
                connection.end(Refused(Code.DRAINING, text, "", retry_after_ms, alternate=alternate))

        return tell

    def _watch(self) -> None:
        left = list(self._connections)
        now = self._ticker.now
        if left and now >= self._closed_at:
            for connection in left:
                connection.abort()
        if not left:
            for each in self._unwritten:
                each.flush()
        if now >= self._ends_at or not (left or any(map(len, self._unwritten)) or self._requests):
            self._done.callback(None)
        else:
            self._ticker.at(now + 1, self._watch)
