"""The API put together: for back ends and users on the public port, for operators on the admin port."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from twisted.internet.interfaces import IReactorTime
from twisted.web.server import Request

from im.business.access import Access
from im.business.importing import Imports
from im.business.keys import Keys
from im.business.online_time import OnlineTimeDesk
from im.business.presence import PresenceDesk
from im.business.push_tokens import PushTokenDesk
from im.business.pushing import Pushes
from im.business.users import Users
from im.business.webhook_desk import DeskSettings, WebhookDesk
from im.core.limits import Limits
from im.core.presence import Visibility
from im.core.rate import Rate
from im.http.api.about import Addresses, KeyDesk, about_routes
from im.http.api.asking import Asking
from im.http.api.callers import Callers, Operators, PublicCallers, Rates
from im.http.api.contacts import ContactRoutes
from im.http.api.groups import GroupRoutes
from im.http.api.imports import ImportRoutes
from im.http.api.messages import MessageRoutes
from im.http.api.online_time import OnlineTimeRoutes
from im.http.api.people import Mint, People
from im.http.api.places import PlaceRoutes
from im.http.api.presence import PresenceRoutes
from im.http.api.push import PushDesk, PushParts
from im.http.api.push_tokens import PushTokenRoutes
from im.http.api.relations import RelationRoutes
from im.http.api.resource import ApiParts, ApiResource
from im.http.api.table import Route, Routes
from im.http.api.webhooks import WebhookRoutes
from im.ports import Ask, IAuthenticator, ISessionRegistry, IStore


class ApiPorts(NamedTuple):
    """What the API stands on."""

    store: IStore
    registry: ISessionRegistry
    pushes: Pushes
    access: Access
    keys: Keys
    ask: Ask


class ApiSettings(NamedTuple):
    """How the API serves. `token()` is 16 fresh bytes, time-ordered; `address` tells a request's client.

    `route` says where a user should connect, the best first. Who accepts a friend request says `greeting`.
    """

    limits: Limits
    clock: IReactorTime
    now_ms: Callable[[], int]
    token: Callable[[], bytes]
    address: Callable[[Request], str]
    route: Callable[[str], Sequence[Addresses]]
    mint: Mint
    webhooks: DeskSettings
    origins: frozenset[str] = frozenset()
    visibility: Visibility = Visibility.CONTACTS
    greeting: str = ""


def public_api(ports: ApiPorts, settings: ApiSettings, clients: IAuthenticator) -> ApiResource:
    """`/v1` of the public port."""
    online_time = OnlineTimeRoutes(OnlineTimeDesk(ports.store))
    push_tokens = PushTokenRoutes(PushTokenDesk(ports.store))
    routes = [*_shared(ports, settings), *online_time.routes(), *push_tokens.routes()]
    routes += _of_conversations(ports, settings)
    every = Routes([*about_routes(settings.route, routes), *routes])
    return ApiResource(every, _parts(PublicCallers(ports.keys, clients), ports, settings))


def operators_api(ports: ApiPorts, settings: ApiSettings, operators: IAuthenticator) -> ApiResource:
    """What of it the admin port has: pushes, presence, users, webhooks, and the keys of back ends."""
    every = Routes([*KeyDesk(ports.keys).routes(), *_shared(ports, settings)])
    return ApiResource(every, _parts(Operators(operators), ports, settings))


def _shared(ports: ApiPorts, settings: ApiSettings) -> list[Route]:
    people = People(Users(ports.store), ports.access, ports.registry, settings.mint)
    push = PushDesk(PushParts(ports.pushes, ports.registry, settings.limits, settings.now_ms))
    presence = PresenceRoutes(PresenceDesk(ports.store, settings.visibility))
    webhooks = WebhookRoutes(WebhookDesk(ports.store, settings.webhooks))
    return [*people.routes(), *push.routes(), *presence.routes(), *webhooks.routes()]


def _of_conversations(ports: ApiPorts, settings: ApiSettings) -> list[Route]:
    asking = Asking(ports.ask, ports.store)
    return [
        *RelationRoutes(asking, settings.greeting).routes(),
        *ContactRoutes(asking).routes(),
        *GroupRoutes(asking).routes(),
        *MessageRoutes(asking, settings.limits).routes(),
        *PlaceRoutes(asking).routes(),
        *ImportRoutes(Imports(ports.ask)).routes(),
    ]


def _parts(callers: Callers, ports: ApiPorts, settings: ApiSettings) -> ApiParts:
    limits = settings.limits
    rates = Rates(Rate(limits.api_requests_per_second, limits.api_requests_burst))
    return ApiParts(
        callers,
        ports.store,
        rates,
        settings.clock,
        settings.token,
        settings.address,
        settings.origins,
    )
