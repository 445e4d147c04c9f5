"""Posts pushes to a node: `POST /v1/push` over HTTP, each with a time limit."""

from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from OpenSSL.SSL import Error as TlsError
from twisted.internet.defer import Deferred, TimeoutError, succeed
from twisted.internet.error import ConnectError, ConnectionClosed, DNSLookupError
from twisted.internet.interfaces import IConsumer
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.ssl import Certificate, platformTrust, trustRootFromCertificates
from twisted.python.failure import Failure
from twisted.web.client import (
    Agent,
    BrowserLikePolicyForHTTPS,
    HTTPConnectionPool,
    ResponseDone,
    ResponseFailed,
)
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import IBodyProducer, IResponse
from zope.interface import implementer

from im.outbox.verdict import Answer, Outcome, of_answer, unanswered, unreachable

PATH = "/v1/push"
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 65.0
"""Somewhat longer than a node works at one push."""

_IDLE_SECONDS = 30
"""An idle connection is given up before the node does it: a request would run into that."""

_MOST_ANSWER_BYTES = 4_194_304
_NOT_REACHED = (ConnectError, DNSLookupError)
_LOST = (ResponseFailed, ConnectionClosed)


class Poster:
    """Posts to the node at `url` with an API key of the scope `push`.

    `ca_file`: PEM certificates to trust instead of the system's. Raises `ValueError` for what can be no
    URL or key, and `OSError` for a file that can't be read.
    """

    def __init__(self, reactor: Any, url: str, key: str, *, ca_file: str = "", connections: int = 16) -> None:
        parts = urlsplit(url)
        if not _is_of_node(parts):
            raise ValueError(f"{url} is no http://HOST:PORT or https://HOST:PORT")
        if not key or not key.isascii() or not key.isprintable():
            raise ValueError("the key must be one line of ASCII")
        self._reactor = reactor
        self._url = (url.rstrip("/") + PATH).encode("ascii")
        self._key = key
        self._pool = HTTPConnectionPool(reactor)
        self._pool.maxPersistentPerHost = connections
        self._pool.cachedConnectionTimeout = _IDLE_SECONDS
        policy = BrowserLikePolicyForHTTPS(_trusted(ca_file) if ca_file else platformTrust())
        self._agent = Agent(reactor, policy, CONNECT_SECONDS, pool=self._pool)

    def __call__(self, key: str, body: bytes) -> "Deferred[Outcome]":
        """Post one push under its idempotency key; fires with what that means."""
        posting = Deferred.fromCoroutine(self._post(key, body))
        posting.addTimeout(ANSWER_SECONDS, self._reactor)
        return posting.addErrback(_failed)

    async def close(self) -> None:
        """Close what connections there are."""
        await self._pool.closeCachedConnections()

    async def _post(self, key: str, body: bytes) -> Outcome:
        headers = {
            "Authorization": [f"Bearer {self._key}"],
            "Content-Type": ["application/json"],
            "Idempotency-Key": [key],
        }
        response: IResponse = await self._agent.request(b"POST", self._url, Headers(headers), _Bytes(body))
        (wait,) = response.headers.getRawHeaders("Retry-After", [""])[:1]
        body, is_whole = await _content(response)
        return of_answer(Answer(response.code, wait, body, not is_whole))


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


class _Content(Protocol):
    """Takes in an answer's body, as much as may be; `done` fires with it, and whether it is surely whole."""

    def __init__(self) -> None:
        self.done: Deferred[tuple[bytes, bool]] = Deferred(lambda _: self._abort())
        self._parts: list[bytes] = []
        self._size = 0

    def dataReceived(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > _MOST_ANSWER_BYTES:
            self._abort()
        else:
            self._parts.append(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.done.called:
            return
        if reason.check(ResponseDone, PotentialDataLoss):
            self.done.callback((b"".join(self._parts), reason.check(ResponseDone) is not None))
        else:
            self.done.errback(reason)

    def _abort(self) -> None:
        if self.transport is not None:
            self.transport.loseConnection()


def _is_of_node(parts: SplitResult) -> bool:
    if parts.scheme not in ("http", "https") or parts.query or parts.fragment:
        return False
    try:
        host, _ = (parts.hostname or "").encode("idna"), parts.port
    except ValueError:  # UnicodeError is one
        return False
    return bool(host)


def _content(response: IResponse) -> "Deferred[tuple[bytes, bool]]":
    content = _Content()
    response.deliverBody(content)
    return content.done


def _failed(failure: Failure) -> Outcome:
    if failure.check(*_NOT_REACHED) or _is_tls_error(failure):
        return unreachable(f"the node can't be reached: {failure.getErrorMessage()}")
    if failure.check(TimeoutError):
        return unanswered(f"no answer within {ANSWER_SECONDS:g} s")
    failure.trap(*_LOST)
    return unanswered(f"the connection was lost: {failure.getErrorMessage()}")


def _is_tls_error(failure: Failure) -> bool:
    reasons: list[Failure] = getattr(failure.value, "reasons", [])
    return any(reason.check(TlsError) for reason in reasons)


def _trusted(ca_file: str) -> Any:
    pem = Path(ca_file).read_bytes()
    end = b"-----END CERTIFICATE-----"
    return trustRootFromCertificates([Certificate.loadPEM(part + end) for part in pem.split(end)[:-1]])
