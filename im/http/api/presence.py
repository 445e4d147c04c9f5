"""Who is online."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from im.business.presence import PresenceDesk
from im.core.errors import Code, Refused, RefusedError
from im.core.presence import OnlineDevice, Presence
from im.http.api.table import Call, Route
from im.http.api.table import Struct as Input

MOST_ASKED = 1_000
UserId = Annotated[str, Meta(min_length=1, max_length=64)]
_HIDDEN = Refused(Code.PERMISSION_DENIED, "you may not see who of others is online")


class PresenceInput(Input):
    """Of whom."""

    users: Annotated[list[UserId], Meta(min_length=1, max_length=MOST_ASKED)]


class DeviceAnswer(Struct):
    """A class of devices of which one at least is online."""

    device_class: str
    app_state: Literal["foreground", "background"]


class PresenceAnswer(Struct):
    """One user's; `last_seen_ms` is 0 of who is online, or was not seen for as long as is kept."""

    user: str
    online: bool
    last_seen_ms: int
    devices: list[DeviceAnswer]


class PresencesAnswer(Struct):
    """Those asked for, each once; in `refused` whom the caller may not see, whether they exist or not."""

    users: list[PresenceAnswer]
    refused: list[str]


class PresenceRoutes:
    """The routes of presence."""

    def __init__(self, desk: PresenceDesk) -> None:
        self._desk = desk

    def routes(self) -> list[Route]:
        """All of them."""
        many = Route(
            "POST",
            "/v1/presence",
            "Who of some users is online; to a user's own token of those whom the user may watch.",
            "presence",
            PresencesAnswer,
            self._many,
            PresenceInput,
            is_for_users=True,
        )
        one = Route(
            "GET",
            "/v1/users/{user}/presence",
            "Whether a user is online, and when last seen.",
            "presence",
            PresenceAnswer,
            self._one,
            is_for_users=True,
        )
        return [many, one]

    async def _many(self, call: Call) -> object:
        asked = dict.fromkeys(call.body.users)
        found = await self._desk.find(tuple(asked), call.caller.user)
        seen = {each.user for each in found}
        return PresencesAnswer(
            [_answer(each) for each in found], [user for user in asked if user not in seen]
        )

    async def _one(self, call: Call) -> object:
        for presence in await self._desk.find((call.path["user"],), call.caller.user):
            return _answer(presence)
        raise RefusedError(_HIDDEN)


def _answer(presence: Presence) -> PresenceAnswer:
    devices = [_device(each) for each in presence.devices]
    return PresenceAnswer(presence.user, bool(devices), presence.last_seen_ms, devices)


def _device(device: OnlineDevice) -> DeviceAnswer:
    return DeviceAnswer(device.device_class, "foreground" if device.is_foreground else "background")
