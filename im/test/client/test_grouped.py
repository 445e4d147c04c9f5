"""What a client asks of groups and messages, and what it is told."""

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message as Body
from twisted.internet.defer import Deferred

from im.client.grouped import Outcome, Place
from im.core.changing import Readers
from im.core.entries import RICH, TEXT
from im.core.grouping import Asking, AskingPage, GroupRecord, MemberPage, MemberRecord
from im.core.groups import DEFAULT_SETTINGS
from im.proto import chat_pb2, content_pb2, group_pb2
from im.test.client.cases import ClientTestCase

GROUP = "g~talk"


class GroupedTests(ClientTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.start()

    def answered(self, asked: type[Body], answer: Body, ask: Callable[[], Deferred[Any]]) -> tuple[Any, Any]:
        """Have something asked that is answered so; what was asked, and what came of it."""
        self.node.answers[asked] = lambda _: answer
        told = ask()
        self.node.turns()
        return [each for each in self.node.asked if isinstance(each, asked)][-1], self.successResultOf(told)

    def test_a_group_is_made(self) -> None:
        answer = group_pb2.GroupChanged(conversation=GROUP, seq=1, member_version=1)
        asked, told = self.answered(
            group_pb2.CreateGroup, answer, lambda: self.client.create_group("Talk", ["bob"])
        )
        self.assertEqual((16, "Talk", ["bob"]), (len(asked.key), asked.name, list(asked.members)))
        self.assertEqual(Outcome(GROUP, 1, 1), told)

    def test_each_change_of_a_group_names_what_changes(self) -> None:
        client = self.client
        changes: dict[str, Callable[[], Deferred[Outcome]]] = {
            "set": lambda: client.set_group(GROUP, name="New", is_muted=True),
            "invite": lambda: client.invite(GROUP, ["bob"]),
            "join": lambda: client.join_group(GROUP, "hi"),
            "approve": lambda: client.approve(GROUP, "bob"),
            "decline": lambda: client.decline(GROUP, "bob"),
            "leave": lambda: client.leave_group(GROUP),
            "remove": lambda: client.remove_members(GROUP, ["bob"]),
            "set_role": lambda: client.set_role(GROUP, "bob", "admin"),
            "transfer": lambda: client.transfer_group(GROUP, "bob"),
            "silence": lambda: client.silence(GROUP, "bob", 60),
            "dissolve": lambda: client.dissolve_group(GROUP),
        }
        keys = set()
        for name, change in changes.items():
            answer = group_pb2.GroupChanged(conversation=GROUP, asked=name == "join")
            asked, told = self.answered(group_pb2.ChangeGroup, answer, change)
            self.assertEqual((name, GROUP), (asked.WhichOneof("change"), asked.conversation))
            self.assertEqual(Outcome(GROUP, 0, 0, name == "join"), told)
            keys.add(asked.key)
        self.assertEqual(len(changes), len(keys))

    def test_a_group_and_its_pages_are_read(self) -> None:
        settings = group_pb2.GroupSettings(**DEFAULT_SETTINGS._asdict())
        body = group_pb2.Group(conversation=GROUP, name="Talk", owner="bob", settings=settings, role="member")
        _, group = self.answered(group_pb2.GetGroup, body, lambda: self.client.group(GROUP))
        self.assertEqual(
            GroupRecord(GROUP, "Talk", "", "", "bob", DEFAULT_SETTINGS, 0, 0, 0, 0, False, "member", 0), group
        )
        page = group_pb2.Members(
            conversation=GROUP, member_version=2, members=[group_pb2.Member(user="bob", role="owner")]
        )
        _, members = self.answered(group_pb2.GetMembers, page, lambda: self.client.members(GROUP))
        self.assertEqual(MemberPage(GROUP, 2, (MemberRecord("bob", "owner", 0),), ""), members)
        asking = group_pb2.AskingPage(conversation=GROUP, asking=[group_pb2.Asking(user="eve", text="hi")])
        _, told = self.answered(group_pb2.GetAsking, asking, lambda: self.client.asking(GROUP))
        self.assertEqual(AskingPage(GROUP, (Asking("eve", "hi", 0),), ""), told)

    def test_messages_are_changed_for_all(self) -> None:
        changes: dict[str, Callable[[], Deferred[Outcome]]] = {
            "recall": lambda: self.client.recall(GROUP, 5),
            "edit": lambda: self.client.edit(GROUP, 5, "better"),
            "react": lambda: self.client.react(GROUP, 5, "+1"),
        }
        for name, change in changes.items():
            answer = content_pb2.MessageChanged(conversation=GROUP, seq=8)
            asked, told = self.answered(content_pb2.ChangeMessage, answer, change)
            self.assertEqual((name, 5, Outcome(GROUP, 8)), (asked.WhichOneof("change"), asked.target, told))

    def test_entries_are_deleted_and_cleared_for_oneself(self) -> None:
        answer = content_pb2.Place(conversation=GROUP, visible_from=3, unread=1)
        asked, told = self.answered(
            content_pb2.DeleteEntries, answer, lambda: self.client.delete(GROUP, [1, 2])
        )
        self.assertEqual(([1, 2], Place(GROUP, 3, 1)), (list(asked.seqs), told))
        asked, told = self.answered(content_pb2.ClearHistory, answer, lambda: self.client.clear(GROUP, 2))
        self.assertEqual((2, Place(GROUP, 3, 1)), (asked.seq, told))

    def test_readers_are_told(self) -> None:
        answer = content_pb2.Readers(conversation=GROUP, seq=5, count=1, members=2, users=["bob"])
        _, told = self.answered(content_pb2.GetReaders, answer, lambda: self.client.readers(GROUP, 5))
        self.assertEqual(Readers(GROUP, 5, 1, 2, ("bob",)), told)

    def test_a_text_that_answers_or_mentions_is_sent_as_such(self) -> None:
        sent = self.client.send_rich(GROUP, "yes", reply_to=5, mentions=["bob"], seen_seq=6)
        self.node.turns()
        self.assertEqual(self.successResultOf(sent).conversation, GROUP)
        (chat,) = [each for each in self.node.asked if isinstance(each, chat_pb2.Chat)]
        self.assertEqual((chat.conversation, chat.kind, chat.seen_seq), (GROUP, RICH, 6))
        rich = content_pb2.Rich.FromString(chat.content)
        self.assertEqual((rich.kind, rich.content, rich.reply_to), (TEXT, b"yes", 5))
        self.assertEqual((list(rich.mentions), rich.mentions_everyone), (["bob"], False))
