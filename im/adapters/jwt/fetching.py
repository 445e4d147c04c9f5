"""One GET of a small document: bounded in time and in size, no redirect followed, no proxy used."""

from typing import Any

from OpenSSL.SSL import Error as SslError
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectError, ConnectionClosed, DNSLookupError
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import (
    Agent,
    BrowserLikePolicyForHTTPS,
    HTTPConnectionPool,
    RequestTransmissionFailed,
    ResponseDone,
    ResponseFailed,
)
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers

CONNECT_SECONDS = 5.0
FETCH_SECONDS = 10.0

_HEADERS = Headers({"Accept": ["application/jwk-set+json, application/json"], "User-Agent": ["im-gateway"]})


_EXPECTED = (ConnectError, ConnectionClosed, DNSLookupError, SslError)


class FetchError(Exception):
    """The document could not be had; the text says why."""


class Fetcher:
    """Fetches one URL over a connection of its own. `reactor` connects, resolves and keeps time."""

    def __init__(self, reactor: Any, url: str, max_bytes: int) -> None:
        self._reactor = reactor
        self._url = url.encode()
        self._max_bytes = max_bytes
        self._policy = BrowserLikePolicyForHTTPS()

    def __call__(self) -> "Deferred[bytes]":
        """GET it. Fails with `FetchError` within `FETCH_SECONDS`; cancelling closes the connection."""
        fetching = Deferred.fromCoroutine(self._fetch())
        fetching.addErrback(_explained)
        return fetching.addTimeout(FETCH_SECONDS, self._reactor, _late)

    async def _fetch(self) -> bytes:
        pool = _OnePool(self._reactor)
        agent = Agent(self._reactor, self._policy, CONNECT_SECONDS, pool=pool)
        response = await agent.request(b"GET", self._url, _HEADERS)
        try:
            if response.code != 200:
                raise FetchError(f"it answered with HTTP status {response.code}")
            body = _Body(self._max_bytes)
            response.deliverBody(body)
            return await body.done
        finally:
            pool.abort()


class _OnePool(HTTPConnectionPool):
    """Makes one connection and can cut it off; what Agent hands out can't."""

    _connection: Any = None

    def __init__(self, reactor: Any) -> None:
        super().__init__(reactor, persistent=False)  # type: ignore[no-untyped-call]

    def getConnection(self, key: Any, endpoint: Any) -> "Deferred[Any]":
        """Make it."""
        connecting: Deferred[Any] = super().getConnection(key, endpoint)
        return connecting.addCallback(self._keep)

    def abort(self) -> None:
        """Cut it off."""
        if self._connection is not None:
            self._connection.transport.abortConnection()

    def _keep(self, connection: Any) -> Any:
        self._connection = connection
        return connection


class _Body(Protocol):
    """Gathers a body of at most `max_bytes`; `done` fires once, and what comes after that is dropped."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._gathered = b""
        self.done: Deferred[bytes] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        """Take a piece."""
        if self.done.called:
            return
        self._gathered += data
        if len(self._gathered) > self._max_bytes:
            self.done.errback(FetchError(f"it is larger than {self._max_bytes} bytes"))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Take the end."""
        if self.done.called:
            return
        if reason.check(ResponseDone, PotentialDataLoss):
            self.done.callback(self._gathered)
        else:
            self.done.errback(reason)


def _late(_: object, seconds: float) -> bytes:
    raise FetchError(f"it did not answer within {seconds:g} s")


def _explained(failure: Failure) -> Failure:
    """What is expected to go wrong, as a `FetchError`."""
    error = failure.value
    while isinstance(error, ResponseFailed | RequestTransmissionFailed):
        error = error.reasons[0].value
    if isinstance(error, CancelledError):
        raise error
    if error is not failure.value or isinstance(error, _EXPECTED):
        raise FetchError(str(error))
    return failure
