"""Tells sessions to look for what they may have missed: spread, so that not all of them sync at once."""

from collections.abc import Iterable

from im.core.sessions import State
from im.gateway.connection import Connection
from im.gateway.counters import Counters
from im.gateway.pool import Pool
from im.gateway.settings import Chance
from im.gateway.ticker import Ticker
from im.proto.sync_pb2 import Resync
from im.wire.codec import pack

SPREAD_SECONDS = 10.0
"""Within which sessions are told: less than half a heartbeat."""

NEAR_SECONDS = 0.2
"""For so few that it does no harm."""

FEW = 50
AGAIN_SECONDS = 1.0

_OVER = (State.CLOSING, State.CLOSED)
_LOOK = pack(Resync())


class Looks:
    """Tells the sessions of users, each at a moment of its own. A client syncs, and that finds all."""

    def __init__(self, pool: Pool, ticker: Ticker, random: Chance, counters: Counters) -> None:
        self._pool = pool
        self._counters = counters
        self._ticker = ticker
        self._random = random

    def tell(self, users: Iterable[str]) -> None:
        """Have all sessions look that these users have here now; later ones have looked at their login."""
        connections = [each for user in users for each in self._pool.of_user(user)]
        within = NEAR_SECONDS if len(connections) <= FEW else SPREAD_SECONDS
        for connection in connections:
            self._later(connection, self._random.uniform(0.0, within))

    def _later(self, connection: Connection, seconds: float) -> None:
        self._ticker.after(seconds, lambda: self._tell(connection))

    def _tell(self, connection: Connection) -> None:
        if connection.state in _OVER:
            return
        if connection.state is not State.ONLINE or connection.blocked_seconds:
            self._later(connection, AGAIN_SECONDS)
            return
        self._counters.resyncs += 1
        connection.send(_LOOK)
