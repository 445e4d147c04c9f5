"""Posting, over a transport in memory."""

from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import ConnectionDone, ConnectionLost, ConnectionRefusedError
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from im.outbox.posting import ANSWER_SECONDS, Poster
from im.outbox.verdict import Outcome, Verdict
from im.test.gateway.certificates import write_certificate

BODY = b'{"to":["alice"],"event":1}'
STORED = b'{"id": "0", "stored": 1, "unknown": []}'


def response(status: int, body: bytes, headers: bytes = b"") -> bytes:
    return b"HTTP/1.1 %d x\r\nContent-Length: %d\r\n%b\r\n%b" % (status, len(body), headers, body)


class PosterTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = MemoryReactorClock()
        self.poster = Poster(self.reactor, "http://127.0.0.1:7280", "imk_1")

    def post(self) -> "Deferred[Outcome]":
        return self.poster("key1", BODY)

    def connect(self) -> tuple[Any, StringTransport]:
        """Take the connection that is asked for."""
        factory: Any = self.reactor.tcpClients[-1][2]
        protocol = factory.buildProtocol(None)
        transport = StringTransport()
        transport.abortConnection = transport.loseConnection  # type: ignore[method-assign]
        protocol.makeConnection(transport)
        return protocol, transport

    def test_a_push_is_posted_with_its_key_and_its_answer_read(self) -> None:
        posting = self.post()
        protocol, transport = self.connect()
        head, _, body = transport.value().partition(b"\r\n\r\n")
        self.assertEqual(body, BODY)
        first, *fields = head.lower().split(b"\r\n")
        self.assertEqual(first, b"post /v1/push http/1.1")
        for field in (b"authorization: bearer imk_1", b"idempotency-key: key1", b"content-length: 26"):
            self.assertIn(field, fields)
        self.assertNoResult(posting)
        protocol.dataReceived(response(200, STORED))
        self.assertEqual(self.successResultOf(posting).verdict, Verdict.DELIVERED)

    def test_a_connection_is_used_again(self) -> None:
        first = self.post()
        protocol, transport = self.connect()
        protocol.dataReceived(response(200, STORED))
        self.successResultOf(first)
        second = self.post()
        protocol.dataReceived(response(200, STORED))
        self.successResultOf(second)
        self.assertEqual(len(self.reactor.tcpClients), 1)
        closing = Deferred.fromCoroutine(self.poster.close())
        self.assertTrue(transport.disconnecting)
        protocol.connectionLost(Failure(ConnectionLost()))
        self.successResultOf(closing)

    def test_what_the_node_says_about_coming_back_is_taken(self) -> None:
        posting = self.post()
        protocol, _ = self.connect()
        protocol.dataReceived(response(429, b"{}", b"Retry-After: 7\r\n"))
        self.assertEqual(self.successResultOf(posting).retry_after_ms, 7_000)

    def test_a_refused_connection_counts_for_nothing(self) -> None:
        posting = self.post()
        factory: Any = self.reactor.tcpClients[-1][2]
        factory.clientConnectionFailed(None, Failure(ConnectionRefusedError()))
        self.reactor.advance(1)  # there might be a second address
        outcome = self.successResultOf(posting)
        self.assertEqual(
            (outcome.is_counted, outcome.may_have_arrived, outcome.is_trouble), (False, False, True)
        )

    def test_silence_ends_after_its_time_and_counts(self) -> None:
        posting = self.post()
        _, transport = self.connect()
        self.reactor.advance(ANSWER_SECONDS)
        outcome = self.successResultOf(posting)
        self.assertEqual((outcome.verdict, outcome.is_counted), (Verdict.RETRY, True))
        self.assertTrue(transport.disconnecting)

    def test_half_an_answer_counts_as_none(self) -> None:
        for received in (b"", b"HTTP/1.1 200 x\r\nContent-Length: 9\r\n\r\n{"):
            posting = self.post()
            protocol, _ = self.connect()
            protocol.dataReceived(received)
            protocol.connectionLost(Failure(ConnectionLost()))
            outcome = self.successResultOf(posting)
            self.assertEqual((outcome.verdict, outcome.status), (Verdict.RETRY, 0))
            self.assertTrue(outcome.may_have_arrived)

    def test_an_answer_without_a_length_ends_with_its_connection(self) -> None:
        for status, body, verdict in (
            (503, b"busy", Verdict.RETRY),
            (200, STORED, Verdict.DELIVERED),
            (200, STORED[:9], Verdict.RETRY),
        ):
            posting = self.post()
            protocol, _ = self.connect()
            protocol.dataReceived(b"HTTP/1.0 %d x\r\nConnection: close\r\n\r\n%b" % (status, body))
            protocol.connectionLost(Failure(ConnectionDone()))
            outcome = self.successResultOf(posting)
            self.assertEqual((outcome.verdict, outcome.may_have_arrived), (verdict, True))

    def test_an_endless_answer_is_cut_off(self) -> None:
        posting = self.post()
        protocol, transport = self.connect()
        protocol.dataReceived(b"HTTP/1.1 200 x\r\nContent-Length: 99999999\r\n\r\n")
        for _ in range(80):
            protocol.dataReceived(b"x" * 65_536)
        self.assertTrue(transport.disconnecting)
        protocol.connectionLost(Failure(ConnectionLost()))
        self.assertEqual(self.successResultOf(posting).verdict, Verdict.RETRY)

    def test_what_can_be_no_node_is_refused_at_once(self) -> None:
        for url in (
            "127.0.0.1:7280",
            "ftp://host",
            "http://",
            "http://host/?a=b",
            "http://host/#a",
            "http://127.0.0.1:abc",
            "http://127.0.0.1:99999",
            "http://a..b:80",
            "http://[::1",
        ):
            self.assertRaises(ValueError, Poster, self.reactor, url, "imk_1")
        for key in ("", "two\nlines", "ü"):
            self.assertRaises(ValueError, Poster, self.reactor, "http://host", key)
        self.assertRaises(OSError, Poster, self.reactor, "https://host", "imk_1", ca_file="nowhere.pem")


class TlsTests(TestCase):
    """Over real sockets of this process."""

    uses_processes = True

    def setUp(self) -> None:
        folder = Path(self.mktemp())
        self.files = write_certificate(folder)
        endpoint = f"ssl:0:interface=127.0.0.1:privateKey={self.files.key}:certKey={self.files.cert}"
        root = Resource()
        root.putChild(b"v1", Node())
        listening = serverFromString(reactor, endpoint).listen(Site(root))
        self.port = self.successResultOf(listening)
        self.addCleanup(self.port.stopListening)

    async def post(self, ca_file: str) -> Outcome:
        poster = Poster(reactor, f"https://localhost:{self.port.getHost().port}", "imk_1", ca_file=ca_file)
        try:
            return await poster("key1", BODY)
        finally:
            await poster.close()

    async def test_a_certificate_that_is_to_be_trusted_is(self) -> None:
        self.assertEqual((await self.post(str(self.files.cert))).verdict, Verdict.DELIVERED)

    async def test_a_certificate_that_nobody_trusts_counts_for_no_row(self) -> None:
        outcome = await self.post("")
        self.assertEqual(
            (outcome.verdict, outcome.is_counted, outcome.is_trouble), (Verdict.RETRY, False, True)
        )
        self.assertIn("certificate verify failed", outcome.text)


class Node(Resource):
    """Stores everything."""

    isLeaf = True

    def render_POST(self, request: Request) -> bytes:
        return STORED
