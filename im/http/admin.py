"""The admin port: health, readiness, metrics, and what operators may do to sessions.

Health, readiness and metrics need no token, so the port belongs on the loopback or a private network.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from twisted.internet.interfaces import IReactorTime
from twisted.web.resource import Resource
from twisted.web.server import Request

from im.core.errors import Code, RefusedError, invalid
from im.http.metrics import Metric, MetricsPage
from im.http.routes import Call, Guard, JsonRoute
from im.http.site import QuietSite, RootPage
from im.ports import Eviction, IAuthenticator, INodeBus, ISessionRegistry, NodeBatch, Session

Check = Callable[[], str]
"""Why a part is not ready, in one sentence; "" when it is."""

ADMIN_SCOPE = "admin"
_DEFAULT_SESSIONS, _MAX_SESSIONS = 100, 1_000


class AdminParts(NamedTuple):
    """What the admin port shows and steers. `checks`: part -> its check."""

    metrics: Sequence[Metric]
    checks: Mapping[str, Check]
    registry: ISessionRegistry
    bus: INodeBus
    authenticator: IAuthenticator


def admin_site(parts: AdminParts, clock: IReactorTime) -> QuietSite:
    """The site of the admin port."""
    root = RootPage("im: admin port. /healthz, /readyz, /metrics; with a token, /v1/sessions.")
    root.putChild(b"healthz", HealthPage())  # type: ignore[no-untyped-call]
    root.putChild(b"readyz", ReadyPage(parts.checks))
    root.putChild(b"metrics", MetricsPage(parts.metrics))
    guard = Guard(parts.authenticator, ADMIN_SCOPE, clock)
    sessions = SessionDesk(parts.registry, parts.bus)
    listing = JsonRoute({"GET": sessions.list}, guard)
    listing.putChild(b"evict", JsonRoute({"POST": sessions.evict}, guard))
    version = RootPage("im: admin API, version 1. /v1/sessions, /v1/sessions/evict")
    version.putChild(b"sessions", listing)
    root.putChild(b"v1", version)
    return QuietSite(root, clock)


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


class SessionDesk:
    """Lists sessions and ends them, on whichever node they are."""

    def __init__(self, registry: ISessionRegistry, bus: INodeBus) -> None:
        self._registry = registry
        self._bus = bus

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

    async def evict(self, call: Call) -> object:
        """`POST /v1/sessions/evict` with `{"user": U, "device": D, "session": S, "text": WHY}`.

        Ends the user's sessions; with `device` or `session` only those. `{"evicted": N}`.
        """
        user, device, session, text = map(call.text, ("user", "device", "session", "text"))
        if not user:
            raise RefusedError(invalid("user", "user must be named"))
        matching = [
            each
            for each in await self._registry.sessions(user)
            if device in ("", each.device) and session in ("", each.id)
        ]
        by_node: dict[str, list[Eviction]] = {}
        for each in matching:
            eviction = Eviction(each.id, Code.KICKED, text or "ended by an operator")
            by_node.setdefault(each.node, []).append(eviction)
        for node, evictions in by_node.items():
            self._bus.publish(node, NodeBatch(evictions=evictions))
        return {"evicted": len(matching)}


def _session_json(session: Session) -> dict[str, object]:
    return {
        "session": session.id,
        "user": session.user,
        "device": session.device,
        "device_class": session.device_class,
        "node": session.node,
    }
