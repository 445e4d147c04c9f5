"""Groups and changes of messages by wire: what each frame asks for, and what answers it."""

from google.protobuf.message import Message

from im.core import changing, grouping
from im.core.changing import ChangeMessage, MessageChanged, PlaceChanged, Readers
from im.core.commands import Result
from im.core.entries import IMAGE, RICH, TEXT
from im.core.errors import Code, Refused
from im.core.grouping import (
    Asking,
    AskingPage,
    ChangeGroup,
    CreateGroup,
    GroupChanged,
    GroupRecord,
    MemberPage,
)
from im.core.groups import DEFAULT_SETTINGS, group_conversation
from im.core.messages import Entry, Send, Sent
from im.proto import content_pb2, group_pb2
from im.test.gateway.test_handlers import HandlerCase, chat
from im.test.gateway.world import DIRECT

GROUP = "g~talk"
KEY = b"k" * 16
ENTRY = Entry(7, 5, 102, "alice", KEY, 77, b"")
DONE = GroupChanged(GROUP, ENTRY, "e1", True, 1, 2)

CHANGES: list[tuple[dict[str, object], grouping.GroupChange]] = [
    (
        {"set": group_pb2.SetGroup(name="", is_muted=False)},
        grouping.SetGroup(name="", is_muted=False),
    ),
    ({"invite": group_pb2.GroupUsers(users=["bob", "eve"])}, grouping.Invite(("bob", "eve"))),
    ({"join": group_pb2.JoinGroup(text="hi")}, grouping.Join("hi")),
    ({"approve": "bob"}, grouping.Approve("bob")),
    ({"decline": "bob"}, grouping.Decline("bob")),
    ({"leave": group_pb2.LeaveGroup()}, grouping.Leave()),
    ({"remove": group_pb2.GroupUsers(users=["bob"])}, grouping.Remove(("bob",))),
    ({"set_role": group_pb2.SetRole(user="bob", role="admin")}, grouping.SetRole("bob", "admin")),
    ({"transfer": "bob"}, grouping.Transfer("bob")),
    ({"silence": group_pb2.Silence(user="bob", seconds=60)}, grouping.Silence("bob", 60)),
    ({"dissolve": group_pb2.DissolveGroup()}, grouping.Dissolve()),
]


class GroupHandlerTests(HandlerCase):
    def test_a_group_is_made_under_an_id_that_follows_from_the_request(self) -> None:
        body = group_pb2.CreateGroup(
            key=KEY, name="Talk", members=["bob"], settings=group_pb2.GroupSettings(may_post="admin")
        )
        command, answer = self.ask(body, DONE)
        settings = DEFAULT_SETTINGS._replace(may_post="admin")
        name = group_conversation("alice", KEY)
        self.assertEqual(
            command, CreateGroup(name, "alice", KEY, "alice", "Talk", settings=settings, members=("bob",))
        )
        self.assertEqual(answer, group_pb2.GroupChanged(conversation=GROUP, seq=7, member_version=2))

    def test_each_change_is_asked_for_in_the_user_s_name(self) -> None:
        for fields, change in CHANGES:
            body = group_pb2.ChangeGroup(conversation=GROUP, key=KEY, **fields)  # type: ignore[arg-type]
            command, _ = self.ask(body, DONE)
            self.assertEqual(command, ChangeGroup(GROUP, "alice", KEY, change))

    def test_what_stood_so_before_or_waits_for_approval_has_no_seq(self) -> None:
        body = group_pb2.ChangeGroup(conversation=GROUP, key=KEY, leave=group_pb2.LeaveGroup())
        _, answer = self.ask(body, DONE._replace(entry=None, asked=True))
        self.assertEqual(answer, group_pb2.GroupChanged(conversation=GROUP, member_version=2, asked=True))

    def test_what_is_wrong_never_reaches_the_business_layer(self) -> None:
        leave = group_pb2.LeaveGroup()
        cases: list[tuple[Message, str]] = [
            (group_pb2.CreateGroup(key=b"short"), "key"),
            (group_pb2.ChangeGroup(conversation=GROUP, key=b"short", leave=leave), "key"),
            (group_pb2.ChangeGroup(conversation=DIRECT, key=KEY, leave=leave), "conversation"),
            (group_pb2.ChangeGroup(conversation=GROUP, key=KEY), "change"),
            (group_pb2.GetGroup(conversation=DIRECT), "conversation"),
            (group_pb2.GetMembers(conversation=GROUP, after="\0"), "after"),
            (group_pb2.GetAsking(conversation="g~a b"), "conversation"),
            (content_pb2.ChangeMessage(conversation=GROUP, key=KEY, target=1), "change"),
            (content_pb2.ChangeMessage(conversation=GROUP, key=b"", target=1), "key"),
            (content_pb2.DeleteEntries(conversation="nowhere"), "conversation"),
            (content_pb2.ClearHistory(conversation=GROUP, seq=2**63), "seq"),
            (content_pb2.GetReaders(conversation=GROUP, seq=2**63), "seq"),
            (chat(kind=IMAGE, content=b"\xff"), "content"),
            (chat(kind=IMAGE, content=content_pb2.Media(url="ftp://x").SerializeToString()), "url"),
            (chat(kind=RICH, content=content_pb2.Rich(kind=RICH, content=b"x").SerializeToString()), "kind"),
        ]
        for body, field in cases:
            self.assertEqual(self.refused(body), ("invalid_argument", field), body)

    def test_a_refusal_is_handed_on(self) -> None:
        refused = Refused(Code.PERMISSION_DENIED, "no", "users")
        bodies: list[Message] = [
            group_pb2.GetGroup(conversation=GROUP),
            content_pb2.ClearHistory(conversation=GROUP, seq=1),
        ]
        for body in bodies:
            _, answer = self.ask(body, refused)
            self.assertEqual(getattr(answer, "name", ""), "permission_denied")

    def test_a_group_and_its_pages_are_shown(self) -> None:
        record = GroupRecord(GROUP, "Talk", "", "", "bob", DEFAULT_SETTINGS, 2, 1, 3, 77, False, "admin", 0)
        shown: list[tuple[Message, Result, type[Message]]] = [
            (group_pb2.GetGroup(conversation=GROUP), record, group_pb2.Group),
            (group_pb2.GetMembers(conversation=GROUP), MemberPage(GROUP, 3, (), "bob"), group_pb2.Members),
            (
                group_pb2.GetAsking(conversation=GROUP),
                AskingPage(GROUP, (Asking("eve", "hi", 7),), ""),
                group_pb2.AskingPage,
            ),
        ]
        for body, result, kind in shown:
            _, answer = self.ask(body, result)
            self.assertIsInstance(answer, kind)


class ChangeHandlerTests(HandlerCase):
    def test_each_change_of_a_message_is_asked_for(self) -> None:
        changes: list[tuple[dict[str, object], changing.MessageChange]] = [
            ({"recall": content_pb2.RecallMessage()}, changing.Recall()),
            ({"edit": content_pb2.EditMessage(content=b"better")}, changing.Edit(b"better")),
            ({"react": content_pb2.ReactToMessage(reaction="+1", is_set=True)}, changing.React("+1")),
        ]
        for fields, change in changes:
            body = content_pb2.ChangeMessage(conversation=DIRECT, key=KEY, target=3, **fields)  # type: ignore[arg-type]
            command, answer = self.ask(body, MessageChanged(DIRECT, ENTRY, "e1", True, 0))
            self.assertEqual(command, ChangeMessage(DIRECT, "alice", KEY, 3, change))
            self.assertEqual(answer, content_pb2.MessageChanged(conversation=DIRECT, seq=7))

    def test_what_is_for_oneself_alone_says_what_is_left(self) -> None:
        bodies: list[Message] = [
            content_pb2.DeleteEntries(conversation=DIRECT, seqs=[1, 2]),
            content_pb2.ClearHistory(conversation=DIRECT, seq=2),
        ]
        for body in bodies:
            _, answer = self.ask(body, PlaceChanged(DIRECT, "alice", 3, 1, True))
            self.assertEqual(answer, content_pb2.Place(conversation=DIRECT, visible_from=3, unread=1))

    def test_readers_are_told(self) -> None:
        body = content_pb2.GetReaders(conversation=GROUP, seq=5)
        _, answer = self.ask(body, Readers(GROUP, 5, 1, 2, ("bob",)))
        self.assertEqual(
            answer, content_pb2.Readers(conversation=GROUP, seq=5, count=1, members=2, users=["bob"])
        )

    def test_a_rich_message_says_whom_it_mentions(self) -> None:
        rich = content_pb2.Rich(kind=TEXT, content=b"hi", mentions=["bob"], mentions_everyone=True)
        body = chat(kind=RICH, conversation=GROUP, content=rich.SerializeToString())
        command, _ = self.ask(body, Sent(GROUP, 5, 4, 99, "e1", False))
        assert isinstance(command, Send)
        self.assertEqual(("", "bob"), command.mentions)

    def test_media_places_and_cards_are_taken(self) -> None:
        media = content_pb2.Media(url="https://x/y", media_type="image/png")
        contents: list[tuple[int, Message]] = [
            (2, media),
            (3, media),
            (5, content_pb2.Location(latitude=1.0)),
            (6, content_pb2.Card(title="A thing", url="https://x/y")),
        ]
        for kind, content in contents:
            body = chat(kind=kind, content=content.SerializeToString())
            command, _ = self.ask(body, Sent(DIRECT, 5, 4, 99, "e1", False))
            assert isinstance(command, Send)
            self.assertEqual((kind, ()), (command.kind, command.mentions))
