"""Pushes in the inbox: what a message of that kind holds, and whether it is to be shown."""

from im.client.core.events import Message, Pushed
from im.core.entries import PUSH
from im.proto.push_pb2 import Event, Push
from im.wire.codec import UndecodableError, unpack_as
from im.wire.types import EVENT


def pushed(message: Message) -> Pushed | None:
    """What the app's back end pushed; None of any other message."""
    return push_of(message.kind, message.content)


def push_of(kind: int, content: bytes) -> Pushed | None:
    """What the app's back end pushed, by the kind and content of an entry; None of any other."""
    if kind != PUSH:
        return None
    try:
        push = unpack_as(Push, content)
        body = unpack_as(Event, push.body).json if push.type == EVENT else push.body
    except UndecodableError:
        return None
    return Pushed(push.type, body, push.collapse_key, push.expires_ms, tuple(push.device_classes))


def is_shown(push: Pushed, now_ms: int, device_class: str) -> bool:
    """Whether a device of this class shows a push at `now_ms` of the server's clock."""
    is_over = push.expires_ms and now_ms >= push.expires_ms
    return not is_over and (not push.device_classes or device_class in push.device_classes)
