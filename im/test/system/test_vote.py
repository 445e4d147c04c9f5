"""The walk of `docs/extending.md`, followed in a fresh venv; and what two packages with one number get."""

import json
import shutil
import signal
import sys
from importlib.metadata import distribution
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from im.test.docs_commands import commands
from im.test.system.processes import ROOT, Process, ready_node

PAGE = ROOT / "docs" / "extending.md"
EXAMPLE = Path("docs/examples/vote")
DEV_PACKAGES = Path(str(distribution("twisted").locate_file(""))).resolve()
FREE = "tcp:0:interface=127.0.0.1"
STAND_INS = {
    "scripts/run": 'exec .venv/bin/python -m im.tap.supervisor "$@"',
    "scripts/imctl": "exec .venv/bin/python -c 'from im.cli.main import main; main()' \"$@\"",
    ".venv/bin/pip": f'exec {sys.executable} -m pip -q --python .venv/bin/python "$@" --ignore-installed'
    " --no-deps --no-build-isolation --no-index --disable-pip-version-check",
    ".venv/bin/trial": 'exec .venv/bin/python -m twisted.trial "$@"',
}
"""What a clone has, without a network."""


class VoteTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()
        self.state = self.folder / "var"
        ignored = shutil.ignore_patterns("__pycache__", "build", "*.egg-info")
        shutil.copytree(ROOT / EXAMPLE, self.folder / EXAMPLE, ignore=ignored)
        self.run_to_its_end(f"{sys.executable} -m venv --without-pip .venv")
        (site,) = (self.folder / ".venv" / "lib").glob("python*/site-packages")
        (site / "dependencies.pth").write_text(f"{DEV_PACKAGES}\n{ROOT}\n")
        twistd = self.folder / ".venv/bin/twistd"
        twistd.write_text("from twisted.scripts.twistd import run\nrun()\n")
        for name, text in STAND_INS.items():
            path = self.folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"#!/bin/sh\n{text}\n")
            path.chmod(0o755)

    def start(self, text: str) -> Process:
        places = dict.fromkeys(("IM_LISTEN", "IM_HTTP", "IM_ADMIN"), FREE)
        command: list[str | Path] = ["/bin/sh", "-c", f"exec {text}"]
        process = Process(command, self.folder, IM_STATE_DIR=str(self.state), **places)
        self.addCleanup(process.end)
        return process

    def run_to_its_end(self, text: str) -> Process:
        process = self.start(text)
        self.assertEqual(process.wait(), 0, f"{text}: {process.out}{process.err}")
        return process

    def test_the_walk_ends_with_counted_votes(self) -> None:
        ended: dict[str, Process] = {}
        for command in commands(PAGE):
            if command.text == "scripts/run":
                node = self.start(command.text)
                ready_node(self.state, node)
            else:
                ended[command.text.split()[1]] = self.run_to_its_end(command.text)
        self.assertEqual(list(ended), ["install", "call", "history", str(EXAMPLE / "tests" / "test_vote.py")])
        self.assertTrue(ended["history"].out.rstrip().endswith("lunch: rice 1, soup 1"), ended["history"].out)
        self.assert_kill_minus_nine_forgets_nothing(node)

    def assert_kill_minus_nine_forgets_nothing(self, node: Process) -> None:
        told = ready_node(self.state, node)
        Process(["kill", "-9", str(told.pid)], self.folder).wait()
        ready_node(self.state, node, not_pid=told.pid)
        again = self.run_to_its_end(
            "scripts/imctl call --json --as bob --conversation 'd~alice~bob' 10001"
            """ '{"poll": "lunch", "choice": "soup"}'"""
        )
        answer = {"type": 10_002, "name": "Votes", "body": {"choices": {"alice": "soup", "bob": "soup"}}}
        self.assertEqual(json.loads(again.out), answer)
        history = self.run_to_its_end("scripts/imctl history --json --as bob --with alice")
        texts = [json.loads(line)["text"] for line in history.out.splitlines()]
        self.assertEqual(texts, ["lunch: soup 1", "lunch: rice 1, soup 1", "lunch: soup 2"])
        unowned = self.start("scripts/imctl call --json --as bob --raw 10099 082a")
        self.assertEqual((unowned.wait(), json.loads(unowned.err)["error"]), (1, "unknown_type"))
        node.send(signal.SIGTERM)
        self.assertEqual(node.wait(), 0, node.err)

    def test_two_packages_with_one_number_are_named_and_nothing_starts(self) -> None:
        self.run_to_its_end(f".venv/bin/pip install {EXAMPLE}")
        about = self.folder / EXAMPLE / "pyproject.toml"
        text = about.read_text().replace('"im-vote"', '"shop-vote"').replace("vote = ", "shop_vote = ")
        about.write_text(text)
        self.run_to_its_end(f".venv/bin/pip install {EXAMPLE}")
        process = self.start("scripts/run")
        self.assertEqual(process.wait(), 1)
        (sentence,) = process.err.splitlines()
        for word in ("10001", "im-vote 1.0", "shop-vote 1.0"):
            self.assertIn(word, sentence)
