"""A type that a program outside owns: it comes and goes while the cluster runs on."""

import sys

import pika

from im.test.docs_commands import commands
from im.test.system.cluster_case import ClusterCase
from im.test.system.imctl import Ended, run
from im.test.system.processes import ROOT, Process, wait_for

PAGE = ROOT / "docs" / "cluster.md"
PROGRAM = "docs/examples/custom_consumer/seats.py"
ASK = "scripts/imctl call 10100 --raw 4137 --as alice --state-dir var/cluster --node node-1"


class CustomConsumerTests(ClusterCase):
    def ask(self, user: str) -> Ended:
        _, *argv = ASK.replace("alice", user).replace("var/cluster", str(self.state)).split()
        return run(self.folder, *argv, "--json")

    def own(self) -> Process:
        url = self.cluster.urls["IM_AMQP_URL"]
        program = Process([sys.executable, ROOT / PROGRAM, "--amqp-url", url], self.folder)
        self.addCleanup(program.end)
        wait_for(lambda: "is served" in program.out, "a served queue")
        return program

    def leave_something_else(self) -> None:
        """A message in its queue that is no request."""
        with pika.BlockingConnection(pika.URLParameters(self.cluster.urls["IM_AMQP_URL"])) as connection:
            connection.channel().basic_publish("", "im.custom.10100", b"from elsewhere")

    def test_the_page_has_these_commands(self) -> None:
        texts = [each.text for each in commands(PAGE)]
        self.assertIn(ASK, texts)
        self.assertIn(f'.venv/bin/python {PROGRAM} --amqp-url "$IM_AMQP_URL"', texts)

    def test_it_is_asked_while_it_runs_and_unknown_before_and_after(self) -> None:
        pids = [member.pid for member in self.cluster.members]
        self.assertIn("unknown_type", self.ask("alice").err)
        program = self.own()
        self.leave_something_else()
        self.assertEqual(self.ask("alice").record, {"type": 10_101, "raw": b"reserved".hex()})
        self.assertEqual(self.ask("alice").record["type"], 10_101)
        refused = self.ask("bob")
        self.assertIn("A7 is taken", refused.err)
        self.assertNotEqual(refused.status, 0)
        program.end()
        wait_for(lambda: "unknown_type" in self.ask("alice").err, "the end of its queue")
        self.own()
        self.assertEqual(self.ask("bob").record["type"], 10_101)
        self.assertEqual([member.pid for member in self.cluster.members], pids)
