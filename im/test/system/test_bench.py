"""`imctl bench` measures a real private node, checks its history, and leaves nothing behind."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import patch

from twisted.trial.unittest import TestCase

from im.bench import report, returning
from im.bench.measured import Options

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
UNIT = {"cpu_us_per_message", "normalised_cpu_us_per_message"}
NO_ORDER = {"duplicated", "reordered"}
"""What a login can't be."""

PATIENCE_SECONDS = 60.0


def fields(unit: str) -> set[str]:
    """The fields of a row that tells what a `unit` costs."""
    return FIELDS - UNIT | {f"cpu_us_per_{unit}", f"normalised_cpu_us_per_{unit}"}


class BenchTests(TestCase):
    def bench(self, *arguments: str) -> list[dict[str, object]]:
        """The rows of a bench, which leaves nothing behind."""
        command = [IMCTL, "bench", *arguments, "--json"]
        folder = Path(self.mktemp()).resolve()
        folder.mkdir()
        environ = {**os.environ, "TMPDIR": str(folder)}
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120)
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.assertEqual([], [*folder.iterdir()])
        results: list[dict[str, object]] = json.loads(done.stdout)["results"]
        return results

    def test_chat_is_measured_in_all_its_variants_and_nothing_is_lost(self) -> None:
        rows = self.bench("chat", "--seconds", "0.5")
        self.assertEqual(["one", "sixteen", "half", "alone"], [row["variant"] for row in rows])
        for row in rows:
            self.assertEqual(set(), FIELDS - row.keys())
            self.assertEqual((0, 0, 0), (row["lost"], row["duplicated"], row["reordered"]))
            self.assertGreater(int(str(row["messages"])), 0)

    def test_reading_is_measured_and_every_device_is_told_once_in_order(self) -> None:
        began = time.monotonic()
        (row,) = self.bench("read", "--seconds", "0.5")
        self.assertLess(time.monotonic() - began, PATIENCE_SECONDS)
        self.assertEqual(("read", "two_devices"), (row["scenario"], row["variant"]))
        self.assertEqual(set(), fields("read") - row.keys())
        self.assertEqual((0, 0, 0), (row["lost"], row["duplicated"], row["reordered"]))
        self.assertGreater(int(str(row["messages"])), 0)

    def test_syncs_are_measured_and_each_login_is_told_of_what_changed(self) -> None:
        began = time.monotonic()
        with patch.multiple(returning, STORED=(("10k", 10_000),), COMERS=4, LOGINS=10):
            (row,) = report.run("sync", Options(), lambda _: None)
        self.assertLess(time.monotonic() - began, PATIENCE_SECONDS)
        self.assertEqual(("sync", "10k"), (row["scenario"], row["variant"]))
        self.assertEqual(set(), fields("sync") - NO_ORDER - row.keys())
        self.assertEqual((0, 40), (row["lost"], row["messages"]))

    def test_an_unknown_scenario_is_a_wrong_command_line(self) -> None:
        command = [IMCTL, "bench", "nothing"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        self.assertEqual(2, done.returncode)
        self.assertIn("floor, chat, idle", done.stderr)
