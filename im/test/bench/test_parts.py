"""What the parts of a cluster cost: a process's whole family counts, and what a page of metrics tells."""

import os
import subprocess
import sys
from unittest.mock import patch

from twisted.trial.unittest import SynchronousTestCase

from im.bench import parts
from im.bench.parts import PartsMeter, Reading, between, parts_cpu

SPEND = "import time\nwhile time.process_time() < 0.3: pass"


class PartsTests(SynchronousTestCase):
    uses_processes = True

    def test_what_a_part_started_counts_after_it_ended(self) -> None:
        pids = {"business": [os.getpid()]}
        before = parts_cpu(pids)["business"]
        subprocess.run([sys.executable, "-c", SPEND], check=True)
        self.assertGreaterEqual(parts_cpu(pids)["business"] - before, 0.2)

    def test_what_a_part_started_counts_while_it_runs(self) -> None:
        before = parts_cpu({"redis": [os.getpid()]})["redis"]
        spender = subprocess.Popen(
            [sys.executable, "-c", SPEND + "\nprint(flush=True)\ninput()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        try:
            assert spender.stdout is not None
            spender.stdout.readline()
            self.assertGreaterEqual(parts_cpu({"redis": [os.getpid()]})["redis"] - before, 0.2)
        finally:
            spender.communicate(b"\n")

    def test_a_part_that_has_ended_costs_nothing(self) -> None:
        self.assertEqual({"broker": 0.0}, parts_cpu({"broker": [2**22 + 1]}))


class PartsMeterTests(SynchronousTestCase):
    def test_a_look_sums_ours_and_reads_messages_and_deliveries_along(self) -> None:
        pages = {
            "worker": {"im_node_batches_published_total": 3.0},
            "node": {"im_submissions_published_total": 4.0, "im_delivery_batches_total": 9.0},
            "idle": {"im_submissions_published_total": 1.0, "im_delivery_batches_total": 2.0},
        }
        cpu = {"gateway": 1.0, "business": 2.0, "broker": 4.0}
        pids = {"business": [os.getpid()]}
        with patch.object(parts, "counters", pages.get), patch.object(parts, "parts_cpu", lambda _: cpu):
            meter = PartsMeter(pids, ["worker", "node", "idle"], ["idle"])
            self.assertEqual(3.0, meter.cpu())
        self.assertEqual([Reading(cpu, 8.0, 2.0)], meter.readings)

    def test_between_two_readings_is_what_came_meanwhile(self) -> None:
        first, last = Reading({"redis": 1.0}, 10.0, 1.0), Reading({"redis": 1.5}, 12.0, 1.0)
        self.assertEqual(Reading({"redis": 0.5}, 2.0, 0.0), between(first, last))
