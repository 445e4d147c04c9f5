"""A way that is cut, stands still, or is slow."""

from typing import Any, cast

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.error import ConnectionClosed
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from im.test.faults.nodes import sleep, until
from im.testing.proxies import LOOPBACK, Proxy


class Echo(Protocol):
    def dataReceived(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(data)


class Caller(Protocol):
    def __init__(self) -> None:
        self.got = b""
        self.is_over = False

    def dataReceived(self, data: bytes) -> None:
        self.got += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.is_over = True


class ProxyTests(TestCase):
    uses_processes = True
    timeout = 30

    async def setUp(self) -> None:  # type: ignore[override]
        echo = await TCP4ServerEndpoint(reactor, 0, interface=LOOPBACK).listen(Factory.forProtocol(Echo))
        self.addCleanup(echo.stopListening)
        self.proxy = Proxy(reactor, echo.getHost().port)
        self.addCleanup(lambda: Deferred.fromCoroutine(self.proxy.close()))
        self.port = await self.proxy.listen()
        self.caller = await self.call()

    async def call(self) -> Caller:
        endpoint = TCP4ClientEndpoint(reactor, LOOPBACK, self.port)
        caller: Any = await endpoint.connect(Factory.forProtocol(Caller))
        self.addCleanup(self.end, caller)
        return cast(Caller, caller)

    async def end(self, caller: Any) -> None:
        caller.transport.loseConnection()
        await until(reactor, lambda: caller.is_over, "its end")

    def say(self, data: bytes) -> None:
        assert self.caller.transport is not None
        self.caller.transport.write(data)

    async def heard(self, data: bytes) -> None:
        await until(reactor, lambda: self.caller.got == data, f"{data!r}")

    async def test_it_leads_on(self) -> None:
        self.say(b"one")
        await self.heard(b"one")

    async def test_a_cut_ends_what_there_is_and_refuses_what_comes_until_it_heals(self) -> None:
        self.say(b"one")
        await self.heard(b"one")
        self.proxy.cut()
        await until(reactor, lambda: self.caller.is_over, "the end")
        refused = await self.call()
        await until(reactor, lambda: refused.is_over, "the end")
        self.proxy.heal()
        self.caller = await self.call()
        self.say(b"two")
        await self.heard(b"two")

    async def test_what_stands_still_comes_in_order_when_it_heals(self) -> None:
        self.proxy.hold()
        for part in (b"one", b"two"):
            self.say(part)
            await sleep(reactor, 0.05)
        self.assertEqual((self.caller.got, self.caller.is_over), (b"", False))
        self.proxy.heal()
        await self.heard(b"onetwo")

    async def test_what_is_slow_comes_later_and_in_order(self) -> None:
        self.proxy.slow_down(0.1)
        began = reactor.seconds()
        for part in (b"one", b"two"):
            self.say(part)
        await self.heard(b"onetwo")
        self.assertGreaterEqual(reactor.seconds() - began, 0.2)

    async def test_what_is_slow_when_it_heals_is_not_overtaken(self) -> None:
        self.proxy.slow_down(60.0)
        self.say(b"one")
        await until(reactor, lambda: any(end._kept for end in self.proxy.ends), "something under way")
        self.proxy.heal()
        self.say(b"two")
        await self.heard(b"onetwo")

    async def test_where_nobody_listens_a_connection_ends(self) -> None:
        nowhere = Proxy(reactor, 1)
        self.addCleanup(lambda: Deferred.fromCoroutine(nowhere.close()))
        self.port = await nowhere.listen()
        try:
            caller = await self.call()
            await until(reactor, lambda: caller.is_over, "the end")
        except ConnectionClosed:
            pass
