"""The pure layers are covered by their own tests, every branch."""

import os
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).resolve().parents[2]


class CoverageTests(SynchronousTestCase):
    uses_processes = True

    def test_every_branch_of_core_and_wire_is_taken_by_their_tests(self) -> None:
        folder = Path(self.mktemp()).resolve()
        folder.mkdir()
        coverage = [sys.executable, "-m", "coverage"]
        environ = {**os.environ, "COVERAGE_FILE": str(folder / "data")}
        trial = [
            "-m",
            "twisted.trial",
            f"--temp-directory={folder / 'trial'}",
            "im.test.core",
            "im.test.wire",
        ]
        subprocess.run(
            [*coverage, "run", "--branch", "--source=im.core,im.wire", *trial],
            cwd=ROOT,
            env=environ,
            check=True,
            capture_output=True,
            timeout=300,
        )
        told = subprocess.run(
            [*coverage, "report", "--show-missing", "--skip-covered", "--fail-under=100", "--precision=2"],
            cwd=ROOT,
            env=environ,
            check=False,
            capture_output=True,
            text=True,
        )
        self.assertEqual(0, told.returncode, told.stdout)
