"""Tests of `im.test.__main__`, which is `scripts/test`."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import im.test.__main__
from im.test.__main__ import ROOT, Sums, chosen_tests, running_servers, summed
from im.test.system.processes import Process
from im.testing.services import MissingServerError
from im.testing.services.process import ServerProcess, is_listening
from im.testing.services.redis import RedisServer
from im.testing.services.sharing import Service


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


class _Absent(RedisServer):
    package = "nothing"

    def command(self) -> list[str]:
        return ["there-is-no-such-program"]


class ServersTests(SynchronousTestCase):
    uses_processes = True

    def test_a_server_that_nobody_knows_is_refused_in_a_sentence(self) -> None:
        done = subprocess.run(
            [ROOT / "scripts" / "servers", "redis", "oracle"], capture_output=True, text=True, check=False
        )
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, "scripts/servers: oracle is no server that it knows.\n")

    def use(self, **kinds: type[ServerProcess]) -> list[ServerProcess]:
        """Let these be the servers of a run; those that are made."""
        made = [kind() for kind in kinds.values()]
        make = iter(made).__next__
        services = {name: Service(name, make) for name in kinds}
        self.patch(im.test.__main__, "SERVICES", services)
        return made

    def test_a_run_has_servers_and_tells_where_they_are(self) -> None:
        made = self.use(ONE=RedisServer, OTHER=RedisServer)
        with running_servers() as variables:
            self.assertEqual(variables(), {"ONE": made[0].url, "OTHER": made[1].url})
            self.assertTrue(all(is_listening(each.port) for each in made))
        self.assertFalse(any(is_listening(each.port) for each in made))
        self.assertFalse(any(each.folder.exists() for each in made))

    def test_a_run_without_one_of_its_servers_fails_and_leaves_no_other_behind(self) -> None:
        made = self.use(ONE=RedisServer, OTHER=_Absent)
        with running_servers() as variables, self.assertRaises(MissingServerError) as caught:
            variables()
        self.assertIn("sudo apt-get install nothing", str(caught.exception))
        self.assertFalse(is_listening(made[0].port))
        self.assertFalse(any(each.folder.exists() for each in made))


class InstallationTests(SynchronousTestCase):
    """`scripts/servers`."""

    uses_processes = True

    def install(self, *names: str, path: str) -> "subprocess.CompletedProcess[str]":
        command = [str(ROOT / "scripts" / "servers"), *names]
        return subprocess.run(
            command, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
        )

    def test_nothing_is_said_or_done_when_all_are_there(self) -> None:
        done = self.install("redis", "rabbitmq", "postgresql", "mariadb", path=os.environ["PATH"])
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_without_the_right_to_install_one_line_says_what_to_run(self) -> None:
        programs = Path(self.mktemp()).resolve()
        programs.mkdir()
        (programs / "sh").symlink_to(shutil.which("sh") or "")
        (programs / "id").write_text("#!/bin/sh\necho 1000\n")
        (programs / "id").chmod(0o755)
        done = self.install("redis", path=str(programs))
        self.assertEqual(
            (done.returncode, done.stdout, done.stderr),
            (1, "", "These servers are missing; run: sudo apt-get install redis-server\n"),
        )

    def test_one_that_it_does_not_know_is_an_error(self) -> None:
        self.assertEqual(self.install("oracle", path=os.environ["PATH"]).returncode, 1)


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
