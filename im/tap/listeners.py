"""The open ports of a node, by endpoint string."""

from twisted.internet.defer import gatherResults, maybeDeferred
from twisted.internet.interfaces import IListeningPort, IProtocolFactory, IReactorTCP

from im.gateway.direct import send_at_once
from im.gateway.endpoints import TlsEndpoint, listen_endpoint, listening_address
from im.tap.reloading import reload_all


class Listeners:
    """Opens ports, reloads their certificates, closes them."""

    def __init__(self, reactor: IReactorTCP) -> None:
        self._reactor = reactor
        self._ports: list[IListeningPort] = []
        self._tls: list[TlsEndpoint] = []

    async def listen(self, description: str, factory: IProtocolFactory) -> str:
        """Listen on an endpoint string; returns the client's endpoint string of the real address.

        Raises ValueError for one that cannot be read, CannotListenError for one that is in use.
        """
        endpoint = listen_endpoint(description, self._reactor)
        port = await endpoint.listen(factory)
        self._ports.append(port)
        send_at_once(port)
        if isinstance(endpoint, TlsEndpoint):
            self._tls.append(endpoint)
        return listening_address(description, port.getHost())

    def reload_certificates(self) -> None:
        """Read every certificate again; new connections get it.

        Raises ValueError naming all that cannot be used; each of those stays as it was.
        """
        reload_all(endpoint.reload for endpoint in self._tls)

    async def close(self) -> None:
        """Stop listening; connections that are open stay."""
        ports, self._ports = self._ports, []
        await gatherResults([maybeDeferred(port.stopListening) for port in ports])


def as_url(address: str, scheme: str = "") -> str:
    """`tcp:HOST:PORT` as a URL, of another scheme if one is named, which `tls:` makes secure: `https:`."""
    kind, _, place = address.partition(":")
    if kind == "unix":
        return address
    host, _, port = place.replace("\\:", ":").rpartition(":")
    shown = f"[{host}]" if ":" in host else host
    secure = "s" if scheme and kind == "tls" else ""
    return f"{scheme or kind}{secure}://{shown}:{port}"
