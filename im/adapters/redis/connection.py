"""One pipelined connection to Redis: its calls keep their order, fail in time, and come back by themselves.

txredisapi queues what is called while Redis is away and tells nothing of it, so each call has a
time-out. A call without an answer takes the connection along: what waits behind it would else pile up,
and be done long after it was given up. The library takes the global reactor: this is not for fake clocks.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar
from urllib.parse import unquote, urlsplit

import txredisapi
from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import ConnectionClosed
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.internet.ssl import optionsForClientTLS
from twisted.python.failure import Failure

from im.adapters.sentences import sentence, tls_sentence
from im.ports import UnavailableError

T = TypeVar("T")
CALL_SECONDS = 2.0
_PORT = 6379
_TROUBLE = (TimeoutError, txredisapi.RedisError, ConnectionClosed, OSError)


class Place(NamedTuple):
    """Where a Redis is, as a URL says it: `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]`, or `rediss:`."""

    host: str
    port: int
    database: int
    user: str | None
    password: str | None
    is_tls: bool


def place_of(url: str) -> Place:
    """Read a URL. Raises ValueError, one sentence without the password."""
    parts = urlsplit(url)
    database = parts.path.strip("/") or "0"
    if parts.scheme not in ("redis", "rediss") or not parts.hostname or not database.isdecimal():
        raise ValueError("the URL of Redis must be like redis://:PASSWORD@HOST:6379/0")
    user = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password else None
    try:
        port = parts.port or _PORT
    except ValueError:
        raise ValueError("the URL of Redis has no valid port") from None
    return Place(parts.hostname, port, int(database), user, password, parts.scheme == "rediss")


class _Protocol(txredisapi.RedisProtocol):  # type: ignore[misc]
    """Logs in by itself: the library would give up for ever where that fails, and it may heal."""

    def connectionMade(self) -> "Deferred[None]":
        self.transport.setTcpNoDelay(True)
        return Deferred.fromCoroutine(self._log_in())

    async def _log_in(self) -> None:
        place: Place = self.factory.place
        clock: IReactorTime = self.factory.clock
        try:
            if place.password is not None:
                await self.auth(place.password, place.user).addTimeout(CALL_SECONDS, clock)
            await self.select(place.database).addTimeout(CALL_SECONDS, clock)
        except TimeoutError:
            self.transport.abortConnection()
            return
        except txredisapi.ConnectionError:
            return
        except (txredisapi.RedisError, OSError, UnicodeError) as error:
            self.factory.refused = f"Redis at {place.host}:{place.port} does not let us in: {error}"
            self.transport.loseConnection()
            return
        self.factory.refused = ""
        await super().connectionMade()

    def connectionLost(self, why: Failure) -> None:
        if not why.check(ConnectionClosed):
            place: Place = self.factory.place
            problem = tls_sentence(why.value)
            self.factory.refused = f"Redis at {place.host}:{place.port} is not trusted: {problem}"
        super().connectionLost(why)


class _Factory(txredisapi.RedisFactory):  # type: ignore[misc]
    protocol = _Protocol
    initialDelay = 0.1
    maxDelay = 2.0

    def __init__(self, place: Place, clock: IReactorTime) -> None:
        name = f"{place.host}:{place.port}"
        super().__init__(name, None, 1, isLazy=True, charset=None, convertNumbers=False)
        self.place = place
        self.clock = clock
        self.refused = ""


class RedisConnection:
    """Calls that fail with `UnavailableError`, one sentence: `problem` keeps it until one succeeds."""

    def __init__(self, place: Place, reactor: IReactorTime) -> None:
        self._place = place
        self._clock = reactor
        self.problem = f"Redis at {place.host}:{place.port} was not reached yet"
        self._factory = _Factory(place, reactor)
        endpoint: IStreamClientEndpoint = HostnameEndpoint(
            reactor, place.host, place.port, timeout=CALL_SECONDS
        )
        if place.is_tls:
            endpoint = wrapClientTLS(optionsForClientTLS(place.host), endpoint)
        self._factory.startConnecting(endpoint)
        self._pool: Any = self._factory.handler

    def call(self, script: str, keys: Sequence[str], arguments: Sequence[str]) -> "Deferred[Any]":
        """Run a script; it is sent once, and known by its hash after that."""
        return self._within(self._pool.eval(script, list(keys), list(arguments)))

    def values(self, keys: Sequence[str]) -> "Deferred[list[bytes | None]]":
        """The values of keys, aligned."""
        return self._within(self._pool.mget(list(keys)))

    def scan(self, cursor: str, pattern: str, count: int) -> "Deferred[list[Any]]":
        """A next cursor, and some keys."""
        return self._within(self._pool.execute_command("SCAN", cursor, "MATCH", pattern, "COUNT", str(count)))

    def close(self) -> "Deferred[None]":
        """Let go of Redis."""
        closing: Deferred[None] = self._pool.disconnect()
        return closing

    def _within(self, calling: "Deferred[T]") -> "Deferred[T]":
        calling.addTimeout(CALL_SECONDS, self._clock)
        return calling.addCallbacks(self._answered, self._failed)

    def _answered(self, answer: T) -> T:
        self.problem = ""
        return answer

    def _failed(self, failure: Failure) -> Failure:
        failure.trap(*_TROUBLE)
        where = f"Redis at {self._place.host}:{self._place.port}"
        error = failure.value
        if isinstance(error, TimeoutError):
            self.problem = self._factory.refused or f"{where} does not answer"
            for each in list(self._factory.pool):
                each.transport.abortConnection()
        else:
            self.problem = f"{where}: {sentence(error)}"
        return Failure(UnavailableError(self.problem))
