"""`scripts/venv`, which sets `.venv` up for the other scripts, on a Python that only pretends."""

import os
import shutil
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from im.test.system.processes import ROOT, Process, wait_for

PYTHON = """#!/bin/sh
[ "$1" = -c ] && { [ -z "$NO_ENSUREPIP" ] || [ -e calls ]; exit; }
mkdir -p .venv/bin
cat >.venv/bin/python <<'END'
#!/bin/sh
[ "$1" = -V ] && { echo "Python 3.11.99"; exit; }
[ "$1" = -c ] && exit
echo "$@" >>calls
while [ -e wait ]; do sleep 0.02; done
[ ! -e fail ] || { echo "no network"; exit 1; }
END
chmod +x .venv/bin/python
"""
NOT_ROOT = "#!/bin/sh\necho 1000\n"
SAYS_SO = "Setting up .venv, once; this takes about half a minute.\n"


class SetupTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.root = Path(self.mktemp()).resolve()
        (self.root / "scripts").mkdir(parents=True)
        (self.root / "bin").mkdir()
        shutil.copy(ROOT / "scripts" / "venv", self.root / "scripts")
        for name in ("setup.cfg", "pyproject.toml"):
            shutil.copy(ROOT / name, self.root)
        self.program("python3", PYTHON)

    def program(self, name: str, text: str) -> None:
        path = self.root / "bin" / name
        path.write_text(text)
        path.chmod(0o755)

    def start(self, extra: str = "server", **environ: str) -> Process:
        path = f"{self.root / 'bin'}:{os.environ['PATH']}"
        command: list[str | Path] = [self.root / "scripts" / "venv", extra]
        process = Process(command, self.root, **{"PATH": path, "PYTHON": "python3", **environ})
        self.addCleanup(process.end)
        return process

    def installs(self, extra: str = "server") -> str:
        """What it says; it must succeed."""
        process = self.start(extra)
        self.assertEqual(process.wait(), 0, process.err)
        return process.out

    def calls(self) -> int:
        path = self.root / "calls"
        return path.read_text().count("\n") if path.exists() else 0

    def test_the_first_time_it_says_so_and_installs(self) -> None:
        self.assertEqual(self.installs(), SAYS_SO)
        self.assertIn("-e .[server]", (self.root / "calls").read_text())

    def test_it_says_so_before_it_installs(self) -> None:
        (self.root / "wait").touch()
        process = self.start()
        wait_for(lambda: self.calls() == 1, "the installation")
        self.assertEqual(process.out, SAYS_SO)
        (self.root / "wait").unlink()
        self.assertEqual(process.wait(), 0)

    def test_the_second_time_it_does_nothing(self) -> None:
        self.installs()
        self.assertEqual(self.installs(), "")
        self.assertEqual(self.calls(), 1)

    def test_other_requirements_are_installed(self) -> None:
        self.installs()
        with (self.root / "setup.cfg").open("a") as file:
            file.write("\n# more\n")
        self.assertEqual(self.installs(), SAYS_SO)
        self.assertEqual(self.calls(), 2)

    def test_tools_include_the_server_but_not_the_other_way_round(self) -> None:
        self.installs("server")
        self.assertEqual(self.installs("dev"), SAYS_SO)
        (self.root / ".venv" / "im-server.stamp").unlink()
        self.assertEqual(self.installs("server"), "")

    def test_a_failed_installation_is_one_sentence_and_tried_again(self) -> None:
        (self.root / "fail").touch()
        process = self.start()
        self.assertEqual(process.wait(), 1)
        self.assertIn("no network\nThe packages could not be installed; see ", process.err)
        (self.root / "fail").unlink()
        self.assertEqual(self.installs(), SAYS_SO)

    def test_two_at_once_install_once(self) -> None:
        (self.root / "wait").touch()
        first, second = self.start(), self.start()
        wait_for(lambda: "waiting for it" in first.out + second.out, "the second to wait")
        (self.root / "wait").unlink()
        self.assertEqual((first.wait(), second.wait()), (0, 0))
        self.assertEqual(self.calls(), 1)

    def test_without_the_venv_package_a_user_is_told_what_to_install(self) -> None:
        self.program("id", NOT_ROOT)
        process = self.start(NO_ENSUREPIP="1")
        self.assertEqual(process.wait(), 1)
        self.assertEqual(
            process.err, "Python cannot make a venv here; run: sudo apt-get install python3 python3-venv\n"
        )

    def test_without_the_venv_package_root_installs_it(self) -> None:
        self.program("id", "#!/bin/sh\necho 0\n")
        self.program("apt-get", '#!/bin/sh\necho "apt-get $@" >>calls\n')
        self.assertEqual(self.start(NO_ENSUREPIP="1").wait(), 0)
        self.assertIn("apt-get install -qy python3 python3-venv", (self.root / "calls").read_text())
