"""Posting to targets of all kinds, over the loopback; and which addresses may be posted to."""

from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

from twisted.internet import reactor
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IListeningPort, IReactorTime
from twisted.internet.ssl import Certificate, trustRootFromCertificates
from twisted.internet.task import deferLater
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.client import BrowserLikePolicyForHTTPS

from im.http import webhook_poster
from im.http.webhook_poster import WebhookPoster
from im.http.webhook_targets import is_public
from im.test.gateway.certificates import write_certificate
from im.test.loopback import Answers

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BODY = b'{"kind": "online"}'


class PostingTests(TestCase):
    uses_processes = True
    timeout = 5

    def setUp(self) -> None:
        self.target = Answers(OK)
        endpoint = serverFromString(cast(Any, reactor), "tcp:0:interface=127.0.0.1")
        self.port: IListeningPort = self.successResultOf(endpoint.listen(self.target))
        self.url = f"http://127.0.0.1:{cast(IPv4Address, self.port.getHost()).port}/hook?a=b"
        self.poster = WebhookPoster(reactor, True)
        self.addCleanup(self.close)

    async def close(self) -> None:
        """Every connection ends, at the latest now."""
        await self.poster.close()
        for connection in self.target.connections:
            await connection.gone
        await maybeDeferred(self.port.stopListening)

    def post(self, url: str = "") -> "Deferred[str]":
        return self.poster(url or self.url, {"Im-Event-Id": "1"}, BODY)

    async def test_an_event_is_posted_and_a_2xx_takes_it(self) -> None:
        self.assertEqual("", await self.post())
        (request,) = self.target.requests
        head, _, body = request.partition(b"\r\n\r\n")
        self.assertEqual(BODY, body)
        first, *fields = head.lower().split(b"\r\n")
        self.assertEqual(b"post /hook?a=b http/1.1", first)
        for field in (b"im-event-id: 1", b"content-type: application/json", b"content-length: 18"):
            self.assertIn(field, fields)

    async def test_the_next_event_takes_the_same_connection(self) -> None:
        for _ in range(3):
            self.assertEqual("", await self.post())
        self.assertEqual(1, len(self.target.connections))

    async def test_any_other_status_is_a_failure_and_a_redirect_is_not_followed(self) -> None:
        self.target.pieces = [b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"]
        self.assertEqual("it answered with HTTP status 500", await self.post())
        self.target.pieces = [
            b"HTTP/1.1 307 Go\r\nLocation: " + self.url.encode() + b"\r\nContent-Length: 0\r\n\r\n"
        ]
        self.assertEqual("it answered with HTTP status 307", await self.post())
        self.assertEqual(2, len(self.target.requests))

    async def test_a_target_that_hangs_is_given_up_and_cut_off(self) -> None:
        self.target.pieces = []
        with patch.object(webhook_poster, "POST_SECONDS", 0.05):
            self.assertEqual("it did not answer within 0.05 s", await self.post())
        await self.target.connections[0].gone

    async def test_a_body_that_never_ends_is_cut_off_and_the_status_counts(self) -> None:
        self.target.pieces = [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", b"half"]
        with patch.object(webhook_poster, "POST_SECONDS", 0.05):
            self.assertEqual("", await self.post())
        await self.target.connections[0].gone

    async def test_megabytes_are_not_read(self) -> None:
        big = [b"x" * 65_536] * 64
        for status, told in ((b"200", ""), (b"500", "it answered with HTTP status 500")):
            self.target.pieces = [
                b"HTTP/1.1 " + status + b" x\r\nContent-Length: 4194304\r\n\r\n",
                *big,
            ]
            self.assertEqual(told, await self.post())
            await self.target.connections[-1].gone

    async def test_a_head_that_never_ends_is_cut_off(self) -> None:
        self.target.pieces = [b"HTTP/1.1 200 OK\r\n", *[b"A: b\r\n" * 10_000] * 8]
        self.assertEqual("it sent more than 131072 bytes", await self.post())

    async def test_what_is_no_http_and_nobody_there_are_told(self) -> None:
        self.target.pieces = [b"SSH-2.0-server\r\n\r\n"]
        self.assertIn("it can't be reached", await self.post())
        port = await serverFromString(cast(Any, reactor), "tcp:0:interface=127.0.0.1").listen(Answers(OK))
        nobody = f"http://127.0.0.1:{port.getHost().port}/"
        await maybeDeferred(port.stopListening)
        self.assertIn("refused", await self.post(nobody))

    async def test_a_name_that_can_be_no_host_is_told(self) -> None:
        for host in ("a..b", "a" * 64 + ".example"):
            self.assertIn("can be no host's name", await self.post(f"http://{host}/"))
        for host in ("a..b", "my_host.example", "%61.example", "*.example", "."):
            self.assertIn("can be no host's name", await self.post(f"https://{host}/"))

    async def test_a_cancelled_post_closes_its_connection(self) -> None:
        self.target.pieces = []
        posting = self.post()
        while not self.target.requests:
            await deferLater(cast(IReactorTime, reactor), 0.001)
        posting.cancel()
        await self.assertFailure(posting, CancelledError)
        await self.target.connections[0].gone

    async def test_this_machine_is_not_connected_to_unless_allowed(self) -> None:
        self.poster = WebhookPoster(reactor, False)
        self.assertIn("private network", await self.post())
        self.assertIn("private network", await self.post(self.url.replace("127.0.0.1", "localhost")))
        self.assertEqual([], self.target.connections)


class TlsTests(TestCase):
    uses_processes = True

    def setUp(self) -> None:
        files = write_certificate(Path(self.mktemp()))
        self.certificate = Certificate.loadPEM(files.cert.read_bytes())
        text = f"ssl:0:interface=127.0.0.1:privateKey={files.key}:certKey={files.cert}"
        self.target = Answers(OK)
        listening = serverFromString(cast(Any, reactor), text).listen(self.target)
        self.port: Any = self.successResultOf(listening)
        self.addCleanup(lambda: self.port.stopListening())

    async def post(self, policy: BrowserLikePolicyForHTTPS | None) -> str:
        poster = WebhookPoster(reactor, True, policy)
        told = await poster(f"https://localhost:{self.port.getHost().port}/", {}, BODY)
        await poster.close()
        for connection in self.target.connections:
            await connection.gone
        return told

    async def test_a_certificate_is_verified(self) -> None:
        self.assertIn("certificate verify failed", await self.post(None))
        self.assertEqual([], self.target.requests)
        trusted = BrowserLikePolicyForHTTPS(trustRootFromCertificates([self.certificate]))
        self.assertEqual("", await self.post(trusted))


class Resolver:
    """Resolves any name to the next of some answers."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = [*answers]

    def resolveHostName(self, receiver: Any, name: str, port: int = 0, *_: Any, **__: Any) -> None:
        for host in self._answers.pop(0):
            of = IPv6Address if ":" in host else IPv4Address
            receiver.addressResolved(of("TCP", host, port))
        receiver.resolutionComplete()


class AddressTests(SynchronousTestCase):
    def connected(self, *answers: list[str]) -> tuple[list[str], str]:
        """Where a poster connects to, and what it tells."""
        clock: Any = MemoryReactorClock()
        clock.nameResolver = Resolver(*answers)
        posting = WebhookPoster(clock, False)("http://shop.example/", {}, BODY)
        hosts = [client[0] for client in clock.tcpClients]
        clock.advance(webhook_poster.POST_SECONDS)
        return hosts, self.successResultOf(posting)

    def test_the_address_that_was_checked_is_connected_to_and_no_name_is_resolved_again(self) -> None:
        hosts, _ = self.connected(["93.184.215.14"], ["127.0.0.1"])
        self.assertEqual(["93.184.215.14"], hosts)

    def test_private_addresses_of_a_host_are_left_out(self) -> None:
        hosts, _ = self.connected(["10.0.0.1", "::1", "93.184.215.14"])
        self.assertEqual(["93.184.215.14"], hosts)
        hosts, told = self.connected(["10.0.0.1", "fe80::1"])
        self.assertEqual([], hosts)
        self.assertIn("shop.example is in a private network", told)
        self.assertNotIn("10.0.0.1", told)

    def test_a_host_without_an_address_is_told(self) -> None:
        hosts, told = self.connected([])
        self.assertEqual([], hosts)
        self.assertIn("shop.example has no address", told)

    def test_which_addresses_are_public(self) -> None:
        for address in ("93.184.215.14", "2606:4700::1111", "64:ff9b::5db8:d70e", "::ffff:8.8.8.8"):
            self.assertTrue(is_public(address), address)
        for address in (
            *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
            *("0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1"),
            *("ff02::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::ffff:169.254.169.254"),
        ):
            self.assertFalse(is_public(address), address)
