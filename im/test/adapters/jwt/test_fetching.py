"""The fetcher against a real server on the loopback."""

from typing import Any, cast
from unittest.mock import patch

from twisted.internet import reactor
from twisted.internet.address import IPv4Address
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.interfaces import IListeningPort, IReactorTime
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from im.adapters.jwt import fetching
from im.adapters.jwt.fetching import Fetcher, FetchError
from im.test.loopback import Answers

MAX_BYTES = 1_000
OK = b"HTTP/1.1 200 OK\r\n"


class FetchingTests(TestCase):
    timeout = 20

    def setUp(self) -> None:
        self.factory = Answers()
        reactor_: Any = reactor
        self.port: IListeningPort = reactor_.listenTCP(0, self.factory, interface="127.0.0.1")
        self.url = f"http://127.0.0.1:{cast(IPv4Address, self.port.getHost()).port}/jwks"
        self.addCleanup(self.close)

    async def close(self) -> None:
        """Each fetch has closed its connection by itself; then the port closes."""
        for connection in self.factory.connections:
            await connection.gone
        await maybeDeferred(self.port.stopListening)

    def fetch(self) -> "Deferred[bytes]":
        return Fetcher(reactor, self.url, MAX_BYTES)()

    async def problem(self) -> str:
        error = await self.assertFailure(self.fetch(), FetchError)
        return str(error)

    async def test_a_document_is_fetched(self) -> None:
        self.factory.pieces = [OK, b"Content-Length: 5\r\n\r\n", b"he", b"llo"]
        self.assertEqual(b"hello", await self.fetch())
        (request,) = self.factory.requests
        self.assertTrue(request.startswith(b"GET /jwks HTTP/1.1\r\n"), request)

    async def test_a_document_without_a_length_ends_with_its_connection(self) -> None:
        self.factory.pieces, self.factory.hangs_up = [OK, b"\r\n", b"hello"], True
        self.assertEqual(b"hello", await self.fetch())

    async def test_a_server_that_never_answers_is_given_up(self) -> None:
        with patch.object(fetching, "FETCH_SECONDS", 0.05):
            self.assertEqual("it did not answer within 0.05 s", await self.problem())

    async def test_a_body_that_never_ends_is_given_up(self) -> None:
        self.factory.pieces = [OK, b"Content-Length: 100\r\n\r\n", b"half"]
        with patch.object(fetching, "FETCH_SECONDS", 0.05):
            self.assertEqual("it did not answer within 0.05 s", await self.problem())

    async def test_a_cancelled_fetch_closes_its_connection(self) -> None:
        self.factory.pieces = [OK, b"Content-Length: 100\r\n\r\n", b"half"]
        fetch = self.fetch()
        while not self.factory.requests:
            await deferLater(cast(IReactorTime, reactor), 0.001)
        fetch.cancel()
        await self.assertFailure(fetch, CancelledError)

    async def test_nobody_there_is_told(self) -> None:
        await maybeDeferred(self.port.stopListening)
        self.assertIn("refused", await self.problem())

    async def test_megabytes_are_not_read(self) -> None:
        big = [b"x" * 65_536] * 64
        for head in (
            b"Content-Length: 4194304\r\n\r\n",
            b"\r\n",
            b"Transfer-Encoding: chunked\r\n\r\n400000\r\n",
        ):
            self.factory.pieces = [OK, head, *big]
            self.assertEqual("it is larger than 1000 bytes", await self.problem())

    async def test_a_redirect_is_not_followed(self) -> None:
        self.factory.pieces = [
            b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
        ]
        self.assertEqual("it answered with HTTP status 302", await self.problem())
        self.assertEqual(1, len(self.factory.requests))

    async def test_an_error_is_told_whatever_its_body(self) -> None:
        self.factory.pieces = [b"HTTP/1.1 500 Oh\r\n\r\n", b"x" * 10_000]
        self.assertEqual("it answered with HTTP status 500", await self.problem())

    async def test_a_connection_that_breaks_is_told(self) -> None:
        self.factory.hangs_up = True
        self.assertIn("cleanly", await self.problem())

    async def test_what_is_no_http_is_told(self) -> None:
        self.factory.pieces, self.factory.hangs_up = [b"SSH-2.0-server\r\n\r\n"], True
        self.assertIn("SSH", await self.problem())
