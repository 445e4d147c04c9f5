"""HEARTBEAT: the client is there, in the foreground or in the background."""

from collections.abc import Callable

from im.core.errors import invalid
from im.core.sessions import AppState
from im.gateway.context import GatewayContext, GatewayHandler
from im.proto import session_pb2
from im.wire import types
from im.wire.codec import pack

_APP_STATES = frozenset(map(int, AppState))


class HeartbeatHandler(GatewayHandler):
    """Take the app state over and tell the time. Answered even under id 0: a client listens for it."""

    type = types.HEARTBEAT
    body = session_pb2.Heartbeat

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms

    def handle(self, context: GatewayContext, body: session_pb2.Heartbeat) -> None:
        """Answer a beat."""
        if int(body.app_state) not in _APP_STATES:
            context.refuse(invalid("app_state", "app_state must be FOREGROUND or BACKGROUND"))
            return
        interval_ms = context.connection.beat(AppState(body.app_state))
        ack = session_pb2.HeartbeatAck(server_time_ms=self._now_ms(), heartbeat_ms=interval_ms)
        context.connection.send(pack(ack, context.request_id))
