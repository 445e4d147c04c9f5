"""What is asked of the store for pushes, and what it answers. See `im.core.commands`."""

from collections.abc import Sequence
from typing import NamedTuple

from im.core.errors import Code, Refused, invalid

MAX_TTL_MS = 30 * 86_400_000
KEPT_MS = 7 * 86_400_000
"""How long after its end the store can tell what became of a push."""

MOST_USERS = 10_000
"""That one push names."""

FIRST_PUSHED_TYPE = 10_000
"""The lowest type that a push may have beside the generic event: those below are not the app's."""

COLLAPSE_KEY_CHARACTERS = 64
PUSH_ID_BYTES = 16


class Push(NamedTuple):
    """A push as inboxes hold it, the same in each. `device_classes`, comma-separated: "" is all.

    Of a `collapse_key` an inbox shows only the newest. After `expires_ms` it is not shown any more.
    """

    id: bytes
    content: bytes
    expires_ms: int
    collapse_key: str = ""
    device_classes: str = ""


class StorePush(NamedTuple):
    """Write: put a push into the inboxes of some users, each once. Result `PushStored`."""

    push: Push
    users: tuple[str, ...]


class InboxEntry(NamedTuple):
    """Where a push stands in an inbox; `is_new` is false if it stood there before."""

    user: str
    seq: int
    is_new: bool


class PushStored(NamedTuple):
    """`entries` are aligned with the known users, in order; nothing is stored for the `unknown`."""

    entries: tuple[InboxEntry, ...]
    unknown: tuple[str, ...]
    epoch: str
    time_ms: int


class ExpirePushes(NamedTuple):
    """Write: a step of upkeep, of at most `most` rows. Result `PushesExpired`.

    Pushes whose time is over become placeholders; what nobody asks for any more is removed.
    """

    most: int


class PushesExpired(NamedTuple):
    """How many rows the step changed; `most` of them: there may be more to do."""

    rows: int


class FindUsers(NamedTuple):
    """Query: which of these users are there? Result `UsersFound`."""

    users: tuple[str, ...]


class UsersFound(NamedTuple):
    """Those that are known."""

    users: frozenset[str]


class GetPush(NamedTuple):
    """Query: what became of a push, by users after `after`, at most `limit`. Result `PushRecord`."""

    push: bytes
    after: str
    limit: int


class PushDevice(NamedTuple):
    """One device of a user; `acknowledged_ms` is 0 until it has the push."""

    device: str
    device_class: str
    acknowledged_ms: int


class PushUser(NamedTuple):
    """One user's push; only devices of the classes that it was for."""

    user: str
    seq: int
    devices: tuple[PushDevice, ...]


class PushRecord(NamedTuple):
    """A push, and one page of its users; `next` is the last of them while more follow."""

    push: bytes
    created_ms: int
    expires_ms: int
    users: tuple[PushUser, ...]
    next: str


PushWrite = StorePush | ExpirePushes
PushQuery = FindUsers | GetPush
PushResult = PushStored | PushesExpired | UsersFound | PushRecord

PUSH_WRITES = (StorePush, ExpirePushes)


def push_problem(push: Push, now_ms: int, content_bytes: int) -> Refused | None:
    """Why a push can't be stored, or None."""
    if len(push.id) != PUSH_ID_BYTES:
        return invalid("id", f"the id of a push must have {PUSH_ID_BYTES} bytes")
    if len(push.content) > content_bytes:
        return Refused(Code.TOO_LARGE, f"a push must have at most {content_bytes} bytes", "body")
    if not now_ms < push.expires_ms <= now_ms + MAX_TTL_MS:
        return invalid("ttl_seconds", f"a push must live for at most {MAX_TTL_MS // 1000} seconds from now")
    return collapse_key_problem(push.collapse_key)


def collapse_key_problem(key: str) -> Refused | None:
    """Why a text is no collapse key, or None; "" is none at all."""
    if len(key) <= COLLAPSE_KEY_CHARACTERS and (not key or key.isprintable()):
        return None
    return invalid(
        "collapse_key", f"a collapse key must be printable, of at most {COLLAPSE_KEY_CHARACTERS} characters"
    )


def chosen_classes(device_classes: str) -> Sequence[str]:
    """The classes that a push is for; empty: all."""
    return device_classes.split(",") if device_classes else ()
