"""The example bot beside a node, as its page says."""

from im.test.system.imctl import ImctlCase
from im.test.system.processes import BIN, ROOT, Process

EXAMPLE = ROOT / "docs" / "examples" / "echo_bot.py"


class EchoBotTests(ImctlCase):
    def test_it_answers_as_echo_without_any_variable(self) -> None:
        (self.folder / "var").symlink_to(self.state)
        bot = Process([BIN / "python", EXAMPLE], self.folder)
        self.addCleanup(bot.end)
        self.send("alice", "echo", "are you there?")
        answer = self.ok("tail", "--as", "alice", "--json", "--count", "1", "--timeout", "20").record
        self.assertEqual((answer["sender"], answer["text"]), ("echo", "are you there?"), bot.err)
        self.assertFalse(bot.has_ended, bot.err)

    def test_it_says_in_one_sentence_that_no_node_runs(self) -> None:
        self.node.end()
        bot = Process([BIN / "python", EXAMPLE], self.folder, IM_STATE_DIR=str(self.state))
        self.addCleanup(bot.end)
        self.assertEqual(bot.wait(), 1)
        self.assertEqual(bot.err.count("\n"), 1, bot.err)
        self.assertIn("no node runs in", bot.err)
