"""Push tokens: how a user's devices are reached by the push services of their platforms.

A token is given by the service (APNs, FCM, a browser's) and registered by the client; the app's back
end sends with it. See `im.core.commands`.
"""

from typing import NamedTuple

from im.core.errors import Refused, invalid

TOKEN_CHARACTERS = 2_048
PLATFORM_CHARACTERS = 32


class PushToken(NamedTuple):
    """The token of one device. `platform` is the app's own name for the service."""

    device: str
    platform: str
    token: str


class RegisterPushToken(NamedTuple):
    """Write: a device is reached by this token; "" by none any more. Result `PushTokens` of the user.

    The same token of another device, or of another user, is forgotten: it is on one phone only.
    """

    user: str
    device: str
    platform: str
    token: str


class RemovePushToken(NamedTuple):
    """Write: a service said that a token is of no use any more. Result `PushTokens` of its user.

    Forgotten whoever has it; of one that nobody has the user is "".
    """

    platform: str
    token: str


class ListPushTokens(NamedTuple):
    """Query: result `PushTokens`."""

    user: str


class PushTokens(NamedTuple):
    """The tokens of a user's devices, by device."""

    user: str
    tokens: tuple[PushToken, ...]


ReachWrite = RegisterPushToken | RemovePushToken
ReachQuery = ListPushTokens
ReachResult = PushTokens

REACH_WRITES = (RegisterPushToken, RemovePushToken)


def push_token_problem(platform: str, token: str) -> Refused | None:
    """Why these can't be a device's, or None; an empty token removes."""
    if not 1 <= len(platform) <= PLATFORM_CHARACTERS or not _is_plain(platform):
        return invalid(
            "platform", f"platform must have 1 to {PLATFORM_CHARACTERS} visible ASCII characters, such as fcm"
        )
    if len(token) > TOKEN_CHARACTERS or not _is_plain(token):
        return invalid("token", f"token must have at most {TOKEN_CHARACTERS} visible ASCII characters")
    return None


def _is_plain(text: str) -> bool:
    return all("!" <= character <= "~" for character in text)
