"""The word filter of the page about hooks, in a node of its own, by its command."""

from twisted.trial.unittest import SynchronousTestCase

from im.test.docs_commands import commands
from im.test.system.pasting import paste
from im.test.system.processes import ROOT


class WordFilterTests(SynchronousTestCase):
    def test_it_prints_what_passed_and_what_did_not(self) -> None:
        (command,) = commands(ROOT / "docs" / "hooks.md")
        self.assertEqual(
            paste(command.text).out.splitlines(),
            [
                "alice is told: permission_denied: that is not said here",
                "bob reads: hello",
                "bob reads: ****, ******!",
            ],
        )
