"""What an entry says, in words that need no decoder of ours."""

import base64
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from im.core.entries import KINDS, TEXT
from im.proto.content_pb2 import Card, Location, Media, MessageChange, Rich
from im.proto.group_pb2 import GroupEvent
from im.proto.push_pb2 import Push
from im.wire.codec import UndecodableError, unpack_as

_BODIES: dict[str, type[Message]] = {
    each.__name__: each for each in (Media, Location, Card, Rich, MessageChange, GroupEvent, Push)
}


def said(kind: int, content: bytes) -> dict[str, Any]:
    """The kind's name, and the content: `text`, `body` of what we know, else `content` in base64."""
    known = KINDS.get(kind)
    name = {"name": known.name} if known else {}
    body = _BODIES.get(known.content) if known else None
    if kind == TEXT:
        return name | {"text": content.decode("utf-8", "replace")}
    if body is None:
        return name | ({"content": base64.b64encode(content).decode()} if content else {})
    try:
        told = MessageToDict(unpack_as(body, content), preserving_proto_field_name=True)
    except UndecodableError:
        return name | {"content": base64.b64encode(content).decode()}
    if body is Rich and told.get("kind") == TEXT:
        told["text"] = base64.b64decode(told.pop("content", "")).decode("utf-8", "replace")
    return name | {"body": told}
