"""Rows: normalised by the machine's reference, taken again when it drifts, judged when it does again."""

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

from twisted.trial.unittest import SynchronousTestCase

from im.bench import report
from im.bench.measured import Measured, Options
from im.bench.parts import ENGINES
from im.bench.scenarios import SCENARIOS

FIGURES = {
    "messages": 1_000,
    "server_cpu": 0.05,
    "seconds": 2.0,
    "server_busy": 0.9,
    "lost": 0,
    "p50_ms": 1.234,
}


class ReportTests(SynchronousTestCase):
    def rows(
        self, references: list[float], scenario: str = "chat", busy: float = 0.8, **figures: Any
    ) -> list[report.Row]:
        self.taken = 0
        self.notes: list[str] = []

        def measure(options: Options) -> Iterator[Measured]:
            self.taken += 1
            yield Measured("one", {**FIGURES, **figures}, {"IM_X": "1"}, busy)

        remaining = iter(references)
        with (
            patch.dict(SCENARIOS, {scenario: measure}),
            patch.object(report, "reference_us", lambda: next(remaining)),
        ):
            return list(report.run(scenario, Options(), self.notes.append))

    def test_figures_are_per_message_and_normalised(self) -> None:
        (row,) = self.rows([5.0, 5.0, 5.0])
        self.assertEqual((50.0, 100.0), (row["cpu_us_per_message"], row["normalised_cpu_us_per_message"]))
        self.assertEqual((500, 1.23, 0.9), (row["messages_per_second"], row["p50_ms"], row["server_busy"]))
        self.assertEqual(({"IM_X": "1"}, 5.0, 0), (row["settings"], row["reference_us"], row["lost"]))

    def test_a_login_is_counted_by_logins(self) -> None:
        (row,) = self.rows([10.0, 10.0, 10.0], "login")
        self.assertEqual(50.0, row["normalised_cpu_us_per_login"])

    def test_a_machine_that_drifted_once_is_measured_again(self) -> None:
        (row,) = self.rows([5.0, 7.0, 5.0, 5.0, 5.0, 5.0])
        self.assertEqual((2, False), (self.taken, "invalid" in row))

    def test_a_machine_that_drifts_again_makes_the_row_invalid(self) -> None:
        (row,) = self.rows([5.0, 7.0, 5.0, 5.0, 7.0, 5.0])
        self.assertEqual((2, "the machine's speed changed by 40% meanwhile"), (self.taken, row["invalid"]))

    def test_a_load_that_left_the_server_idle_makes_the_row_invalid(self) -> None:
        (row,) = self.rows([5.0, 5.0, 5.0], server_busy=0.7)
        self.assertIn("busy 0.7 < 0.8", row["invalid"])

    def test_each_part_of_a_cluster_has_its_cost_and_engines_have_theirs_together(self) -> None:
        spent = {"gateway": 0.02, "business": 0.03, "broker": 0.001, "redis": 0.002, "database": 0.003}
        (row,) = self.rows([5.0, 5.0, 5.0], "cluster", 0.0, parts=spent, amqp_messages=40.0)
        self.assertEqual((20.0, 30.0), (row["cpu_us_gateway"], row["cpu_us_business"]))
        self.assertEqual((1.0, 2.0, 3.0), tuple(row[f"cpu_us_{part}"] for part in ENGINES))
        self.assertEqual((12.0, 0.04), (row["normalised_cpu_us_engines"], row["amqp_messages_per_message"]))

    def test_growth_is_compared_to_the_empty_store(self) -> None:
        (row,) = self.rows([5.0, 5.0, 5.0], "growth")
        self.assertEqual(1.0, row["times_of_empty"])
