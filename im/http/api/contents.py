"""Messages as JSON: their contents in both directions, and entries as they are shown."""

import base64
from collections.abc import Mapping
from typing import Annotated, Any

from google.protobuf.message import Message as Body
from msgspec import Meta, Struct, field, structs

from im.core import entries
from im.core.contents import LARGEST_FILE, MAX_PIXELS, MOST_MENTIONS
from im.core.entries import CARD, CUSTOM, FILE, IMAGE, LOCATION, RELATION, RICH, TEXT, VOICE
from im.core.errors import RefusedError, invalid
from im.core.folding import Fold
from im.core.messages import Entry
from im.http.api.asking import Seq, UserId
from im.http.api.table import Struct as Input
from im.proto import content_pb2, group_pb2, push_pb2
from im.wire.codec import UndecodableError, unpack_as

Pixels = Annotated[int, Meta(ge=0, le=MAX_PIXELS)]


class MediaBody(Input):
    """Where the bytes lie in the app's own store, and how to know them. `checksum` is in base64."""

    url: str
    size: Annotated[int, Meta(ge=0, le=LARGEST_FILE)]
    media_type: str
    name: str = ""
    checksum: str = ""
    width: Pixels = 0
    height: Pixels = 0
    seconds: Annotated[float, Meta(ge=0)] = 0.0


class LocationBody(Input):
    """A place, in degrees."""

    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]
    name: str = ""
    address: str = ""


class CardBody(Input):
    """Something to be opened."""

    title: str
    url: str
    text: str = ""
    image: str = ""


class EditInput(Input):
    """Other content of the same kind: one of `text`, `card` and `content`, which is in base64."""

    text: str | None = None
    card: CardBody | None = None
    content: str | None = None


class ContentInput(EditInput, kw_only=True):
    """What a message holds: one of `text`, `image`, `file`, `voice`, `location`, `card` and `content`.

    `content`, in base64, is an app's own of a `kind`, by default 7. `reply_to` is the seq that it answers.
    """

    image: MediaBody | None = None
    file: MediaBody | None = None
    voice: MediaBody | None = None
    location: LocationBody | None = None
    kind: Annotated[int, Meta(ge=1, lt=entries.FIRST_SYSTEM_KIND)] | None = None
    reply_to: Seq = 0
    mentions: Annotated[list[UserId], Meta(max_length=MOST_MENTIONS)] = field(default_factory=list)
    mentions_everyone: bool = False


class ReactionAnswer(Struct):
    """How many `users` set a reaction, and whether the asking one did."""

    reaction: str
    users: int
    is_own: bool


class EntryAnswer(Struct, omit_defaults=True):
    """An entry of a conversation: a message, as it stands now, or what happened, in `event`.

    Kinds are those of the protocol; `sender` "" is the app itself. A message holds what it was sent with.
    In `event` are the fields of the Protobuf message of its kind, bytes in base64.
    """

    seq: int
    kind: int
    sender: str
    time_ms: int
    client_msg_id: str
    text: str | None = None
    image: MediaBody | None = None
    file: MediaBody | None = None
    voice: MediaBody | None = None
    location: LocationBody | None = None
    card: CardBody | None = None
    content: str | None = None
    reply_to: int = 0
    mentions: list[str] = field(default_factory=list)
    mentions_everyone: bool = False
    event: dict[str, Any] | None = None
    edited_seq: int = 0
    reactions: list[ReactionAnswer] = field(default_factory=list)


_KINDS = {"text": TEXT, "image": IMAGE, "file": FILE, "voice": VOICE, "location": LOCATION, "card": CARD}
_BODIES: Mapping[int, tuple[str, type[Any], type[Any]]] = {
    IMAGE: ("image", MediaBody, content_pb2.Media),
    FILE: ("file", MediaBody, content_pb2.Media),
    VOICE: ("voice", MediaBody, content_pb2.Media),
    LOCATION: ("location", LocationBody, content_pb2.Location),
    CARD: ("card", CardBody, content_pb2.Card),
}
_EVENTS: Mapping[int, type[Body]] = {
    entries.PUSH: push_pb2.Push,
    **dict.fromkeys(range(entries.GROUP_CREATED, entries.GROUP_DISSOLVED + 1), group_pb2.GroupEvent),
    **dict.fromkeys((entries.RECALL, entries.EDIT, entries.REACTION), content_pb2.MessageChange),
}


def packed(body: EditInput) -> tuple[int, bytes]:
    """The kind of the one content that is given, and its bytes. Raises `RefusedError`."""
    names = [name for name in (*_KINDS, "content") if getattr(body, name, None) is not None]
    if len(names) != 1:
        raise RefusedError(invalid("text", "give one content: text, or another one"))
    (name,) = names
    value, kind = getattr(body, name), getattr(body, "kind", None)
    if name == "content":
        return kind or CUSTOM, _bytes(value, "content")
    if kind is not None:
        raise RefusedError(invalid("kind", "only an app's own content has a kind of its own"))
    number = _KINDS[name]
    return number, value.encode() if number == TEXT else _serialized(number, value)


def packed_message(body: ContentInput) -> tuple[int, bytes]:
    """Kind and bytes of a whole message. Raises `RefusedError`."""
    kind, content = packed(body)
    if not (body.reply_to or body.mentions or body.mentions_everyone):
        return kind, content
    rich = content_pb2.Rich(
        kind=kind,
        content=content,
        reply_to=body.reply_to,
        mentions=body.mentions,
        mentions_everyone=body.mentions_everyone,
    )
    return RICH, rich.SerializeToString()


def shown(entry: Entry, fold: Fold | None = None) -> EntryAnswer:
    """An entry, with what became of it."""
    answer = EntryAnswer(entry.seq, entry.kind, entry.sender, entry.time_ms, entry.client_msg_id.hex())
    _show(answer, entry.kind, entry.content)
    if fold is not None:
        answer.edited_seq = fold.edited_seq
        answer.reactions = [ReactionAnswer(*each) for each in fold.reactions]
    return answer


def _show(answer: EntryAnswer, kind: int, content: bytes) -> None:
    """Content that is not what its kind says, as the app itself may store it, is shown as bytes."""
    try:
        if kind == RICH:
            rich = unpack_as(content_pb2.Rich, content)
            answer.reply_to, answer.mentions = rich.reply_to, [*rich.mentions]
            answer.mentions_everyone = rich.mentions_everyone
            kind, content = rich.kind, rich.content
        if kind == TEXT:
            answer.text = content.decode()
        elif kind == RELATION:
            answer.event = {"what": content.decode()}
        elif kind in _BODIES:
            name, struct, body = _BODIES[kind]
            setattr(answer, name, struct(**_plain(unpack_as(body, content), struct)))
        elif kind in _EVENTS:
            answer.event = _fields(unpack_as(_EVENTS[kind], content))
        elif content:
            answer.content = base64.b64encode(content).decode()
    except (UndecodableError, UnicodeDecodeError):
        answer.content = base64.b64encode(content).decode()


def _serialized(kind: int, value: Struct) -> bytes:
    body = _BODIES[kind][2]
    fields = structs.asdict(value)
    if "checksum" in fields:
        fields["checksum"] = _bytes(fields["checksum"], "checksum")
    content: bytes = body(**fields).SerializeToString()
    return content


def _plain(body: Body, struct: type[Struct]) -> dict[str, Any]:
    return {name: _value(getattr(body, name)) for name in struct.__struct_fields__}


def _fields(body: Body) -> dict[str, Any]:
    return {descriptor.name: _value(value) for descriptor, value in body.ListFields()}


def _value(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Body):
        return _fields(value)
    return value if isinstance(value, str | int | float | bool) else [*value]


def _bytes(text: str, name: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise RefusedError(invalid(name, f"{name} must be base64")) from None
