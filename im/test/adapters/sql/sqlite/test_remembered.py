"""What the writer remembers of conversations between two transactions stays small."""

from twisted.trial.unittest import SynchronousTestCase

from im.adapters.sql.operations.conversations import MEMBERS_EACH, Conversation, Conversations, Member
from im.adapters.sql.sqlite import MemoryDatabase
from im.core.ids import DIRECT, GROUP
from im.core.unread import Cursors


class RememberedTests(SynchronousTestCase):
    def setUp(self) -> None:
        database = MemoryDatabase()
        self.addCleanup(database.close)
        self.conversations = Conversations(database.connect_writer(), 2)

    def make(self, name: str, members: int, kind: str = DIRECT) -> None:
        """Store a conversation with so many members."""
        users = {f"user{number}": Member(f"user{number}", Cursors()) for number in range(members)}
        self.conversations.create(Conversation(name, kind, 1, members=users))
        self.end()

    def end(self) -> None:
        """The end of a transaction."""
        self.conversations.write(1)
        self.conversations.keep()

    def known(self, *names: str) -> list[str]:
        """Those that are remembered, asked for in this order."""
        return [name for name in names if self.conversations.known(name) is not None]

    def test_the_conversations_used_last_are_remembered(self) -> None:
        for name in ("c1", "c2"):
            self.make(name, 2)
        self.known("c1")
        self.make("c3", 2)
        self.assertEqual(["c1", "c3"], self.known("c1", "c2", "c3"))

    def test_a_group_whose_many_members_post_is_let_go_sooner(self) -> None:
        self.make("c1", 2)
        self.make("g1", 2 * MEMBERS_EACH + 1, GROUP)
        self.assertEqual([], self.known("c1", "g1"))

    def test_only_those_members_are_remembered_who_were_needed(self) -> None:
        self.make("g1", 2 * MEMBERS_EACH + 1, GROUP)
        group = self.conversations.load("g1")
        assert group is not None
        self.assertIsNotNone(self.conversations.member(group, "user3"))
        self.assertIsNone(self.conversations.member(group, "nobody"))
        self.end()
        self.assertEqual((["g1"], ["user3"]), (self.known("g1"), list(group.members)))

    def test_what_was_rolled_back_is_not_counted(self) -> None:
        users = {f"user{number}": Member(f"user{number}", Cursors()) for number in range(2 * MEMBERS_EACH)}
        self.conversations.create(Conversation("g1", GROUP, 1, members=users))
        self.conversations.forget()
        self.make("c1", 2)
        self.assertEqual(["c1"], self.known("g1", "c1"))
