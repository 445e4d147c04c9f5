"""Addresses of nodes: `tcp:host:port`, `tls:host:port`, `ws://host:port/ws`, `wss://host:port/ws`.

`tcp://host:port` and `tls://host:port`, as nodes write them, are the same as without the slashes.
`http://host:port` and `https://host:port` are asked where to connect.
"""

from collections.abc import Callable
from ipaddress import ip_address
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from twisted.internet.endpoints import (
    HostnameEndpoint,
    TCP4ClientEndpoint,
    TCP6ClientEndpoint,
    wrapClientTLS,
)
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.ssl import Certificate, optionsForClientTLS, trustRootFromCertificates

from im.client.links import Link, LinkOwner, StreamLink, WebSocketLink

EndpointFactory = Callable[[str], IStreamClientEndpoint]
"""Where to connect to reach an address."""

SECURE = frozenset({"tls", "wss", "https"})
_PORTS = {"ws": 80, "wss": 443, "http": 80, "https": 443}


class Address(NamedTuple):
    """An address in its parts."""

    scheme: str
    host: str
    port: int

    @property
    def is_secure(self) -> bool:
        """Whether the connection is encrypted and the node's name is checked."""
        return self.scheme in SECURE


def parse_address(address: str) -> Address:
    """Take an address apart. Raises `ValueError` with a sentence that says what is wrong."""
    scheme, separator, rest = address.partition(":")
    if scheme in _PORTS and rest.startswith("//"):
        parts = urlsplit(address)
        if parts.hostname:
            return Address(scheme, parts.hostname, parts.port or _PORTS[scheme])
    elif scheme in ("tcp", "tls") and separator:
        host, _, port = rest.removeprefix("//").rpartition(":")
        if host and port.isascii() and port.isdigit() and 0 < int(port) < 65_536:
            return Address(scheme, host.strip("[]"), int(port))
    raise ValueError(
        f"{address!r} is no address; it should look like tcp:HOST:PORT, tls:HOST:PORT,"
        " ws://HOST:PORT/ws, wss://HOST:PORT/ws or https://HOST:PORT"
    )


def is_safe_alternate(alternate: str, current: str) -> bool:
    """Whether a node may send us from `current` to `alternate`: never from encrypted to plain."""
    if alternate.startswith("http"):
        return False
    try:
        return parse_address(alternate).is_secure or not parse_address(current).is_secure
    except ValueError:
        return False


def build_link(address: str, owner: LinkOwner) -> Link:
    """The protocol that an address speaks; anything but WebSocket is a stream."""
    if address.startswith(("ws://", "wss://")):
        return WebSocketLink(owner, address)
    return StreamLink(owner)


def trust_root_of(ca_file: str) -> Any:
    """The PEM certificates of a file, to be trusted instead of the system's; None without one."""
    if not ca_file:
        return None
    with open(ca_file, "rb") as file:
        pem = file.read()
    end = b"-----END CERTIFICATE-----"
    blocks = [block + end for block in pem.split(end) if b"-----BEGIN CERTIFICATE-----" in block]
    return trustRootFromCertificates([Certificate.loadPEM(block) for block in blocks])


def network_endpoints(reactor: Any, trust_root: Any = None) -> EndpointFactory:
    """Endpoints on the real network."""

    def endpoint(address: str) -> IStreamClientEndpoint:
        scheme, host, port = parse_address(address)
        plain = _stream_endpoint(reactor, host, port)
        if scheme not in SECURE:
            return plain
        return wrapClientTLS(optionsForClientTLS(host, trust_root), plain)

    return endpoint


def _stream_endpoint(reactor: Any, host: str, port: int) -> IStreamClientEndpoint:
    try:
        version = ip_address(host).version
    except ValueError:
        return HostnameEndpoint(reactor, host, port)
    kind = TCP4ClientEndpoint if version == 4 else TCP6ClientEndpoint
    return kind(reactor, host, port)
