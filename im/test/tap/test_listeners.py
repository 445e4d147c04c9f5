"""Tests of `im.tap.listeners`."""

from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from im.tap.listeners import Listeners, as_url


class OccupiedReactor(MemoryReactorClock):
    """Every port is in use."""

    def listenTCP(self, port: int, factory: object, backlog: int = 50, interface: str = "") -> object:
        raise CannotListenError(interface, port, OSError("in use"))


class ListenersTests(SynchronousTestCase):
    def test_it_listens_where_it_is_told_and_says_so(self) -> None:
        reactor = MemoryReactorClock()
        listening = Listeners(reactor).listen("tcp:7222:interface=127.0.0.1", Factory())
        address = self.successResultOf(Deferred.fromCoroutine(listening))
        ((port, _factory, _backlog, interface),) = reactor.tcpServers
        self.assertEqual((port, interface), (7222, "127.0.0.1"))
        self.assertTrue(address.startswith("tcp:"), address)

    def test_what_cannot_be_read_or_had_is_an_error(self) -> None:
        unreadable = Listeners(MemoryReactorClock()).listen("tcp:x", Factory())
        self.failureResultOf(Deferred.fromCoroutine(unreadable), ValueError)
        occupied = Listeners(OccupiedReactor()).listen("tcp:1", Factory())
        self.failureResultOf(Deferred.fromCoroutine(occupied), CannotListenError)

    def test_closing_without_ports_is_done_at_once(self) -> None:
        self.successResultOf(Deferred.fromCoroutine(Listeners(MemoryReactorClock()).close()))


class AddressTests(SynchronousTestCase):
    def test_endpoint_strings_become_urls(self) -> None:
        for address, scheme, url in (
            ("tcp:127.0.0.1:7222", "", "tcp://127.0.0.1:7222"),
            ("tls:127.0.0.1:7223", "", "tls://127.0.0.1:7223"),
            ("tcp:\\:\\:1:7222", "", "tcp://[::1]:7222"),
            ("unix:/run/im.sock", "", "unix:/run/im.sock"),
            ("tcp:127.0.0.1:7280", "http", "http://127.0.0.1:7280"),
            ("tls:127.0.0.1:7280", "ws", "wss://127.0.0.1:7280"),
        ):
            self.assertEqual(as_url(address, scheme), url)
