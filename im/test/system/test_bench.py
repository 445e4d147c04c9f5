"""`imctl bench` measures a real private node, checks its history, and leaves nothing behind."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from twisted.trial.unittest import TestCase

IMCTL = str(Path(sys.executable).with_name("imctl"))
FIELDS = {
    "scenario",
    "variant",
    "messages",
    "lost",
    "duplicated",
    "reordered",
    "messages_per_second",
    "cpu_us_per_message",
    "normalised_cpu_us_per_message",
    "reference_us",
    "server_busy",
    "p50_ms",
    "p99_ms",
    "settings",
}


class BenchTests(TestCase):
    def bench(self, *arguments: str) -> list[dict[str, object]]:
        command = [IMCTL, "bench", *arguments, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        results: list[dict[str, object]] = json.loads(done.stdout)["results"]
        return results

    def test_chat_is_measured_in_all_its_variants_and_nothing_is_lost(self) -> None:
        before = set(Path(tempfile.gettempdir()).glob("im-bench-*"))
        rows = self.bench("chat", "--seconds", "0.5")
        self.assertEqual(["one", "sixteen", "half", "alone"], [row["variant"] for row in rows])
        for row in rows:
            self.assertEqual(set(), FIELDS - row.keys())
            self.assertEqual((0, 0, 0), (row["lost"], row["duplicated"], row["reordered"]))
            self.assertGreater(int(str(row["messages"])), 0)
        self.assertEqual(before, set(Path(tempfile.gettempdir()).glob("im-bench-*")))

    def test_an_unknown_scenario_is_a_wrong_command_line(self) -> None:
        command = [IMCTL, "bench", "nothing"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        self.assertEqual(2, done.returncode)
        self.assertIn("floor, chat, idle", done.stderr)
