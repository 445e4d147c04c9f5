"""The word filter of the page about hooks, in a node of its own, by its command."""

import shlex
import subprocess

from twisted.trial.unittest import SynchronousTestCase

from im.test.docs_commands import commands
from im.test.system.imctl import environment
from im.test.system.processes import BIN, PATIENCE_SECONDS, ROOT


class WordFilterTests(SynchronousTestCase):
    def test_it_prints_what_passed_and_what_did_not(self) -> None:
        (command,) = commands(ROOT / "docs" / "hooks.md")
        program = [str(BIN / "python"), *shlex.split(command.text)[1:]]
        done = subprocess.run(
            program, cwd=ROOT, env=environment(), capture_output=True, timeout=PATIENCE_SECONDS, check=False
        )
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        self.assertEqual(
            done.stdout.decode().splitlines(),
            [
                "alice is told: permission_denied: that is not said here",
                "bob reads: hello",
                "bob reads: ****, ******!",
            ],
        )
