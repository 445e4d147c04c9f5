"""Which workers live, as the registry's leases say."""

from collections.abc import Sequence

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from im.adapters.redis.connection import RedisConnection
from im.adapters.redis.layout import Keys
from im.ports import UnavailableError
from im.tap.storing import now_ms

LOOK_SECONDS = 1.0
_LIVE = "return redis.call('ZRANGEBYSCORE', KEYS[1], ARGV[1], '+inf')"


class LiveWorkers:
    """Looks once a second, from `start` to `stop`. `names` is what was seen last.

    Earlier incarnations of `worker` are over, whatever their leases say: it need not wait for their shards.
    """

    def __init__(self, worker: str, connection: RedisConnection, keys: Keys, clock: IReactorTime) -> None:
        self._worker = worker
        self._connection = connection
        self._keys = keys
        self._clock = clock
        self._looking: IDelayedCall | None = None
        self.names: Sequence[str] = ()

    def start(self) -> None:
        """Begin."""
        self._look()

    def stop(self) -> None:
        """End. Idempotent."""
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None

    def _look(self) -> None:
        self._looking = self._clock.callLater(LOOK_SECONDS, self._look)
        asked: Deferred[list[bytes]] = self._connection.call(_LIVE, [self._keys.workers], [str(now_ms())])
        asked.addCallbacks(self._seen, self._not_seen)

    def _seen(self, workers: list[bytes]) -> None:
        self.names = without_earlier(self._worker, [each.decode() for each in workers])

    def _not_seen(self, failure: Failure) -> None:
        failure.trap(UnavailableError)  # Who was there is taken to be there still.


def without_earlier(worker: str, names: Sequence[str]) -> list[str]:
    """The incarnations of others, and `worker` if it is there."""
    node = worker.rpartition("-")[0]
    return [each for each in names if each == worker or each.rpartition("-")[0] != node]
