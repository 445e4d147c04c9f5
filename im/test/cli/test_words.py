"""What an entry says in words."""

from twisted.trial.unittest import SynchronousTestCase

from im.cli.words import in_words
from im.core import entries
from im.proto.content_pb2 import MessageChange, Rich
from im.proto.group_pb2 import GroupEvent, SetGroup


class WordsTest(SynchronousTestCase):
    def test_a_text_is_said_as_it_is(self) -> None:
        self.assertEqual(in_words(entries.TEXT, "héllo".encode()), "héllo")

    def test_an_answer_says_what_it_answers_and_whom_it_mentions(self) -> None:
        rich = Rich(kind=1, content=b"yes", reply_to=3, mentions=["bob"], mentions_everyone=True)
        self.assertEqual(in_words(entries.RICH, rich.SerializeToString()), "(to 3) yes (@everyone @bob)")
        bare = Rich(kind=entries.IMAGE, content=b"x", reply_to=3)
        self.assertEqual(in_words(entries.RICH, bare.SerializeToString()), "(to 3) (image)")

    def test_what_became_of_a_message_names_it(self) -> None:
        for kind, change, words in (
            (entries.RECALL, MessageChange(target=4), "(4 recalled)"),
            (entries.EDIT, MessageChange(target=4, content=b"x"), "(4 edited)"),
            (entries.REACTION, MessageChange(target=4, reaction="👍", is_set=True), "(👍 set to 4)"),
            (entries.REACTION, MessageChange(target=4, reaction="👍"), "(👍 taken from 4)"),
        ):
            self.assertEqual(in_words(kind, change.SerializeToString()), words)

    def test_what_happens_in_a_group_names_whom_it_concerns(self) -> None:
        named = SetGroup(name="Lunch")
        for kind, event, words in (
            (
                entries.GROUP_CREATED,
                GroupEvent(users=["a", "b"], set=named),
                '(group "Lunch" made with a, b)',
            ),
            (entries.GROUP_SET, GroupEvent(set=named), '(group is "Lunch" now)'),
            (entries.GROUP_SET, GroupEvent(set=SetGroup(joining="open")), "(group described anew)"),
            (entries.MEMBERS_ADDED, GroupEvent(users=["a"], how="invited"), "(a invited)"),
            (entries.MEMBER_LEFT, GroupEvent(users=["a"]), "(a left)"),
            (entries.MEMBERS_REMOVED, GroupEvent(users=["a"]), "(a put out)"),
            (entries.ROLE_SET, GroupEvent(users=["a"], role="admin"), "(a is admin now)"),
            (entries.OWNER_SET, GroupEvent(users=["a"]), "(a is owner now)"),
            (entries.MEMBER_SILENCED, GroupEvent(users=["a"], until_ms=5), "(a silenced)"),
            (entries.MEMBER_SILENCED, GroupEvent(users=["a"]), "(a may post again)"),
            (entries.GROUP_DISSOLVED, GroupEvent(), "(group dissolved)"),
        ):
            self.assertEqual(in_words(kind, event.SerializeToString()), words)

    def test_every_other_kind_is_named(self) -> None:
        for kind, words in (
            (entries.IMAGE, "(image)"),
            (entries.RECALLED, "(recalled)"),
            (entries.PLACEHOLDER, "(can no longer be shown)"),
            (40, "(message of kind 40)"),
        ):
            self.assertEqual(in_words(kind, b""), words)
        self.assertEqual(in_words(entries.RELATION, b"accepted"), "(accepted)")

    def test_what_cannot_be_read_is_named_by_its_kind(self) -> None:
        for kind, words in ((entries.RICH, "(rich)"), (entries.EDIT, "(edit)"), (entries.PUSH, "(push)")):
            self.assertEqual(in_words(kind, b"\xff"), words)
        self.assertEqual(in_words(entries.MEMBERS_ADDED, b"\xff"), "(members added)")
