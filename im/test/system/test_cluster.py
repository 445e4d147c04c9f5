"""`scripts/cluster`, as a newcomer runs it."""

import json
import os
import signal
import urllib.request
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from im.test.docs_commands import commands
from im.test.system.cluster_personal import check_personal
from im.test.system.cluster_seeing import check_metrics, check_seeing
from im.test.system.imctl import environment, run
from im.test.system.pasting import paste
from im.test.system.processes import ROOT, Process, is_alive, wait_for
from im.testing.clusters.folders import cluster_folder

READY_SECONDS = 60.0
SCENARIOS = ROOT / "docs" / "scenarios.md"


class ClusterTests(SynchronousTestCase):
    uses_processes = True

    def setUp(self) -> None:
        self.folder = cluster_folder(self)
        self.state = self.folder / "state"
        command: list[str | Path] = [ROOT / "scripts" / "cluster", "--state-dir", self.state]
        self.process = Process(command, self.folder, **environment())
        self.addCleanup(self.process.end)
        wait_for(lambda: self.process.has_ended or "ready" in self.process.out, "ready", READY_SECONDS)

    def imctl(self, *argv: str) -> list[dict[str, Any]]:
        ended = run(self.folder, *argv, "--state-dir", str(self.state), "--json")
        self.assertEqual(ended.status, 0, ended.err)
        return ended.records

    def pids(self) -> list[int]:
        return [json.loads(each.read_text())["pid"] for each in self.state.glob("*/node.json")]

    def test_it_is_ready_crosses_messages_heals_and_leaves_nothing_behind(self) -> None:
        out = self.process.out
        self.assertTrue(any(line.startswith("ready") for line in out.splitlines()), out + self.process.err)
        self.assertIn("imctl chat", out)
        first, second = (node["node"] for node in self.imctl("nodes"))
        self.check_crossing(first, second)
        check_seeing(self, self.imctl, self.state, (first, second))
        check_metrics(self, self.state)
        self.check_operators(first, second)
        self.check_scenarios()
        self.check_http(first, second)
        check_personal(self, self.imctl, (first, second))
        self.check_healing(first)
        pids = self.pids()
        self.assertEqual(len(pids), 4)
        self.process.send(signal.SIGTERM)
        self.assertEqual(self.process.wait(), 0)
        self.assertEqual([pid for pid in pids if is_alive(pid)], [])

    def check_crossing(self, first: str, second: str) -> None:
        """A message goes from one node to the other."""
        (sent,) = self.imctl("send", "--node", first, "--as", "alice", "--to", "bob", "across")
        (got,) = self.imctl("tail", "--node", second, "--as", "bob", "--count", "1", "--timeout", "10")
        self.assertEqual((got["text"], got["seq"]), ("across", sent["seq"]))

    def check_operators(self, first: str, second: str) -> None:
        """Any node answers operators."""
        self.imctl("users", "--node", first, "create", "carol", "--name", "Carol")
        (shown,) = self.imctl("users", "--node", second, "show", "carol")
        self.assertEqual(shown["name"], "Carol")
        self.imctl("push", "--node", second, '{"paid": true}', "--to", "carol")
        (pushed,) = self.imctl("tail", "--node", first, "--as", "carol", "--count", "1", "--timeout", "10")
        self.assertIn("paid", pushed["text"])

    def check_http(self, first: str, second: str) -> None:
        """What a back end does at one node comes to clients of the other."""
        scopes = ("--scope", "messages:write", "--scope", "relations")
        (made,) = self.imctl("keys", "--node", first, "create", "shop", *scopes)
        http = json.loads((self.state / first / "node.json").read_text())["http"].rstrip("/")
        for path, body in (
            ("friends/import", {"friends": [{"user": "dora", "friend": "emil"}]}),
            ("messages?as=dora", {"to": "emil", "text": "by HTTP"}),
        ):
            headers = {"Authorization": f"Bearer {made['key']}"}
            request = urllib.request.Request(f"{http}/v1/{path}", json.dumps(body).encode(), headers)
            with urllib.request.urlopen(request, timeout=READY_SECONDS) as answer:
                self.assertEqual(answer.status, 200)
        got = self.imctl("tail", "--node", second, "--as", "emil", "--count", "2", "--timeout", "10")
        self.assertEqual((got[-1]["text"], got[-1]["seq"]), ("by HTTP", 3))

    def check_scenarios(self) -> None:
        """The scenarios' page, command by command."""
        found = [each.text.replace(" var", f" {self.state}") for each in commands(SCENARIOS)]
        self.assertGreater(len(found), 5)
        for text in found[1:]:  # The first starts a node.
            paste(text, {"IM_STATE_DIR": str(self.state)})

    def check_healing(self, node: str) -> None:
        """What is killed comes back at its place."""
        told = json.loads((self.state / node / "node.json").read_text())
        os.kill(told["pid"], signal.SIGKILL)

        def is_back() -> bool:
            found = json.loads((self.state / node / "node.json").read_text())
            return found["pid"] != told["pid"] and is_alive(found["pid"])

        wait_for(is_back, "the node's next process", READY_SECONDS)
        again = json.loads((self.state / node / "node.json").read_text())
        self.assertEqual(again["listen"], told["listen"])
