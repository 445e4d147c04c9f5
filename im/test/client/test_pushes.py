from twisted.trial.unittest import SynchronousTestCase

from im.client import Message, Pushed, is_shown, pushed
from im.proto.push_pb2 import Event, Push

_EVENT = Event(json=b'{"paid": true}').SerializeToString()


def a_message(content: bytes, kind: int = 100) -> Message:
    return Message("i~alice", "e", 1, kind, "", b"p" * 16, 5, content)


class PushedTests(SynchronousTestCase):
    def test_a_push_in_the_inbox_is_opened(self) -> None:
        push = Push(type=30, body=_EVENT, collapse_key="order", expires_ms=9, device_classes=["phone"])
        opened = pushed(a_message(push.SerializeToString()))
        assert opened is not None
        self.assertEqual(Pushed(30, b'{"paid": true}', "order", 9, ("phone",)), opened)
        self.assertEqual({"paid": True}, opened.json)

    def test_a_push_of_an_apps_type_keeps_its_body(self) -> None:
        push = Push(type=10_001, body=b"own")
        self.assertEqual(Pushed(10_001, b"own"), pushed(a_message(push.SerializeToString())))

    def test_other_messages_and_broken_ones_are_no_pushes(self) -> None:
        self.assertIsNone(pushed(a_message(b"hello", 1)))
        self.assertIsNone(pushed(a_message(b"\xff")))
        self.assertIsNone(pushed(a_message(Push(type=30, body=b"\xff").SerializeToString())))

    def test_a_push_is_shown_until_it_is_over_by_the_classes_it_is_for(self) -> None:
        push = Pushed(30, b"{}", "", 9, ("phone", "web"))
        self.assertTrue(is_shown(push, 8, "web"))
        self.assertFalse(is_shown(push, 9, "web"))
        self.assertFalse(is_shown(push, 8, "bot"))
        self.assertTrue(is_shown(Pushed(30, b"{}"), 9, "bot"))
