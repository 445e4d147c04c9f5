"""Posts to webhooks: bounded in time and size, no redirect followed, by default to public addresses only."""

from collections.abc import Mapping
from typing import Any

from OpenSSL.SSL import Error as TlsError
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.error import ConnectError, ConnectionAborted, ConnectionClosed, DNSLookupError
from twisted.internet.interfaces import IConsumer
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
from twisted.web.http_headers import Headers
from twisted.web.iweb import IBodyProducer, IPolicyForHTTPS, IResponse
from zope.interface import implementer

from im.http.webhook_targets import MOST_RECEIVED_BYTES, ForbiddenTargetError, TargetEndpoints

POST_SECONDS = 10.0
"""From the beginning, connecting included, to the end of the answer."""

IDLE_SECONDS = 20
KEPT_CONNECTIONS = 8
"""Of one host, for the events to come."""

_EXPECTED = (ConnectError, ConnectionClosed, DNSLookupError, TlsError, ForbiddenTargetError)


class WebhookPoster:
    """Posts JSON to any http or https URL. `reactor` connects, resolves and keeps time.

    Unless `is_private_allowed`, it connects to no address of a private network, this machine or the link.
    """

    def __init__(self, reactor: Any, is_private_allowed: bool, policy: IPolicyForHTTPS | None = None) -> None:
        self._reactor = reactor
        self._pool = HTTPConnectionPool(reactor)
        self._pool.maxPersistentPerHost = KEPT_CONNECTIONS
        self._pool.cachedConnectionTimeout = IDLE_SECONDS
        self._pool.retryAutomatically = False
        self._endpoints = TargetEndpoints(reactor, policy or BrowserLikePolicyForHTTPS(), is_private_allowed)

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> "Deferred[str]":
        """Post `body`; fires with "" at a 2xx, else with a sentence that says why not.

        The status alone counts: an answer's body is dropped. Never fails, unless it is cancelled.
        """
        posting = Deferred.fromCoroutine(self._post(url, headers, body))
        return posting.addTimeout(POST_SECONDS, self._reactor, _late).addErrback(_explained)

    async def close(self) -> None:
        """Close the connections that are kept."""
        await self._pool.closeCachedConnections()

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> str:
        sent = Headers({"Content-Type": ["application/json"], "User-Agent": ["im-webhooks"]})
        for name, value in headers.items():
            sent.setRawHeaders(name, [value])
        connection = _Connection(self._pool)
        agent = Agent.usingEndpointFactory(self._reactor, self._endpoints, connection)
        response: IResponse = await agent.request(b"POST", url.encode(), sent, _Bytes(body))
        end = _End()
        response.deliverBody(end)
        try:
            is_whole = await end.came
        except CancelledError:
            is_whole = False
        if not is_whole:
            connection.abort()
        if 200 <= response.code < 300:
            return ""
        return f"it answered with HTTP status {response.code}"


class _Connection:
    """A pool to one request: tells which connection it took, so that it can be cut off."""

    _protocol: Any = None

    def __init__(self, pool: HTTPConnectionPool) -> None:
        self._pool = pool
        self.persistent = pool.persistent

    def getConnection(self, key: Any, endpoint: Any) -> "Deferred[Any]":
        """Take one of the pool's."""
        connecting: Deferred[Any] = self._pool.getConnection(key, endpoint)
        return connecting.addCallback(self._keep)

    def abort(self) -> None:
        """Cut it off."""
        self._protocol.transport.abortConnection()

    def _keep(self, protocol: Any) -> Any:
        self._protocol = protocol
        return protocol


@implementer(IBodyProducer)
class _Bytes:
    """A request's body, written at once."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.length = len(body)

    def startProducing(self, consumer: IConsumer) -> "Deferred[None]":
        consumer.write(self._body)
        return succeed(None)

    def stopProducing(self) -> None:
        """It was all written."""

    def pauseProducing(self) -> None:
        """It was all written."""

    def resumeProducing(self) -> None:
        """It was all written."""


class _End(Protocol):
    """Drops an answer's body; `came` fires with whether it came whole."""

    def __init__(self) -> None:
        self.came: Deferred[bool] = Deferred()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Take the end."""
        if not self.came.called:
            self.came.callback(bool(reason.check(ResponseDone)))


def _late(result: str | Failure, seconds: float) -> str:
    return result if isinstance(result, str) else f"it did not answer within {seconds:g} s"


def _explained(failure: Failure) -> str:
    """What is expected to go wrong, in a sentence."""
    error: Any = failure.value
    while isinstance(error, ResponseFailed | RequestTransmissionFailed):
        error = error.reasons[0].value
    if isinstance(error, ConnectionAborted):
        return f"it sent more than {MOST_RECEIVED_BYTES} bytes"
    is_expected = isinstance(error, _EXPECTED) or error is not failure.value
    if is_expected and not isinstance(error, CancelledError):
        return f"it can't be reached: {error}"
    raise error
