"""What a back end pushed, in words."""

from twisted.trial.unittest import SynchronousTestCase

from im.cli.pushes import may_show, push_text
from im.cli.records import line
from im.cli.talk import shown_of
from im.client.core.events import Message, Pushed
from im.proto.push_pb2 import Event, Push


def message(**fields: object) -> Message:
    push = Push(type=30, body=Event(json=b'{"order":7}').SerializeToString())
    push.MergeFrom(Push(**fields))  # type: ignore[arg-type]
    return Message("i~bob", "e", 1, 100, "", b"", 0, push.SerializeToString())


class PushTests(SynchronousTestCase):
    def test_an_event_is_shown_as_json_and_a_text_as_it_is(self) -> None:
        for body, text in ((b'{"a":[1]}', '{"a": [1]}'), (b'"paid \\u2713"', "paid ✓"), (b"{", "(no JSON)")):
            self.assertEqual(push_text(Pushed(30, body)), text)
        self.assertEqual(push_text(Pushed(10_001, b"abc")), "(type 10001, 3 bytes)")

    def test_one_in_the_inbox_is_shown_as_of_the_app(self) -> None:
        self.assertIn('(app): {"order": 7}', line(shown_of(message())))

    def test_one_for_others_or_too_late_is_not_shown(self) -> None:
        self.assertTrue(may_show(message(), 5_000, "bot"))
        self.assertFalse(may_show(message(device_classes=["phone"]), 5_000, "bot"))
        self.assertFalse(may_show(message(expires_ms=4_000), 5_000, "bot"))
        text = message()._replace(kind=1)
        self.assertTrue(may_show(text, 5_000, "bot"))
