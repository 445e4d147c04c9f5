"""The contents of messages, from the wire: whether they are what their kind says, and whom they mention."""

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from im.core import contents
from im.core.contents import Content, content_problem
from im.core.entries import CARD, FILE, IMAGE, LOCATION, RICH, VOICE
from im.core.errors import Refused, invalid
from im.core.messages import Send
from im.proto import content_pb2
from im.wire.codec import UndecodableError, unpack_as


def _media(body: content_pb2.Media) -> Content:
    return contents.Media(
        body.url,
        body.size,
        body.media_type,
        body.name,
        body.checksum,
        body.width,
        body.height,
        body.seconds,
    )


def _location(body: content_pb2.Location) -> Content:
    return contents.Location(body.latitude, body.longitude, body.name, body.address)


def _card(body: content_pb2.Card) -> Content:
    return contents.Card(body.title, body.url, body.text, body.image)


def _rich(body: content_pb2.Rich) -> Content:
    return contents.Rich(body.kind, body.content, body.reply_to, tuple(body.mentions), body.mentions_everyone)


_BODIES: dict[int, tuple[type[Message], Callable[[Any], Content]]] = {
    IMAGE: (content_pb2.Media, _media),
    FILE: (content_pb2.Media, _media),
    VOICE: (content_pb2.Media, _media),
    LOCATION: (content_pb2.Location, _location),
    CARD: (content_pb2.Card, _card),
    RICH: (content_pb2.Rich, _rich),
}


def parse(kind: int, content: bytes) -> Content | Refused | None:
    """What a message of this kind holds, why it can't, or None: its bytes are all there is to say."""
    known = _BODIES.get(kind)
    if known is None:
        return None
    body, build = known
    try:
        parsed = build(unpack_as(body, content))
    except UndecodableError as error:
        return invalid("content", str(error))
    refused = content_problem(kind, parsed)
    if refused is None and isinstance(parsed, contents.Rich):
        inner = parse(parsed.kind, parsed.content)
        refused = inner if isinstance(inner, Refused) else None
    return parsed if refused is None else refused


def answered(rich: bytes) -> int:
    """The seq that a rich message answers; 0: none, or it is no rich message."""
    parsed = parse(RICH, rich)
    return parsed.reply_to if isinstance(parsed, contents.Rich) else 0


def checked(send: Send) -> Send | Refused:
    """A message of a kind other than text with whom it mentions, or why it can't be sent."""
    parsed = parse(send.kind, send.content)
    if isinstance(parsed, Refused):
        return parsed
    if not isinstance(parsed, contents.Rich):
        return send
    everyone = ("",) if parsed.mentions_everyone else ()
    return send._replace(mentions=(*everyone, *parsed.mentions))
