"""ONLINE: a connection logs in."""

from collections.abc import Coroutine
from typing import Any

from im.gateway.context import GatewayContext, GatewayHandler
from im.gateway.login import LoginFlow
from im.proto.session_pb2 import OnlineMessage
from im.wire import types


class OnlineHandler(GatewayHandler):
    """Start the login."""

    type = types.ONLINE
    body = OnlineMessage

    def __init__(self, flow: LoginFlow) -> None:
        self._flow = flow

    def handle(self, context: GatewayContext, body: OnlineMessage) -> Coroutine[Any, Any, None]:
        """Log the connection in."""
        return self._flow.log_in(context.connection, body, context.request_id)
