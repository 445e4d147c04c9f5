"""Connections to addresses that outsiders choose: checked once resolved, bounded in what they send."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint, wrapClientTLS
from twisted.internet.error import ConnectError, DNSLookupError
from twisted.internet.interfaces import (
    IAddress,
    IHostResolution,
    IProtocol,
    IProtocolFactory,
    IResolutionReceiver,
    IStreamClientEndpoint,
)
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.web.client import URI
from twisted.web.iweb import IAgentEndpointFactory, IPolicyForHTTPS
from zope.interface import implementer

CONNECT_SECONDS = 5.0
MOST_RECEIVED_BYTES = 131_072
"""Between two things that we send, heads and TLS included; then the connection is cut off."""

MOST_ADDRESSES = 4
"""That are tried of one host."""

_TRANSLATED = IPv6Network("64:ff9b::/96")


class ForbiddenTargetError(Exception):
    """The host has no address that may be connected to."""


def is_public(address: str) -> bool:
    """Whether an IP address is of the public internet, also where IPv6 carries an IPv4 address."""
    ip = ip_address(address.partition("%")[0])
    while isinstance(ip, IPv6Address):
        inner = _carried(ip)
        if inner is None:
            break
        ip = inner
    return ip.is_global and not ip.is_multicast


def _carried(ip: IPv6Address) -> IPv4Address | None:
    if ip in _TRANSLATED:
        return IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped or ip.sixtofour


@implementer(IAgentEndpointFactory)
class TargetEndpoints:
    """Makes the endpoints of an `Agent`: TLS by `policy` for https. See `WebhookPoster`."""

    def __init__(self, reactor: Any, policy: IPolicyForHTTPS, is_private_allowed: bool) -> None:
        self._reactor = reactor
        self._policy = policy
        self._is_private_allowed = is_private_allowed

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        """See `IAgentEndpointFactory`. Raises `DNSLookupError` for what can be no host's name."""
        host = uri.host.decode()
        endpoint = _Target(self._reactor, host, uri.port, self._is_private_allowed)
        try:
            host.encode("idna")
            if uri.scheme == b"http":
                return endpoint
            return wrapClientTLS(self._policy.creatorForNetloc(uri.host, uri.port), endpoint)
        except UnicodeError:
            raise DNSLookupError(f"{host} can be no host's name") from None


@implementer(IStreamClientEndpoint)
class _Target:
    """Connects to the first address of a host that may be and answers: to just what was checked."""

    def __init__(self, reactor: Any, host: str, port: int, is_private_allowed: bool) -> None:
        self._reactor = reactor
        self._host = host
        self._port = port
        self._is_private_allowed = is_private_allowed

    def connect(self, protocolFactory: IProtocolFactory) -> "Deferred[IProtocol]":
        """See `IStreamClientEndpoint`."""
        return Deferred.fromCoroutine(self._connect(_Bounding(protocolFactory)))  # type: ignore[no-untyped-call]

    async def _connect(self, factory: "_Bounding") -> IProtocol:
        addresses = await self._addresses()
        problem: ConnectError = ConnectError()
        for address in addresses[:MOST_ADDRESSES]:
            of = TCP6ClientEndpoint if ":" in address else TCP4ClientEndpoint
            endpoint = of(self._reactor, address, self._port, timeout=CONNECT_SECONDS)
            try:
                connected: Any = await endpoint.connect(factory)
            except ConnectError as error:
                problem = error
            else:
                inner: IProtocol = connected.wrappedProtocol
                return inner
        raise problem

    async def _addresses(self) -> Sequence[str]:
        found = _Found()
        self._reactor.nameResolver.resolveHostName(found, self._host, self._port)
        addresses = await found.done
        if not addresses:
            raise DNSLookupError(f"{self._host} has no address")
        allowed = [each for each in addresses if self._is_private_allowed or is_public(each)]
        if not allowed:
            raise ForbiddenTargetError(
                f"{self._host} is in a private network, on this machine or on its link"
            )
        return allowed


@implementer(IResolutionReceiver)
class _Found:
    """Takes the addresses of a host."""

    def __init__(self) -> None:
        self.done: Deferred[list[str]] = Deferred()
        self._addresses: list[str] = []

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:
        """Begin."""

    def addressResolved(self, address: IAddress) -> None:
        """Take one."""
        self._addresses.append(getattr(address, "host", ""))

    def resolutionComplete(self) -> None:
        """Tell all, unless nobody waits any more."""
        if not self.done.called:
            self.done.callback([each for each in self._addresses if each])


class _Bounded(ProtocolWrapper):
    """Cuts a connection off that sends much without being asked anew."""

    _received = 0

    def write(self, data: bytes) -> None:
        """Send, and let an answer come."""
        self._received = 0
        super().write(data)  # type: ignore[no-untyped-call]

    def writeSequence(self, data: Any) -> None:
        """Send, and let an answer come."""
        self._received = 0
        super().writeSequence(data)  # type: ignore[no-untyped-call]

    def dataReceived(self, data: bytes) -> None:
        """Take what came, within bounds."""
        self._received += len(data)
        if self._received > MOST_RECEIVED_BYTES:
            transport: Any = self.transport
            transport.abortConnection()
        else:
            super().dataReceived(data)  # type: ignore[no-untyped-call]


class _Bounding(WrappingFactory):
    """Bounds what a factory's connections receive."""

    protocol = _Bounded
    noisy = False
