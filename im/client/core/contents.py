"""What entries hold beside plain texts, as far as a client opens it. None is what cannot be read."""

from collections.abc import Iterable
from typing import NamedTuple, TypeVar

from google.protobuf.message import Message as Body

from im.core.contents import Rich
from im.core.entries import EDIT, GROUP_CREATED, GROUP_DISSOLVED, REACTION, RECALL, RICH, TEXT
from im.proto import content_pb2, group_pb2
from im.wire.codec import UndecodableError, unpack_as

B = TypeVar("B", bound=Body)


class Change(NamedTuple):
    """What became of the message `target`, by the kind of the entry that tells of it.

    RECALL: it was taken back. EDIT: it holds `content` from now on. REACTION: `reaction` was set to it
    or, where not `is_set`, taken back.
    """

    target: int
    content: bytes = b""
    reaction: str = ""
    is_set: bool = False


class GroupEvent(NamedTuple):
    """What happened in a group, by the kind of the entry that tells of it; it concerns `users`."""

    users: tuple[str, ...]
    role: str
    until_ms: int
    how: str
    name: str


def rich_of(kind: int, content: bytes) -> Rich | None:
    """A message that answers another one, or mentions users; None of any other entry."""
    body = _opened(content_pb2.Rich, content) if kind == RICH else None
    if body is None:
        return None
    mentions = tuple(body.mentions)
    return Rich(body.kind, body.content, body.reply_to, mentions, body.mentions_everyone)


def text_of(kind: int, content: bytes) -> str:
    """The text of a text, also of one that answers or mentions; "" of every other entry."""
    rich = rich_of(kind, content)
    if rich is not None:
        kind, content = rich.kind, rich.content
    return content.decode("utf-8", "replace") if kind == TEXT else ""


def rich_text(text: str, reply_to: int, mentions: Iterable[str], mentions_everyone: bool) -> bytes:
    """The content of a text that answers the message `reply_to` (0: none), or mentions users."""
    return content_pb2.Rich(
        kind=TEXT,
        content=text.encode(),
        reply_to=reply_to,
        mentions=mentions,
        mentions_everyone=mentions_everyone,
    ).SerializeToString()


def change_of(kind: int, content: bytes) -> Change | None:
    """What an entry tells of an earlier message; None of any other entry."""
    body = _opened(content_pb2.MessageChange, content) if kind in (RECALL, EDIT, REACTION) else None
    return None if body is None else Change(body.target, body.content, body.reaction, body.is_set)


def group_event_of(kind: int, content: bytes) -> GroupEvent | None:
    """What an entry tells of its group; None of any other entry."""
    is_event = GROUP_CREATED <= kind <= GROUP_DISSOLVED
    body = _opened(group_pb2.GroupEvent, content) if is_event else None
    if body is None:
        return None
    return GroupEvent(tuple(body.users), body.role, body.until_ms, body.how, body.set.name)


def _opened(body: type[B], content: bytes) -> B | None:
    try:
        return unpack_as(body, content)
    except UndecodableError:
        return None
