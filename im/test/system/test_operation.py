"""What whoever runs a node sees of it: its supervisor, its health, its metrics."""

import json
import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families
from twisted.trial.unittest import SynchronousTestCase

from im.test.system.imctl import FREE, ImctlCase
from im.test.system.processes import BIN, PATIENCE_SECONDS, Process, ready_node, wait_for


def answer(url: str) -> tuple[int, str]:
    """The status and the body at a URL."""
    try:
        with urllib.request.urlopen(url, timeout=10) as got:
            return got.status, got.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


class DrainTests(SynchronousTestCase):
    """A node whose COMMIT waits for a file to go: so a drain takes as long as the test wants."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()
        self.state = self.folder / "state"
        self.hold = self.folder / "hold"
        name = f"im-test-{os.getpid()}-{time.monotonic_ns()}"
        self.supervisor = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.supervisor.close)
        self.supervisor.bind(f"\0{name}")
        self.supervisor.settimeout(PATIENCE_SECONDS)
        self.node = self.start(f"@{name}")

    def start(self, notify: str) -> Process:
        options = [f"--state-dir={self.state}", f"--listen={FREE}", "--http=off", f"--admin={FREE}"]
        twistd = ["-n", "--pidfile=", "im-gateway", "--users=open", *options]
        process = Process(
            [sys.executable, "-m", "im.testing.failpoints", "--", *twistd],
            self.folder,
            NOTIFY_SOCKET=notify,
            IM_FAIL_COMMIT="hold",
            IM_FAIL_FILE=str(self.hold),
        )
        self.addCleanup(process.end)
        return process

    def word(self) -> str:
        """The next word to the supervisor."""
        try:
            return self.supervisor.recv(100).decode()
        except TimeoutError:
            raise AssertionError(f"no word came: {self.node.out}{self.node.err}") from None

    def ask_the_store(self) -> None:
        """Let a client begin something that waits for a COMMIT, which is held."""
        self.hold.touch()
        command: list[str | Path] = [BIN / "imctl", "send", "--as", "alice", "--to", "bob", "hello"]
        client = Process(command, self.folder, IM_STATE_DIR=str(self.state))
        self.addCleanup(client.end)
        reached = self.hold.with_name("hold.reached")
        wait_for(lambda: reached.exists() and client_waits(self.admin), "a COMMIT that is held")

    def test_a_drain_is_told_and_health_answers_to_its_end(self) -> None:
        self.assertEqual(self.word(), "READY=1")
        self.admin = ready_node(self.state, self.node).admin
        self.assertEqual(answer(f"{self.admin}/readyz")[0], 200)
        self.ask_the_store()
        self.node.send(signal.SIGTERM)
        self.assertEqual(self.word(), "STOPPING=1")
        status, body = answer(f"{self.admin}/readyz")
        self.assertEqual((status, json.loads(body)["problems"]), (503, {"node": "the node is going down"}))
        self.assertEqual(answer(f"{self.admin}/healthz")[0], 200)
        self.assertIn('im_part_ready{part="node"} 0.0', answer(f"{self.admin}/metrics")[1])
        self.hold.unlink()
        self.node.wait()
        self.assertIn("has ended", self.node.out)


def client_waits(admin: str) -> bool:
    """Whether a request of a client waits for the store."""
    return "im_requests_in_flight 1.0" in answer(f"{admin}/metrics")[1]


class MetricsTests(ImctlCase):
    def test_what_happened_is_counted(self) -> None:
        told = ready_node(self.state, self.node)
        self.send("alice", "bob", "hello")
        self.tail("bob", "--count", "1")
        text = answer(f"{told.admin}/metrics")[1]
        for line in ("im_sends_total 1.0", "im_logins_total 2.0", "im_store_failures_total 0.0"):
            self.assertIn(f"\n{line}\n", text)
        families = {family.name: family for family in text_string_to_metric_families(text)}
        for name in ("im_store_commit_seconds", "im_store_batch_requests"):
            (count,) = (each.value for each in families[name].samples if each.name == f"{name}_count")
            self.assertGreaterEqual(count, 3)
