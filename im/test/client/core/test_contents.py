"""What entries hold beside plain texts."""

from twisted.trial.unittest import SynchronousTestCase

from im.client.core.contents import Change, GroupEvent, change_of, group_event_of, rich_of, rich_text, text_of
from im.client.core.events import Message
from im.core import entries
from im.core.contents import Rich
from im.proto import content_pb2, group_pb2


class ContentsTests(SynchronousTestCase):
    def test_an_answer_is_opened_as_it_was_made(self) -> None:
        content = rich_text("yes", 3, ["bob"], True)
        self.assertEqual(rich_of(entries.RICH, content), Rich(entries.TEXT, b"yes", 3, ("bob",), True))
        message = Message("g~1", "e", 4, entries.RICH, "alice", b"", 0, content)
        self.assertEqual((message.text, message.change), ("yes", None))
        assert message.rich is not None
        self.assertEqual(message.rich.reply_to, 3)

    def test_only_texts_have_a_text(self) -> None:
        self.assertEqual(text_of(entries.TEXT, b"hi"), "hi")
        self.assertEqual(text_of(entries.CUSTOM, b"hi"), "")
        image = content_pb2.Rich(kind=entries.IMAGE, content=b"hi").SerializeToString()
        self.assertEqual(text_of(entries.RICH, image), "")

    def test_a_change_names_its_target(self) -> None:
        body = content_pb2.MessageChange(target=2, reaction="👍", is_set=True).SerializeToString()
        self.assertEqual(change_of(entries.REACTION, body), Change(2, b"", "👍", True))
        self.assertIsNone(change_of(entries.TEXT, body))

    def test_an_event_of_a_group_says_whom_it_concerns(self) -> None:
        body = group_pb2.GroupEvent(users=["bob"], how="joined").SerializeToString()
        self.assertEqual(
            group_event_of(entries.MEMBERS_ADDED, body), GroupEvent(("bob",), "", 0, "joined", "")
        )
        self.assertIsNone(group_event_of(entries.TEXT, body))

    def test_what_cannot_be_read_is_none(self) -> None:
        self.assertIsNone(rich_of(entries.RICH, b"\xff"))
        self.assertIsNone(change_of(entries.EDIT, b"\xff"))
        self.assertIsNone(group_event_of(entries.ROLE_SET, b"\xff"))
        self.assertEqual(text_of(entries.RICH, b"\xff"), "")
