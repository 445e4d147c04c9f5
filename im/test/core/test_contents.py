"""What messages may hold."""

from twisted.trial.unittest import SynchronousTestCase

from im.core.contents import (
    LARGEST_FILE,
    MAX_VOICE_SECONDS,
    MOST_MENTIONS,
    Card,
    Content,
    Location,
    Media,
    Rich,
    content_problem,
    everyone_refusal,
    reaction_problem,
)
from im.core.entries import CARD, FILE, IMAGE, LOCATION, RECALLED, RICH, TEXT, VOICE
from im.core.errors import Code
from im.core.groups import ADMIN, MEMBER

PICTURE = Media("https://example.org/a.png", 10, "image/png", "a.png", b"c" * 32, 640, 480)
NOTE = Media("im:a", 10, "audio/ogg", seconds=2.5)
HERE = Location(47.4, 8.5, "Zürich")
LINK = Card("A thing", "https://example.org/thing", "worth a look", "https://example.org/thing.png")
ANSWER = Rich(TEXT, b"gern, @bob", 3, ("bob",))

RIGHT: list[tuple[int, Content]] = [
    (IMAGE, PICTURE),
    (FILE, PICTURE),
    (VOICE, NOTE),
    (LOCATION, HERE),
    (CARD, LINK),
    (CARD, LINK._replace(image="")),
    (RICH, ANSWER),
    (RICH, Rich(IMAGE, b"bytes", mentions_everyone=True)),
]

WRONG: list[tuple[int, Content, str]] = [
    (IMAGE, HERE, "content"),
    (LOCATION, PICTURE, "content"),
    (CARD, HERE, "content"),
    (IMAGE, LINK, "content"),
    (TEXT, ANSWER, "content"),
    (IMAGE, PICTURE._replace(url="file:///etc/passwd"), "url"),
    (IMAGE, PICTURE._replace(url="https://a b"), "url"),
    (IMAGE, PICTURE._replace(url="https://" + "x" * 2_048), "url"),
    (IMAGE, PICTURE._replace(size=LARGEST_FILE + 1), "size"),
    (IMAGE, PICTURE._replace(checksum=bytes(65)), "checksum"),
    (IMAGE, PICTURE._replace(width=-1), "width"),
    (IMAGE, PICTURE._replace(height=100_001), "width"),
    (IMAGE, PICTURE._replace(media_type="text/html"), "media_type"),
    (FILE, PICTURE._replace(name="x" * 257), "name"),
    (FILE, PICTURE._replace(media_type="a\0b"), "media_type"),
    (VOICE, NOTE._replace(seconds=0.0), "seconds"),
    (VOICE, NOTE._replace(seconds=MAX_VOICE_SECONDS + 1), "seconds"),
    (VOICE, NOTE._replace(seconds=float("nan")), "seconds"),
    (LOCATION, HERE._replace(latitude=90.5), "latitude"),
    (LOCATION, HERE._replace(longitude=float("nan")), "latitude"),
    (LOCATION, HERE._replace(address="nul\0"), "address"),
    (CARD, LINK._replace(title=""), "title"),
    (CARD, LINK._replace(url="javascript:alert(1)"), "url"),
    (CARD, LINK._replace(image="data:,"), "image"),
    (CARD, LINK._replace(text="x" * 257), "text"),
    (RICH, ANSWER._replace(kind=RICH), "kind"),
    (RICH, ANSWER._replace(kind=RECALLED), "kind"),
    (RICH, ANSWER._replace(content=b""), "content"),
    (RICH, ANSWER._replace(content=b"\xff"), "content"),
    (RICH, ANSWER._replace(content=b"nul\0"), "content"),
    (RICH, ANSWER._replace(mentions=("a b",)), "mentions"),
    (RICH, ANSWER._replace(mentions=("bob", "bob")), "mentions"),
    (RICH, ANSWER._replace(mentions=tuple(f"u{n}" for n in range(MOST_MENTIONS + 1))), "mentions"),
]


class ContentTests(SynchronousTestCase):
    def test_what_is_right_is_taken(self) -> None:
        for kind, content in RIGHT:
            self.assertIsNone(content_problem(kind, content), content)

    def test_what_is_wrong_is_refused_by_its_field(self) -> None:
        for kind, content, field in WRONG:
            refused = content_problem(kind, content)
            assert refused is not None, content
            self.assertEqual((Code.INVALID_ARGUMENT, field), (refused.code, refused.field), content)

    def test_a_reaction_is_short_and_printable(self) -> None:
        self.assertIsNone(reaction_problem("👍🏽"))
        for wrong in ("", "x" * 17, "a b", "\0"):
            self.assertIsNotNone(reaction_problem(wrong))

    def test_only_admins_mention_everyone(self) -> None:
        self.assertIsNone(everyone_refusal(ADMIN))
        refused = everyone_refusal(MEMBER)
        assert refused is not None
        self.assertEqual((Code.PERMISSION_DENIED, "mentions_everyone"), (refused.code, refused.field))
