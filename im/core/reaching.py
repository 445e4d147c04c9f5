"""Reaching those who are away: whom messages did not reach, and by which push tokens they are reached.

A message reached a user when a session acknowledged it while its app was in the foreground, or the user
has seen it: read or cleared up to there, or written since with nothing unread before. A session in the
background has it, and nobody looks. A push token is given by the platform's service (APNs, FCM, a
browser's) and registered by the client; the app's back end sends with it. See `im.core.commands`.
"""

from typing import NamedTuple

from im.core.entries import PUSH, counts
from im.core.errors import Refused, invalid

HOOKS, WEBHOOKS = "hooks", "webhooks"
"""The consumers of messages that reached nobody."""

PREVIEW_BYTES = 2_048
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


class AwayDevice(NamedTuple):
    """A device that may be reached by its token."""

    device: str
    device_class: str
    platform: str
    token: str


class OfflineMessage(NamedTuple):
    """A message or a durable push that did not reach `user` in time; told once.

    `content` has at most `PREVIEW_BYTES`, `is_cut` says whether more was there. `badge` is that of
    `im.core.contacts.badge`. In a muted conversation only a mention is told, with `is_muted`. `devices`
    are those with a token, of the classes that a push is for.
    """

    user: str
    conversation: str
    seq: int
    sender: str
    kind: int
    time_ms: int
    content: bytes
    is_cut: bool
    badge: int
    is_muted: bool
    is_mention: bool
    devices: tuple[AwayDevice, ...]

    @property
    def key(self) -> str:
        """One and the same at every telling of it."""
        return f"{self.conversation} {self.seq} {self.user}"


class Place(NamedTuple):
    """How far a consumer came: into which committed batch, which entry of it, behind which member."""

    batch: int = 0
    entry: int = 0
    after: str = ""


class FindAway(NamedTuple):
    """Query: whom did messages stored by `before_ms` not reach? Result `Away`.

    From where `consumer`'s last `PassAway` ended, and no more than `most`.
    """

    consumer: str
    before_ms: int
    most: int


class Away(NamedTuple):
    """`batches` are those between the places that are done; `messages` are in the order of their storing.

    With `more`, more is due. `next_ms` is when the oldest batch that isn't due was stored; 0: not known.
    """

    since: Place
    until: Place
    batches: tuple[int, ...]
    messages: tuple[OfflineMessage, ...]
    more: bool = False
    next_ms: int = 0


class PassAway(NamedTuple):
    """Write: a consumer is done with what an `Away` said. Result `AwayPassed`.

    `told` are events for back ends to be recorded with it. Nothing happens if it was done before.
    """

    consumer: str
    since: Place
    until: Place
    batches: tuple[int, ...]
    told: tuple[OfflineMessage, ...] = ()


class AwayPassed(NamedTuple):
    """Whether it was done now, and not before."""

    is_new: bool


ReachWrite = RegisterPushToken | RemovePushToken | PassAway
ReachQuery = ListPushTokens | FindAway
ReachResult = PushTokens | Away | AwayPassed

REACH_WRITES = (RegisterPushToken, RemovePushToken, PassAway)


def may_be_told(kind: int) -> bool:
    """Whether an entry of this kind is told to those who are away: a message, or a durable push."""
    return counts(kind) or kind == PUSH


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
