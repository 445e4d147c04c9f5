"""Removes what dead nodes have left. Only tidy: nothing of it counts without a lease of its generation."""

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from im.adapters.redis import scripts
from im.adapters.redis.connection import RedisConnection
from im.adapters.redis.layout import Keys
from im.ports import UnavailableError

SWEEP_SECONDS = 600.0
KEYS_A_PAGE = 200
"""About half a millisecond of Redis."""

_PAUSE_SECONDS = 0.01
_TURN_MS = 590_000


class Sweeper:
    """Sweeps every ten minutes from `start` to `stop`, unless another one of the cluster has done so."""

    def __init__(self, connection: RedisConnection, keys: Keys, clock: IReactorTime) -> None:
        self._connection = connection
        self._keys = keys
        self._clock = clock
        self._next: IDelayedCall | None = None
        self._running: Deferred[None] = succeed(None)

    def start(self) -> None:
        """Sweep from now on."""
        self._later(None)

    def stop(self) -> None:
        """Sweep no more; one that goes on is left unfinished. Idempotent."""
        if self._next is not None:
            self._next.cancel()
            self._next = None
        self._running.cancel()

    async def take_turn(self) -> int:
        """Sweep, unless another one did so within the last ten minutes; returns how much was removed.

        Raises `UnavailableError`.
        """
        if await self._connection.call(scripts.TAKE_TURN, [self._keys.sweep], [str(_TURN_MS)]) is None:
            return 0
        users = await self._sweep(self._keys.all_users, scripts.SWEEP)
        return users + await self._sweep(self._keys.all_audiences, scripts.SWEEP_AUDIENCES)

    async def _sweep(self, pattern: str, script: str) -> int:
        removed, cursor = 0, "0"
        while True:
            raw, keys = await self._connection.scan(cursor, pattern, KEYS_A_PAGE)
            if keys:
                names = [key.decode() for key in keys]
                removed += int(await self._connection.call(script, names, [self._keys.lease_prefix]))
            cursor = raw.decode()
            if cursor == "0":
                return removed
            await deferLater(self._clock, _PAUSE_SECONDS)

    def _later(self, _: object) -> None:
        self._next = self._clock.callLater(SWEEP_SECONDS, self._begin)

    def _begin(self) -> None:
        self._next = None
        self._running = Deferred.fromCoroutine(self._take_turn())
        self._running.addCallbacks(self._later, self._not_swept)

    async def _take_turn(self) -> None:
        await self.take_turn()

    def _not_swept(self, failure: Failure) -> None:
        if failure.trap(UnavailableError, CancelledError) is UnavailableError:
            self._later(None)
