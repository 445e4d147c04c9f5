"""What became of a message, at its side."""

from twisted.trial.unittest import SynchronousTestCase

from im.cli.commands.history import entries_of
from im.cli.marks import Mark
from im.cli.records import record
from im.client.core.events import Message
from im.client.settings import HistoryPage
from im.core.folding import Fold, Reaction

HERE = "d~alice~bob"


class FoldTest(SynchronousTestCase):
    def test_an_edited_message_with_reactions_says_so(self) -> None:
        messages = [Message(HERE, "e", seq, 1, "alice", b"", 1_000, b"hi") for seq in (1, 2)]
        folds = {1: Fold(1, 3, (Reaction("👍", 2, True), Reaction("🎉", 1, False)))}
        page = HistoryPage(messages, False, 5, 0, 1, 2, folds)
        first, second = entries_of(page, "alice")
        self.assertEqual((first.said, first.mark), ("hi (edited) [👍 2, 🎉]", Mark.READ))
        self.assertEqual((second.said, second.mark), ("hi", Mark.DELIVERED))
        told = record(first)
        self.assertEqual(told["edited_seq"], 3)
        reactions = [
            {"reaction": "👍", "users": 2, "own": True},
            {"reaction": "🎉", "users": 1, "own": False},
        ]
        self.assertEqual(told["reactions"], reactions)
        self.assertNotIn("reactions", record(second))

    def test_one_with_reactions_alone_is_not_called_edited(self) -> None:
        page = HistoryPage(
            [Message(HERE, "e", 1, 1, "bob", b"", 1_000, b"hi")],
            *(False, 2, 0, 0, 0),
            {1: Fold(1, 0, (Reaction("👍", 1, False),))},
        )
        (entry,) = entries_of(page, "alice")
        self.assertEqual(entry.said, "hi [👍]")
