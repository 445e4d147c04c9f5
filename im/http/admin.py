"""The admin port: health, readiness, metrics, and what operators may do to sessions.

Health, readiness and metrics need no token, so the port belongs on the loopback or a private network.
"""

import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, NamedTuple

from twisted.internet.interfaces import IReactorTime
from twisted.web.resource import Resource
from twisted.web.server import Request

from im.business.access import Access
from im.business.online_time import OnlineTimeDesk
from im.core.errors import RefusedError, invalid
from im.http.access import AccessDesk
from im.http.api.resource import ApiResource
from im.http.metrics import Metric, MetricsPage
from im.http.online_time import CsvPage, UsersPage, everyone
from im.http.personal import PersonalDesk
from im.http.routes import Answer, Call, Guard, JsonRoute
from im.http.seeing import SeeingDesk
from im.http.site import QuietSite, RootPage
from im.http.unread import UnreadDesk
from im.ports import IAuthenticator, ISessionRegistry, IStore, Session

Check = Callable[[], str]
"""Why a part is not ready, in one sentence; "" when it is."""

ADMIN_SCOPE = "admin"
_DEFAULT_SESSIONS, _MAX_SESSIONS = 100, 1_000


class NodeStatus(NamedTuple):
    """A live node, as it told of itself. `state` is up or draining."""

    node: str
    generation: str
    addresses: Sequence[str]
    websocket: str
    sessions: int
    capacity: int
    version: str
    state: str


class AdminParts(NamedTuple):
    """What the admin port shows and steers. `checks`: part -> its check; `api` serves more."""

    metrics: Sequence[Metric]
    checks: Mapping[str, Check]
    registry: ISessionRegistry
    access: Access
    authenticator: IAuthenticator
    online_time: OnlineTimeDesk
    store: IStore
    api: ApiResource | None = None
    nodes: Callable[[], Coroutine[Any, Any, Sequence[NodeStatus]]] | None = None
    drain: Callable[[], None] = lambda: None
    seeing: SeeingDesk | None = None
    personal: PersonalDesk | None = None


def admin_site(parts: AdminParts, clock: IReactorTime) -> QuietSite:
    """The site of the admin port."""
    root = RootPage("im: admin port. /healthz, /readyz, /metrics; with a token, /v1/sessions.")
    root.putChild(b"healthz", HealthPage())  # type: ignore[no-untyped-call]
    root.putChild(b"readyz", ReadyPage(parts.checks))
    root.putChild(b"metrics", MetricsPage(parts.metrics))
    guard = Guard(parts.authenticator, ADMIN_SCOPE, clock)
    desk = AccessDesk(parts.access)
    sessions = JsonRoute({"GET": SessionDesk(parts.registry).list}, guard)
    sessions.putChild(b"evict", JsonRoute({"POST": desk.evict}, guard))
    devices = RootPage("im: /v1/devices/logout")
    devices.putChild(b"logout", JsonRoute({"POST": desk.log_out}, guard))
    names = "im: /v1/users/disable, /v1/users/enable, /v1/users/USER/online-time"
    users = UsersPage(names, parts.online_time, guard, parts.api)
    users.putChild(b"disable", JsonRoute({"POST": desk.disable}, guard))
    users.putChild(b"enable", JsonRoute({"POST": desk.enable}, guard))
    version = RootPage(
        "im: admin API, version 1."
        " /v1/nodes, /v1/shards, /v1/trace, /v1/sessions, /v1/devices, /v1/users, /v1/online-time,"
        " /v1/unread, /v1/personal-data"
    )
    nodes = NodeDesk(parts)
    version.putChild(b"nodes", JsonRoute({"GET": nodes.list}, guard))
    version.putChild(b"drain", JsonRoute({"POST": nodes.drain}, guard))
    if parts.seeing is not None:
        version.putChild(b"shards", JsonRoute({"GET": parts.seeing.shards}, guard))
        version.putChild(b"trace", JsonRoute({"GET": parts.seeing.trace}, guard))
    version.putChild(b"sessions", sessions)
    version.putChild(b"devices", devices)
    version.putChild(b"users", users)
    unread = UnreadDesk(parts.store)
    version.putChild(b"unread", _page("unread", guard, explain=unread.explain, verify=unread.verify))
    if parts.personal is not None:
        version.putChild(b"personal-data", _personal_page(parts.personal, guard))
    version.putChild(b"online-time", everyone(parts.online_time, guard))
    version.putChild(b"online-time.csv", CsvPage(parts.online_time, guard))
    if parts.api is not None:
        version.putChild(b"push", parts.api)
        version.putChild(b"keys", parts.api)
        version.putChild(b"webhooks", parts.api)
        version.putChild(b"presence", parts.api)
        users.putChild(b"import", parts.api)
    root.putChild(b"v1", version)
    return QuietSite(root, clock)


def _page(name: str, guard: Guard, **questions: Answer) -> RootPage:
    """A page with questions beneath it."""
    page = RootPage(f"im: {', '.join(f'/v1/{name}/{each}' for each in questions)}")
    for each, answer in questions.items():
        page.putChild(each.encode(), JsonRoute({"GET": answer}, guard))
    return page


def _personal_page(desk: PersonalDesk, guard: Guard) -> RootPage:
    page = _page("personal-data", guard, export=desk.export)
    page.putChild(b"erase", JsonRoute({"POST": desk.erase}, guard))
    return page


class HealthPage(Resource):
    """`/healthz`: 200 for as long as the process answers."""

    isLeaf = True

    def render_GET(self, request: Request) -> bytes:
        """Say so."""
        request.setHeader(b"Content-Type", b"text/plain; charset=utf-8")
        return b"ok\n"


class ReadyPage(Resource):
    """`/readyz`: 200, or 503 naming each part that is not ready, and why.

    `{"ready": false, "problems": {"store": "the disk is full"}}`
    """

    isLeaf = True

    def __init__(self, checks: Mapping[str, Check]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._checks = checks

    def render_GET(self, request: Request) -> bytes:
        """Ask every part now."""
        problems = {part: problem for part, check in self._checks.items() if (problem := check())}
        if problems:
            request.setResponseCode(503)
        request.setHeader(b"Content-Type", b"application/json")
        return json.dumps({"ready": not problems, "problems": problems}).encode() + b"\n"


class NodeDesk:
    """Lists nodes, and ends this one in order."""

    def __init__(self, parts: AdminParts) -> None:
        self._parts = parts

    async def list(self, call: Call) -> object:
        """`GET /v1/nodes`: those that live, by name."""
        found = () if self._parts.nodes is None else await self._parts.nodes()
        nodes = sorted(found, key=lambda node: node.node)
        return {"nodes": [each._asdict() for each in nodes]}

    async def drain(self, call: Call) -> object:
        """`POST /v1/drain`: take no logins any more, tell clients to move, and end the process."""
        self._parts.drain()
        return {"draining": True}


class SessionDesk:
    """Lists sessions, on whichever node they are."""

    def __init__(self, registry: ISessionRegistry) -> None:
        self._registry = registry

    async def list(self, call: Call) -> object:
        """`GET /v1/sessions?user=U&limit=N`: the sessions of one user, or of everyone, by user.

        `{"sessions": […], "more": true}`: `more` where the limit left some out.
        """
        limit = call.query.get("limit", str(_DEFAULT_SESSIONS))
        if not limit.isdecimal() or len(limit) > 4 or not 1 <= int(limit) <= _MAX_SESSIONS:
            raise RefusedError(invalid("limit", f"limit must be 1 to {_MAX_SESSIONS}"))
        found = await self._registry.sessions(call.query.get("user"))
        found.sort(key=lambda session: (session.user, session.device))
        shown = found[: int(limit)]
        return {"sessions": [_session_json(each) for each in shown], "more": len(found) > len(shown)}


def _session_json(session: Session) -> dict[str, object]:
    return {
        "session": session.id,
        "user": session.user,
        "device": session.device,
        "device_class": session.device_class,
        "node": session.node,
    }
