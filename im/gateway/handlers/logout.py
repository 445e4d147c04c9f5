"""LOGOUT: the user leaves."""

from im.core.errors import Code, Refused
from im.gateway.context import GatewayContext, GatewayHandler
from im.proto.session_pb2 import Logout
from im.wire import types

_LOGGED_OUT = Refused(Code.LOGGED_OUT, "logged out")


class LogoutHandler(GatewayHandler):
    """End the session; the close frame is the answer."""

    type = types.LOGOUT
    body = Logout

    def handle(self, context: GatewayContext, body: Logout) -> None:
        """End the session."""
        context.connection.end(_LOGGED_OUT, context.request_id)
