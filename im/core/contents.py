"""What messages hold beside a plain text: media by reference, places, cards, answers and mentions.

The bytes of an image, a file or a voice message lie in the app's own object store; the message says
where, and how to know them again.
"""

from typing import NamedTuple

from im.core.entries import CARD, IMAGE, LOCATION, MEDIA, RICH, TEXT, VOICE, is_message
from im.core.errors import Code, Refused, invalid
from im.core.groups import ADMIN, rank
from im.core.ids import id_problem

URL_CHARACTERS = 2_048
TEXT_CHARACTERS = 256
CHECKSUM_BYTES = 64
LARGEST_FILE = 2**40
MAX_PIXELS = 100_000
MAX_VOICE_SECONDS = 3_600.0
MOST_MENTIONS = 50
REACTION_CHARACTERS = 16
MOST_REACTIONS = 32
"""Different ones to one message."""

_SCHEMES = ("https://", "http://", "im:")


class Media(NamedTuple):
    """An image, a file or a voice message. `size` in bytes, `seconds` of a voice message."""

    url: str
    size: int
    media_type: str
    name: str = ""
    checksum: bytes = b""
    width: int = 0
    height: int = 0
    seconds: float = 0.0


class Location(NamedTuple):
    """A place, in degrees."""

    latitude: float
    longitude: float
    name: str = ""
    address: str = ""


class Card(NamedTuple):
    """A user, a group, or a thing of the app's, to be opened."""

    title: str
    url: str
    text: str = ""
    image: str = ""


class Rich(NamedTuple):
    """A message that answers another one, or mentions users; `kind` and `content` are the message itself."""

    kind: int
    content: bytes
    reply_to: int = 0
    mentions: tuple[str, ...] = ()
    mentions_everyone: bool = False


Content = Media | Location | Card | Rich


def content_problem(kind: int, content: Content) -> Refused | None:
    """Why a content can't be that of a message of this kind, or None."""
    if isinstance(content, Media):
        return _media_problem(kind, content) if kind in MEDIA else _mismatch()
    if isinstance(content, Location):
        return _location_problem(content) if kind == LOCATION else _mismatch()
    if isinstance(content, Card):
        return _card_problem(content) if kind == CARD else _mismatch()
    return _rich_problem(content) if kind == RICH else _mismatch()


def reaction_problem(reaction: str) -> Refused | None:
    """Why a text is no reaction, or None."""
    if 1 <= len(reaction) <= REACTION_CHARACTERS and reaction.isprintable() and " " not in reaction:
        return None
    return invalid(
        "reaction", f"a reaction must be printable, of 1 to {REACTION_CHARACTERS} characters without spaces"
    )


def everyone_refusal(role: str) -> Refused | None:
    """Why a member of this role may not mention everyone, or None."""
    if rank(role) >= rank(ADMIN):
        return None
    return Refused(Code.PERMISSION_DENIED, "only admins may mention everyone", "mentions_everyone")


def _mismatch() -> Refused:
    return invalid("content", "the content is not that of its kind")


def _media_problem(kind: int, media: Media) -> Refused | None:
    problem = _url_problem(media.url, "url")
    if problem is not None:
        return problem
    if not 0 <= media.size <= LARGEST_FILE:
        return invalid("size", f"size must be at most {LARGEST_FILE}")
    if len(media.checksum) > CHECKSUM_BYTES:
        return invalid("checksum", f"checksum must have at most {CHECKSUM_BYTES} bytes")
    if not (0 <= media.width <= MAX_PIXELS and 0 <= media.height <= MAX_PIXELS):
        return invalid("width", f"width and height must be at most {MAX_PIXELS}")
    if kind == VOICE and not 0.0 < media.seconds <= MAX_VOICE_SECONDS:
        return invalid("seconds", f"a voice message must last at most {MAX_VOICE_SECONDS:g} seconds")
    if kind == IMAGE and not media.media_type.startswith("image/"):
        return invalid("media_type", "the type of an image must be image/…")
    return _texts_problem(media_type=media.media_type, name=media.name)


def _location_problem(location: Location) -> Refused | None:
    if not (-90.0 <= location.latitude <= 90.0 and -180.0 <= location.longitude <= 180.0):
        return invalid("latitude", "latitude must be within 90 degrees and longitude within 180")
    return _texts_problem(name=location.name, address=location.address)


def _card_problem(card: Card) -> Refused | None:
    if not card.title:
        return invalid("title", "a card must have a title")
    problem = _url_problem(card.url, "url") or (_url_problem(card.image, "image") if card.image else None)
    return problem or _texts_problem(title=card.title, text=card.text)


def _rich_problem(rich: Rich) -> Refused | None:
    if not is_message(rich.kind) or rich.kind == RICH:
        return invalid("kind", "a rich message must hold a message of another kind")
    if not rich.content:
        return invalid("content", "a rich message must hold a message")
    if rich.kind == TEXT and not _is_text(rich.content):
        return invalid("content", "a text must be UTF-8 without NUL")
    if len(rich.mentions) > MOST_MENTIONS or len(set(rich.mentions)) < len(rich.mentions):
        return invalid("mentions", f"a message must mention at most {MOST_MENTIONS} users, each once")
    for user in rich.mentions:
        problem = id_problem(user, "mentions")
        if problem is not None:
            return problem
    return None


def _url_problem(url: str, field: str) -> Refused | None:
    is_url = url.startswith(_SCHEMES) and url.isprintable() and " " not in url
    if is_url and len(url) <= URL_CHARACTERS:
        return None
    return invalid(field, f"{field} must be an http, https or im URL of at most {URL_CHARACTERS} characters")


def _texts_problem(**texts: str) -> Refused | None:
    for field, text in texts.items():
        if len(text) > TEXT_CHARACTERS or not all(each.isprintable() or each == "\n" for each in text):
            return invalid(field, f"{field} must be printable, of at most {TEXT_CHARACTERS} characters")
    return None


def _is_text(content: bytes) -> bool:
    try:
        return "\0" not in content.decode()
    except UnicodeDecodeError:
        return False
