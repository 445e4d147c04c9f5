"""What a node says of itself: health, its addresses, this API; and the keys of back ends, to operators."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from msgspec import Struct

from im.business.keys import Keys
from im.core.backends import ApiKey
from im.core.errors import Code
from im.http.api.callers import ADMIN
from im.http.api.openapi import document
from im.http.api.table import Call, Route
from im.http.api.table import Struct as Input


class Addresses(NamedTuple):
    """Where clients reach a node."""

    node: str
    tcp: tuple[str, ...]
    websocket: str


class HealthAnswer(Struct):
    """The process answers."""

    healthy: bool


class RoutedNode(Struct):
    """A node; `tcp` are `tcp:` and `tls:` addresses, `websocket` a URL or ""."""

    node: str
    tcp: list[str]
    websocket: str


class RouteAnswer(Struct):
    """Where a client connects: the first node that answers, in this order. None: all are full or going."""

    nodes: list[RoutedNode]


class KeyInput(Input):
    """A key to be made."""

    name: str
    scopes: list[str]


class KeyAnswer(Struct):
    """A key; `revoked_ms` is 0 while it is good. `key`, its text, is told once, to who made it."""

    id: str
    name: str
    scopes: list[str]
    created_ms: int
    revoked_ms: int
    key: str = ""


class KeysAnswer(Struct):
    """All keys, the oldest first."""

    keys: list[KeyAnswer]


def about_routes(route: Callable[[str], Sequence[Addresses]], routes: list[Route]) -> list[Route]:
    """The routes of the node itself, which describe `routes` and themselves."""

    async def healthy(call: Call) -> object:
        return HealthAnswer(True)

    async def where(call: Call) -> object:
        found = route(call.caller.user)
        return RouteAnswer([RoutedNode(node, [*tcp], websocket) for node, tcp, websocket in found])

    async def describe(call: Call) -> object:
        return described

    own = [
        Route("GET", "/v1/health", "Whether the process answers.", "", HealthAnswer, healthy),
        Route("GET", "/v1/route", "Where a client connects.", None, RouteAnswer, where),
        Route("GET", "/v1/openapi.json", "This document.", None, dict, describe),
    ]
    described: dict[str, Any] = document([*own, *routes])
    return own


class KeyDesk:
    """The routes of keys, for operators only."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("GET", "/v1/keys", "All keys.", ADMIN, KeysAnswer, self._list),
            Route("POST", "/v1/keys", "Make a key.", ADMIN, KeyAnswer, self._create, KeyInput),
            Route(
                "DELETE",
                "/v1/keys/{id}",
                "Let a key in no more.",
                ADMIN,
                KeyAnswer,
                self._revoke,
                codes=(Code.NOT_FOUND,),
            ),
        ]

    async def _list(self, call: Call) -> object:
        return KeysAnswer([_key(each) for each in await self._keys.all()])

    async def _create(self, call: Call) -> object:
        made = await self._keys.create(call.body.name, call.body.scopes)
        return _key(made.key, made.text)

    async def _revoke(self, call: Call) -> object:
        return _key(await self._keys.revoke(call.path["id"]))


def _key(key: ApiKey, text: str = "") -> KeyAnswer:
    return KeyAnswer(key.id, key.name, [*key.scopes], key.created_ms, key.revoked_ms, text)
