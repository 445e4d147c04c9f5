"""REGISTER_PUSH_TOKEN: how the device is reached while it is away."""

from im.core.commands import Result
from im.core.errors import Refused
from im.core.reaching import RegisterPushToken, push_token_problem
from im.gateway.context import GatewayContext, GatewayHandler
from im.proto import session_pb2
from im.proto.base_pb2 import Ok
from im.wire import types


class PushTokenHandler(GatewayHandler):
    """Keep the token of the session's device."""

    type = types.REGISTER_PUSH_TOKEN
    body = session_pb2.RegisterPushToken

    def handle(self, context: GatewayContext, body: session_pb2.RegisterPushToken) -> None:
        """Check the token and have it kept."""
        problem = push_token_problem(body.platform, body.token)
        if problem is not None:
            context.refuse(problem)
        else:
            write = RegisterPushToken(context.user, context.device, body.platform, body.token)
            context.submit(write, _answer)


def _answer(context: GatewayContext, result: Result) -> None:
    if isinstance(result, Refused):
        context.refuse(result)
    else:
        context.reply(Ok())
