"""GET_PROFILE and SET_PROFILE: what others see of a user."""

from im.core.commands import GetProfile, ProfileRecord, Result, SetProfile
from im.core.errors import Refused
from im.core.ids import id_problem
from im.gateway import translate
from im.gateway.context import GatewayContext, GatewayHandler
from im.gateway.validate import profile_problem
from im.proto import session_pb2
from im.wire import types


class GetProfileHandler(GatewayHandler):
    """Anybody's profile; without a name one's own."""

    type = types.GET_PROFILE
    body = session_pb2.GetProfile

    def handle(self, context: GatewayContext, body: session_pb2.GetProfile) -> None:
        """Check the request and ask for the profile."""
        user = body.user or context.user
        problem = id_problem(user, "user")
        if problem is not None:
            context.refuse(problem)
        else:
            context.submit(GetProfile(user), _answer)


class SetProfileHandler(GatewayHandler):
    """One's own profile."""

    type = types.SET_PROFILE
    body = session_pb2.SetProfile

    def __init__(self, profile_bytes: int) -> None:
        self._profile_bytes = profile_bytes

    def handle(self, context: GatewayContext, body: session_pb2.SetProfile) -> None:
        """Check the change and have it made."""
        problem = profile_problem(body, self._profile_bytes)
        if problem is not None:
            context.refuse(problem)
            return
        name = body.name if body.HasField("name") else None
        avatar = body.avatar if body.HasField("avatar") else None
        context.submit(SetProfile(context.user, name, avatar, dict(body.fields)), _answer)


def _answer(context: GatewayContext, result: Result) -> None:
    if isinstance(result, ProfileRecord):
        context.reply(translate.profile(result))
    else:
        assert isinstance(result, Refused)
        context.refuse(result)
