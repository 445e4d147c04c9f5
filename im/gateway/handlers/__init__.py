"""The handlers of the system's own types, one class each."""

from collections.abc import Callable
from typing import NamedTuple

from im.core.limits import Limits
from im.gateway.context import GatewayHandler
from im.gateway.counters import Counters
from im.gateway.cursors import DeliveredCursors
from im.gateway.groups import Groups
from im.gateway.handlers.changes import (
    ChangeMessageHandler,
    ClearHistoryHandler,
    DeleteEntriesHandler,
    GetReadersHandler,
)
from im.gateway.handlers.chat import ChatHandler
from im.gateway.handlers.deliver_ack import DeliverAckHandler
from im.gateway.handlers.groups import (
    ChangeGroupHandler,
    CreateGroupHandler,
    GetAskingHandler,
    GetGroupHandler,
    GetMembersHandler,
)
from im.gateway.handlers.heartbeat import HeartbeatHandler
from im.gateway.handlers.logout import LogoutHandler
from im.gateway.handlers.online import OnlineHandler
from im.gateway.handlers.pages import PullHandler, SyncHandler
from im.gateway.handlers.profile import GetProfileHandler, SetProfileHandler
from im.gateway.handlers.push_token import PushTokenHandler
from im.gateway.handlers.read import ReadHandler
from im.gateway.handlers.relations import (
    ChangeRelationHandler,
    GetRelationHandler,
    GetRequestsHandler,
    SeeRequestsHandler,
    SetContactHandler,
)
from im.gateway.handlers.watch import UnwatchHandler, WatchHandler
from im.gateway.login import LoginFlow
from im.gateway.watching import Watching


class SystemParts(NamedTuple):
    """What the system's handlers stand on."""

    flow: LoginFlow
    cursors: DeliveredCursors
    limits: Limits
    counters: Counters
    now_ms: Callable[[], int]
    watching: Watching
    groups: Groups
    greeting: str


def system_handlers(parts: SystemParts) -> list[GatewayHandler]:
    """One handler for each type that a client may send."""
    return [
        OnlineHandler(parts.flow),
        HeartbeatHandler(parts.now_ms),
        LogoutHandler(),
        ChatHandler(parts.limits.content_bytes, parts.counters),
        DeliverAckHandler(parts.cursors),
        ReadHandler(),
        PullHandler(parts.limits),
        SyncHandler(parts.groups),
        GetProfileHandler(),
        SetProfileHandler(parts.limits.profile_bytes),
        PushTokenHandler(),
        WatchHandler(parts.watching),
        UnwatchHandler(parts.watching),
        ChangeRelationHandler(parts.greeting),
        GetRelationHandler(),
        GetRequestsHandler(),
        SeeRequestsHandler(),
        SetContactHandler(),
        CreateGroupHandler(),
        ChangeGroupHandler(),
        GetGroupHandler(),
        GetMembersHandler(),
        GetAskingHandler(),
        ChangeMessageHandler(),
        DeleteEntriesHandler(),
        ClearHistoryHandler(),
        GetReadersHandler(),
    ]
