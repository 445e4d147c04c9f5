"""Tests of `im.test.__main__`, which is `scripts/test`."""

import re
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from im.test.__main__ import ROOT, Sums, chosen_tests, summed
from im.test.system.processes import Process


class SumsTests(SynchronousTestCase):
    def test_trials_last_line_is_understood(self) -> None:
        for line, sums in (
            ("PASSED (successes=12)", Sums(12, 0, 0, True)),
            ("PASSED (skips=2, expectedFailures=1, successes=3)\n", Sums(4, 0, 2, True)),
            ("FAILED (failures=1, errors=2, unexpectedSuccesses=4, successes=3)", Sums(3, 7, 0, True)),
            ("PASSED", Sums(0, 0, 0, True)),
        ):
            self.assertEqual(summed(line), sums)

    def test_any_other_line_tells_nothing(self) -> None:
        for line in ("Ran 2 tests in 0.1s", "FAILED before", "  PASSED (successes=x) of", ""):
            self.assertIsNone(summed(line))


class ChoiceTests(SynchronousTestCase):
    def test_without_a_wish_all_are_chosen(self) -> None:
        self.assertEqual(chosen_tests(quick=False, pattern=None), ["im"])

    def test_quick_leaves_out_what_starts_processes(self) -> None:
        quick = chosen_tests(quick=True, pattern=None)
        self.assertIn(self.id(), quick)
        self.assertNotIn(
            "im.test.test_packaging", {name.rpartition(".")[0].rpartition(".")[0] for name in quick}
        )
        self.assertEqual([name for name in quick if name.startswith("im.test.system.")], [])

    def test_a_pattern_is_looked_for_in_the_id(self) -> None:
        self.assertEqual(chosen_tests(quick=False, pattern=re.escape(self.id()) + "$"), [self.id()])


class ScriptTests(SynchronousTestCase):
    uses_processes = True

    def run_tests(self, pattern: str) -> Process:
        folder = Path(self.mktemp()).resolve()
        folder.mkdir()
        process = Process([sys.executable, "-m", "im.test", "-k", pattern], folder)
        self.addCleanup(process.end)
        return process

    def test_it_ends_with_one_line_of_sums(self) -> None:
        process = self.run_tests("test_scripts.SumsTests")
        self.assertEqual(process.wait(), 0, process.out + process.err)
        self.assertEqual(process.out.splitlines()[-1], "2 passed, 0 failed")

    def test_a_pattern_that_is_in_no_id_passes_nothing(self) -> None:
        process = self.run_tests("no such test")
        self.assertEqual((process.wait(), process.out.splitlines()[-1]), (1, "0 passed, 0 failed"))

    def test_ci_runs_the_whole(self) -> None:
        self.assertTrue((ROOT / ".ci" / "run").read_text().endswith('/scripts/test"\n'))
