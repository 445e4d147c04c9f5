"""What somebody may do in a chat beside talking."""

from collections.abc import Sequence
from typing import Any, cast

from twisted.internet.defer import Deferred, fail, succeed
from twisted.trial.unittest import SynchronousTestCase

from im.cli.chat_commands import HELP, Commands, is_command, to_say
from im.client.client import Client
from im.client.core.events import Refusal
from im.client.errors import server_error
from im.client.related import Relation
from im.core.errors import Code
from im.core.groups import GroupFacts
from im.core.messages import Head
from im.core.relations import ACCEPTED, FRIEND, PENDING, Contact, FriendRequest, RequestPage

LUNCH = GroupFacts("Lunch", "", 3, "member", 0, False)


def head(conversation: str, unread: int = 0, **fields: Any) -> Head:
    return Head(conversation, 1, 1, 0, unread, 0, 0, 1, True, 0, 0, 0, 0, None)._replace(**fields)


class FakeClient:
    """Answers what a chat asks for beside talking."""

    def __init__(self) -> None:
        self.known = [
            head("d~alice~bob", 2, contact=Contact("Bobby")),
            head("g~1", 1, group=LUNCH, contact=Contact(muted=True)),
            head("d~alice~eve", contact=Contact(hidden=True)),
        ]
        self.requests = [FriendRequest("dave", "alice", "me", PENDING, 5)]
        self.has_seen = False
        self.error: Exception | None = None

    def heads(self) -> "Deferred[list[Head]]":
        return succeed(self.known) if self.error is None else fail(self.error)

    def friend_requests(self) -> "Deferred[RequestPage]":
        return succeed(RequestPage(tuple(self.requests), 1, False))

    def see_requests(self) -> "Deferred[None]":
        self.has_seen = True
        return succeed(None)

    def accept_friend(self, user: str) -> "Deferred[Relation]":
        return succeed(Relation(user, FRIEND, False, None))

    def decline_friend(self, user: str) -> "Deferred[Relation]":
        return succeed(Relation(user, "", False, None))


class CommandsTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.client = FakeClient()
        self.opened: list[str] = []
        self.told: list[str] = []

    def run_line(self, line: str) -> list[str]:
        """What is told when a line is entered."""
        commands = Commands(cast(Client, self.client), "alice", self._tell, self._open)
        self.told = []
        self.successResultOf(commands.run(line))
        return self.told

    def _tell(self, lines: Sequence[str]) -> None:
        self.told += lines

    def _open(self, conversation: str) -> "Deferred[None]":
        self.opened.append(conversation)
        return succeed(None)

    def test_a_slash_begins_a_command_and_two_say_one(self) -> None:
        self.assertEqual([is_command(each) for each in ("/x", "//x", "x/", "")], [True, False, False, False])
        self.assertEqual([to_say(each) for each in ("//x", "x/", "a//b")], ["/x", "x/", "a//b"])

    def test_contacts_are_listed_with_names_and_unread(self) -> None:
        bob, lunch, total = self.run_line("/contacts")
        self.assertEqual(bob.split(), ["2", "Bobby", "(bob)"])
        self.assertEqual(lunch.split(), ["1", "Lunch", "(g~1)", "[muted]"])
        self.assertEqual(total.split(), ["2", "unread"])

    def test_groups_are_listed(self) -> None:
        (lunch,) = self.run_line("/groups")
        self.assertEqual(lunch.split(), ["1", "member", "3", "members", "Lunch", "(g~1)"])
        self.client.known = []
        self.assertEqual(self.run_line("/groups"), ["you are in no group"])

    def test_requests_that_wait_are_listed_and_seen(self) -> None:
        self.client.requests.append(FriendRequest("fay", "alice", "", ACCEPTED, 4, 5))
        self.assertEqual(self.run_line("/requests"), ["pending from dave: me"])
        self.assertTrue(self.client.has_seen)
        self.client.requests = []
        self.assertEqual(self.run_line("/requests"), ["nobody asks to be your friend"])

    def test_requests_are_answered(self) -> None:
        self.assertEqual(self.run_line("/accept dave"), ["dave: a friend"])
        self.assertEqual(self.run_line(" /decline  dave ".strip()), ["dave: no friend"])

    def test_a_conversation_is_opened_by_id_name_or_user(self) -> None:
        for name in ("bob", "Bobby", "d~alice~bob", "Lunch", "g~1", "zoe"):
            self.assertEqual(self.run_line(f"/open {name}"), [])
        bobs, lunch = ["d~alice~bob"] * 3, ["g~1"] * 2
        self.assertEqual(self.opened, [*bobs, *lunch, "d~alice~zoe"])

    def test_a_name_of_several_opens_none_and_an_id_goes_first(self) -> None:
        self.client.known.append(head("g~2", group=LUNCH))
        self.assertEqual(self.run_line("/open Lunch")[1:], ["Lunch (g~1)", "Lunch (g~2)"])
        self.assertEqual(self.opened, [])
        self.client.known.append(head("g~3", group=LUNCH._replace(name="bob")))
        self.run_line("/open bob")
        self.assertEqual(self.opened, ["d~alice~bob"])

    def test_what_cannot_be_done_says_why(self) -> None:
        self.assertIn("no user", self.run_line("/open a~b")[0])
        self.assertIn("themselves", self.run_line("/open alice")[0])
        self.assertIn("NAME", self.run_line("/open")[0])
        self.assertEqual(self.opened, [])
        self.client.error = server_error(Refusal(Code.UNAVAILABLE, "unavailable", "not now"))
        self.assertEqual(self.run_line("/contacts"), ["unavailable: not now"])

    def test_what_is_no_command_lists_them(self) -> None:
        self.assertEqual(self.run_line("/help"), list(HELP))
        self.assertEqual(self.run_line("/"), list(HELP))

    def test_a_name_cannot_draw_on_the_terminal(self) -> None:
        self.client.known = [head("g~1", group=LUNCH._replace(name="\x1b[2J"))] * 2
        self.assertIn("\\x1b[2J (g~1)", self.run_line("/open \x1b[2J")[1])
