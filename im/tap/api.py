"""The HTTP API of a node that holds everything."""

import os
import time
from collections.abc import Callable, Sequence

from twisted.internet.interfaces import IProtocol
from twisted.web.server import Request

from im.business.access import Access
from im.business.keys import Keys
from im.business.pushing import Pushes
from im.business.webhook_desk import DeskSettings
from im.core.ids import uuid7
from im.core.presence import Visibility
from im.http.api.about import Addresses
from im.http.api.resource import ApiResource
from im.http.api.serve import ApiPorts, ApiSettings, operators_api, public_api
from im.http.forwarded import TrustedProxies
from im.http.port import HttpPort, HttpPortSettings
from im.http.site import QuietSite, RootPage
from im.http.webhook_poster import WebhookPoster
from im.ports import Ask, ISessionRegistry, IStore
from im.tap.config import Config
from im.tap.logins import Logins
from im.tap.process import INodeReactor
from im.tap.storing import now_ms

_RANDOM_BYTES = 10


class Api:
    """`public` for back ends and users, `operators` for the admin port."""

    def __init__(
        self,
        config: Config,
        reactor: INodeReactor,
        logins: Logins,
        ports: ApiPorts,
        route: Callable[[str], Sequence[Addresses]],
    ) -> None:
        self._config = config
        self._reactor = reactor
        self._address = _address(TrustedProxies(config.trusted_proxies))
        settings = ApiSettings(
            config.limits,
            reactor,
            now_ms,
            new_id,
            self._address,
            route,
            logins.mint,
            DeskSettings(WebhookPoster(reactor, config.webhooks_private), now_ms, os.urandom),
            frozenset(config.api_origins),
            Visibility(config.presence),
            config.greeting,
        )
        self.public: ApiResource = public_api(ports, settings, logins.authenticator)
        self.operators: ApiResource = operators_api(ports, settings, logins.operators)

    def port(self, root: RootPage, build_websocket: Callable[[], IProtocol] | None) -> HttpPort:
        """What is to listen for the public: `root` with the API below it, and WebSockets if any."""
        root.putChild(b"v1", self.public)
        site = QuietSite(root, self._reactor, self._address)
        limits = self._config.limits
        settings = HttpPortSettings(self._reactor, limits.login_seconds, connections=limits.http_connections)
        return HttpPort(site, build_websocket, settings)


def new_id() -> bytes:
    """Of a push: a UUIDv7."""
    return uuid7(now_ms(), os.urandom(_RANDOM_BYTES))


def api_ports(
    store: IStore, registry: ISessionRegistry, pushes: Pushes, access: Access, ask: Ask
) -> ApiPorts:
    """What the API stands on in one process."""
    return ApiPorts(store, registry, pushes, access, Keys(store, os.urandom, time.monotonic), ask)


def _address(proxies: TrustedProxies) -> Callable[[Request], str]:
    def address(request: Request) -> str:
        peer = getattr(request.getClientAddress(), "host", "")

        def values(name: str) -> list[str]:
            return [*(request.requestHeaders.getRawHeaders(name) or ())]

        return proxies.client_address(peer, values)

    return address
