"""Endpoint strings to listen on: Twisted's own, `tls:` with reload, `haproxy:` before any of them.

`tls:7223:interface=0.0.0.0:cert=/etc/im/chain.pem:key=/etc/im/key.pem` speaks TLS 1.2 or newer;
`cert` holds the certificate followed by its chain. Before `haproxy:` endpoints stands a load
balancer that begins each connection with a PROXY header, in the clear, also before TLS.
"""

from typing import NamedTuple, cast

from OpenSSL import SSL
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import (
    TCP4ServerEndpoint,
    TCP6ServerEndpoint,
    quoteStringArgument,
    serverFromString,
)
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IListeningPort,
    IOpenSSLServerConnectionCreator,
    IProtocolFactory,
    IReactorTCP,
    IReactorTime,
    IStreamServerEndpoint,
    ITCPTransport,
    ITransport,
)
from twisted.internet.protocol import Protocol, connectionDone
from twisted.protocols.haproxy import proxyEndpoint
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from zope.interface import directlyProvides, implementer, providedBy

_PROXY_PREFIX = "haproxy:"
_TLS_PREFIX = "tls:"
_PROXY_HEADER_SECONDS = 10.0
_RELEASE_BUFFERS = 0x10  # SSL_MODE_RELEASE_BUFFERS: an idle connection keeps no 34 KiB of buffers


def listen_endpoint(description: str, reactor: IReactorTCP) -> IStreamServerEndpoint:
    """The endpoint of an endpoint string. `reactor` must also tell the time.

    Those of `tls:` are `TlsEndpoint`, which can reload their certificate. Raises `ValueError` with one
    sentence for what it can't read, certificate files included.
    """
    is_proxied = description.startswith(_PROXY_PREFIX)
    inner = description.removeprefix(_PROXY_PREFIX)
    if inner.startswith(_TLS_PREFIX):
        options = _tls_options(inner)
        return TlsEndpoint(_proxied(options.endpoint(reactor), reactor, is_proxied), options, reactor)
    try:
        plain = serverFromString(reactor, inner)
    except LookupError as error:
        raise ValueError(f"{description!r} names a socket that systemd has not passed") from error
    except (ValueError, TypeError) as error:
        raise ValueError(f"{description!r} is no endpoint to listen on: {error}") from error
    return _proxied(plain, reactor, is_proxied)


def listening_address(description: str, address: IAddress) -> str:
    """Where a client connects to what `description` listens on, e.g. `tcp:127.0.0.1:7222`.

    `address` is the port's `getHost()`. A wildcard becomes the loopback address.
    """
    path = getattr(address, "name", None)
    if path is not None:
        return f"unix:{quoteStringArgument(path.decode() if isinstance(path, bytes) else path)}"
    scheme = "tls" if description.removeprefix(_PROXY_PREFIX).startswith(_TLS_PREFIX) else "tcp"
    host, port = cast(tuple[str, int], (getattr(address, "host", ""), getattr(address, "port", 0)))
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"{scheme}:{quoteStringArgument(host)}:{port}"


class _TlsOptions(NamedTuple):
    description: str
    port: int
    interface: str
    cert: str
    key: str

    def endpoint(self, reactor: IReactorTCP) -> IStreamServerEndpoint:
        kind = TCP6ServerEndpoint if ":" in self.interface else TCP4ServerEndpoint
        return cast(IStreamServerEndpoint, kind(reactor, self.port, interface=self.interface))


def _tls_options(description: str) -> _TlsOptions:
    """Read `tls:PORT:interface=…:cert=FILE:key=FILE`; a colon in a value is written as `\\:`."""
    parts = description.replace("\\:", "\0").split(":")[1:]
    values = {"interface": ""}
    for part in parts[1:]:
        name, separator, value = part.replace("\0", ":").partition("=")
        if not separator or name not in ("interface", "cert", "key"):
            raise ValueError(f"{description!r}: {part!r} is none of interface=, cert=, key=")
        values[name] = value
    if not parts[0].isdecimal() or int(parts[0]) > 65_535:
        raise ValueError(f"{description!r}: {parts[0]!r} is no port number")
    for name in ("cert", "key"):
        if not values.get(name):
            raise ValueError(f"{description!r} needs {name}=FILE")
    return _TlsOptions(description, int(parts[0]), values["interface"], values["cert"], values["key"])


def _load_context(cert: str, key: str) -> SSL.Context:
    """A server context of two PEM files. Raises `ValueError` that names the bad file."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_CIPHER_SERVER_PREFERENCE | SSL.OP_NO_RENEGOTIATION)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_mode(_RELEASE_BUFFERS)
    for path, what in ((cert, "certificate"), (key, "key")):
        try:
            with open(path, "rb"):
                pass
        except OSError as error:
            raise ValueError(f"the {what} file {path} cannot be read: {error.strerror}") from error
    try:
        context.use_certificate_chain_file(cert)
    except SSL.Error as error:
        raise ValueError(f"{cert} holds no certificate in PEM form") from error
    try:
        context.use_privatekey_file(key)
        context.check_privatekey()
    except SSL.Error as error:
        raise ValueError(f"{key} does not hold the private key of the certificate in {cert}") from error
    return context


@implementer(IOpenSSLServerConnectionCreator)
class ReloadableContext:
    """Gives each new connection the certificate that was loaded last."""

    def __init__(self, cert: str, key: str) -> None:
        self._cert, self._key = cert, key
        self._context = _load_context(cert, key)

    def reload(self) -> None:
        """Read both files again. Raises `ValueError` and keeps what it had."""
        self._context = _load_context(self._cert, self._key)

    def serverConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        """OpenSSL's side of a new connection."""
        return SSL.Connection(self._context, None)


@implementer(IStreamServerEndpoint)
class TlsEndpoint:
    """Listens with TLS on top of another endpoint."""

    def __init__(self, inner: IStreamServerEndpoint, options: _TlsOptions, reactor: object) -> None:
        self._inner = inner
        self._clock = cast(IReactorTime, reactor)
        self._context = ReloadableContext(options.cert, options.key)

    def listen(self, protocolFactory: IProtocolFactory) -> "Deferred[IListeningPort]":
        """Listen; fires with the port."""
        return self._inner.listen(
            TLSMemoryBIOFactory(self._context, False, protocolFactory, clock=self._clock)
        )

    def reload(self) -> None:
        """Read certificate and key again, for new connections. Raises `ValueError` and keeps the old."""
        self._context.reload()


def _proxied(inner: IStreamServerEndpoint, reactor: object, is_proxied: bool) -> IStreamServerEndpoint:
    return _ProxiedEndpoint(inner, cast(IReactorTime, reactor)) if is_proxied else inner


@implementer(IStreamServerEndpoint)
class _ProxiedEndpoint:
    """Listens behind a load balancer; the protocols see the client's address from their start."""

    def __init__(self, inner: IStreamServerEndpoint, clock: IReactorTime) -> None:
        self._inner = proxyEndpoint(inner)
        self._clock = clock

    def listen(self, protocolFactory: IProtocolFactory) -> "Deferred[IListeningPort]":
        return cast(
            "Deferred[IListeningPort]", self._inner.listen(_LateFactory(protocolFactory, self._clock))
        )


class _LateProtocol(ProtocolWrapper):
    """Starts the wrapped protocol at its first byte, when the PROXY header was read.

    Twisted's wrapper starts it at once, and then `getPeer` is still the load balancer.
    """

    factory: "_LateFactory"
    _deadline: IDelayedCall | None = None
    _is_started = False

    def makeConnection(self, transport: ITransport) -> None:
        directlyProvides(self, providedBy(transport))
        Protocol.makeConnection(self, transport)
        self.factory.registerProtocol(self)  # type: ignore[no-untyped-call]
        self._deadline = self.factory.clock.callLater(_PROXY_HEADER_SECONDS, self._give_up)

    def dataReceived(self, data: bytes) -> None:
        if not self._is_started:
            self._is_started = True
            self._stop_deadline()
            self.wrappedProtocol.makeConnection(cast(ITransport, self))
        self.wrappedProtocol.dataReceived(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._stop_deadline()
        self.factory.unregisterProtocol(self)  # type: ignore[no-untyped-call]
        if self._is_started:
            self.wrappedProtocol.connectionLost(reason)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        cast(ITCPTransport, self.transport).abortConnection()


class _LateFactory(WrappingFactory[_LateProtocol]):
    protocol = _LateProtocol
    noisy = False

    def __init__(self, factory: IProtocolFactory, clock: IReactorTime) -> None:
        super().__init__(factory)  # type: ignore[no-untyped-call]
        self.clock = clock
