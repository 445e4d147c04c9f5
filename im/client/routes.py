"""Asks a node or a worker where to connect: `GET /v1/route` of an `http://` or `https://` address."""

import json
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from im.client.addresses import (
    EndpointFactory,
    is_safe_alternate,
    network_endpoints,
    parse_address,
    trust_root_of,
)
from im.client.settings import ClientSettings

Routes = Callable[[str, str], Deferred[list[str]]]
"""From a URL and a token to addresses, the best first."""

MOST_BYTES = 65_536


class UnroutableError(Exception):
    """Nobody said where to connect; the text says why."""


def is_route(address: str) -> bool:
    """Whether an address is one to be asked, not one to connect to."""
    return address.startswith(("http://", "https://"))


def no_routes(url: str, token: str) -> Deferred[list[str]]:
    """For networks without HTTP."""
    raise UnroutableError("this network has no HTTP")


def http_routes(reactor: Any, trust_root: Any = None) -> Routes:
    """Routes over the real network; `trust_root` in place of the system's certificates."""

    def ask(url: str, token: str) -> Deferred[list[str]]:
        return Deferred.fromCoroutine(_ask(reactor, trust_root, url, token))

    return ask


def on_network(reactor: Any, settings: ClientSettings) -> tuple[EndpointFactory, Routes]:
    """How to reach addresses on the real network. Raises `ValueError` for one that is none."""
    for address in settings.addresses:
        parse_address(address)
    trust_root = trust_root_of(settings.ca_file)
    return network_endpoints(reactor, trust_root), http_routes(reactor, trust_root)


async def _ask(reactor: Any, trust_root: Any, url: str, token: str) -> list[str]:
    # Brings the HTTP client along, which most programs have no use for.
    from twisted.web.client import Agent, BrowserLikePolicyForHTTPS
    from twisted.web.http_headers import Headers

    agent = Agent(reactor, BrowserLikePolicyForHTTPS(trust_root))
    headers = Headers({"Authorization": [f"Bearer {token}"]})
    response: Any = await agent.request(b"GET", f"{url.rstrip('/')}/v1/route".encode(), headers)
    body = _Body()
    response.deliverBody(body)
    content = await body.whole
    if response.code != 200:
        raise UnroutableError(f"{url} answered with status {response.code}")
    return addresses_in(content, url)


def addresses_in(content: bytes, url: str) -> list[str]:
    """The addresses of an answer, in order. Raises `UnroutableError`, also where none is safe enough."""
    try:
        nodes = json.loads(content)["nodes"]
        found = [str(each) for node in nodes for each in (*node["tcp"], node["websocket"]) if each]
    except (ValueError, TypeError, KeyError) as error:
        raise UnroutableError(f"{url} answered with no nodes") from error
    safe = [each for each in found if is_safe_alternate(each, url)]
    if not safe:
        raise UnroutableError(f"{url} names no node that could be connected to")
    return safe


class _Body(Protocol):
    """Takes an answer in, up to a bound."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self.whole: Deferred[bytes] = Deferred(lambda _: self._drop())

    def dataReceived(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > MOST_BYTES:
            self._drop()
        else:
            self._parts.append(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if not self.whole.called:
            self.whole.callback(b"".join(self._parts))

    def _drop(self) -> None:
        self._parts.clear()
        transport: Any = self.transport
        if transport is not None:
            transport.abortConnection()
