"""What is asked of the store for messages that are there: recall, edit, reaction, readers; delete, clear.

What others must see is an entry of its own in the log, under the asker's `key` as its client id, and
refers to its target. What only the asker sees moves their own place.
"""

from typing import NamedTuple

from im.core.errors import Code, Refused
from im.core.messages import Entry

MOST_READERS = 200
"""Members that are named as readers of a message; of larger groups they are only counted."""

MOST_DELETED = 10_000
"""Entries of one conversation that a user deletes for themselves; then it is time to clear it."""

DELETED_AT_ONCE = 100


class Recall(NamedTuple):
    """Take a message back: one's own within a time, anybody's as an admin of the group."""


class Edit(NamedTuple):
    """Give one's own message other content of the same kind; with `kind`, only one that is of this kind."""

    content: bytes
    kind: int = 0


class React(NamedTuple):
    """Set a reaction of one's own to a message, or take it back."""

    reaction: str
    is_set: bool = True


MessageChange = Recall | Edit | React


class ChangeMessage(NamedTuple):
    """Write: result `MessageChanged`. `user` "" is the app itself, that may recall anything."""

    conversation: str
    user: str
    key: bytes
    target: int
    change: MessageChange


class MessageChanged(NamedTuple):
    """`entry` is None where it stood so before; `is_new` is false of a repetition: nobody is to be told."""

    conversation: str
    entry: Entry | None
    epoch: str
    is_new: bool
    member_version: int


class DeleteEntries(NamedTuple):
    """Write: delete entries for the user alone. Result `PlaceChanged`."""

    conversation: str
    user: str
    seqs: tuple[int, ...]


class ClearHistory(NamedTuple):
    """Write: delete everything up to `seq`, at most the head, for the user alone. Result `PlaceChanged`."""

    conversation: str
    user: str
    seq: int


class PlaceChanged(NamedTuple):
    """What the user may see now, and has not seen; `moved` is false when it stood so before."""

    conversation: str
    user: str
    visible_from: int
    unread: int
    moved: bool


class GetReaders(NamedTuple):
    """Query: which members have read the entry `seq`? For those who may see it. Result `Readers`."""

    conversation: str
    user: str
    seq: int


class Readers(NamedTuple):
    """So many have `read` it of the `members` but the sender; `users` are named only in a group of few."""

    conversation: str
    seq: int
    read: int
    members: int
    users: tuple[str, ...]


ChangeWrite = ChangeMessage | DeleteEntries | ClearHistory
ChangeQuery = GetReaders
ChangeResult = MessageChanged | PlaceChanged | Readers

CHANGE_WRITES = (ChangeMessage, DeleteEntries, ClearHistory)


def recall_refusal(is_own: bool, is_admin: bool, age_ms: int, most_ms: int) -> Refused | None:
    """Why somebody may not take a message back that is `age_ms` old, or None."""
    if is_admin:
        return None
    if not is_own:
        return Refused(Code.PERMISSION_DENIED, "only its sender may take a message back", "target")
    return _too_late(age_ms, most_ms)


def edit_refusal(is_own: bool, is_editable: bool, age_ms: int, most_ms: int) -> Refused | None:
    """Why somebody may not change a message that is `age_ms` old, or None."""
    if not is_own:
        return Refused(Code.PERMISSION_DENIED, "only its sender may change a message", "target")
    if not is_editable:
        return Refused(Code.PERMISSION_DENIED, "a message of this kind stays as it is", "target")
    return _too_late(age_ms, most_ms)


def no_target() -> Refused:
    """The refusal of a target that isn't there, is no message, or is not for this user."""
    return Refused(Code.NOT_FOUND, "there is no such message", "target")


def _too_late(age_ms: int, most_ms: int) -> Refused | None:
    if age_ms <= most_ms:
        return None
    return Refused(Code.PERMISSION_DENIED, f"that goes only for {most_ms // 1000} s after sending", "target")
