"""Identifiers: users, devices, conversations, client message ids.

A conversation's id says what it is and, where membership follows from the id, whose it is:
`d~alice~bob` is the direct conversation of two users (sorted by their UTF-8 bytes),
`i~alice` is alice's inbox, `g~…` a group. `~` may not stand in a user id, so nothing is ambiguous.
"""

from functools import lru_cache

from im.core.errors import Refused, invalid

MAX_ID_CHARACTERS = 64
_MAX_DIRECT_CHARACTERS = 2 * MAX_ID_CHARACTERS + len("d~~")
_REMEMBERED_PEERS = 4_096
"""Every layer asks for the peer of each message; what is remembered of strangers stays small."""

DIRECT, INBOX, GROUP = "d", "i", "g"
DEVICE_CLASSES = frozenset({"phone", "tablet", "desktop", "web", "bot"})


def id_problem(value: str, field: str) -> Refused | None:
    """Why `value` is no valid user or device id, or None."""
    if not 1 <= len(value) <= MAX_ID_CHARACTERS:
        return invalid(field, f"{field} must have 1 to {MAX_ID_CHARACTERS} characters")
    if "~" in value or " " in value or not value.isprintable():  # no other space is printable
        return invalid(field, f"{field} must be printable, without spaces and without '~'")
    return None


def direct_conversation(one: str, other: str) -> str:
    """The id of the direct conversation of two different users, the same whoever asks."""
    first, second = sorted((one, other), key=str.encode)
    return f"{DIRECT}~{first}~{second}"


def inbox_conversation(user: str) -> str:
    """The id of the user's own conversation with the app."""
    return f"{INBOX}~{user}"


def direct_peer(conversation: str, user: str) -> str | None:
    """The other side of a direct conversation of `user`; None if it is none of theirs or malformed."""
    if len(conversation) > _MAX_DIRECT_CHARACTERS:
        return None
    return _direct_peer(conversation, user)


@lru_cache(_REMEMBERED_PEERS)
def _direct_peer(conversation: str, user: str) -> str | None:
    parts = conversation.split("~")
    if len(parts) != 3 or parts[0] != DIRECT or parts[1] == parts[2]:
        return None
    if user == parts[1]:
        peer = parts[2]
    elif user == parts[2]:
        peer = parts[1]
    else:
        return None
    if id_problem(peer, "conversation") or id_problem(user, "conversation"):
        return None
    return peer if direct_conversation(user, peer) == conversation else None


def users_by_id(conversation: str) -> tuple[str, ...]:
    """The users that a conversation's id names: two of a direct one, one of an inbox, none of a group."""
    kind, *users = conversation.split("~")
    if kind == INBOX and len(users) == 1:
        return (users[0],)
    if kind == DIRECT and len(users) == 2 and direct_peer(conversation, users[0]) is not None:
        return (users[0], users[1])
    return ()


def uuid7(time_ms: int, random: bytes) -> bytes:
    """A time-ordered 16-byte id (RFC 9562, version 7) of a Unix time and 10 random bytes."""
    value = (time_ms << 80) | int.from_bytes(random[:10], "big")
    value &= ~(0xF << 76) & ~(0x3 << 62)
    return (value | (0x7 << 76) | (0x2 << 62)).to_bytes(16, "big")
