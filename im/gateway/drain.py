"""The end of a node's sessions, in waves: nobody is cut off, and not everybody comes back at once."""

from collections.abc import Callable, Iterable

from twisted.internet.defer import Deferred

from im.core.errors import Code, Refused
from im.gateway.connection import Connection
from im.gateway.settings import Chance
from im.gateway.ticker import TICK_SECONDS, Ticker

SESSIONS_PER_SECOND = 1_000
"""Told to move at this pace, as long as the time suffices."""

WAVES, WAITED, CLOSED = 0.5, 0.7, 0.9
"""Shares of the time: until the last is told, ends waiting for its sends, and is aborted."""


class Drain:
    """Ends connections: each is asked to stop, its requests are answered, then it is told to move."""

    def __init__(
        self, connections: Iterable[Connection], seconds: float, ticker: Ticker, random: Chance
    ) -> None:
        self._connections = connections
        self._seconds = seconds
        self._ticker = ticker
        self._random = random
        self._ends_at = ticker.now + round(seconds * WAITED / TICK_SECONDS)

    def start(self) -> Deferred[None]:
        """Begin; fires when the last connection has had its time."""
        connections = list(self._connections)
        spread = min(self._seconds * WAVES, len(connections) / SESSIONS_PER_SECOND)
        for connection in connections:
            self._ticker.after(self._random.uniform(0.0, spread), self._told(connection))
        done: Deferred[None] = Deferred()
        self._watch(done, self._ticker.now + round(self._seconds * CLOSED / TICK_SECONDS))
        return done

    def _told(self, connection: Connection) -> Callable[[], None]:
        def tell() -> None:
            connection.stop_reading()
            if connection.in_flight and self._ticker.now < self._ends_at:
                self._ticker.after(TICK_SECONDS, tell)
            else:
                retry_after_ms = self._random.randint(100, 2_000)
                connection.end(Refused(Code.DRAINING, "this node is going down", "", retry_after_ms))

        return tell

    def _watch(self, done: "Deferred[None]", last_tick: int) -> None:
        left = list(self._connections)
        if left and self._ticker.now >= last_tick:
            for connection in left:
                connection.abort()
            left = []
        if left:
            self._ticker.after(TICK_SECONDS, lambda: self._watch(done, last_tick))
        else:
            done.callback(None)
