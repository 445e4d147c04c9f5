"""The files of `docs/deploy`, as far as a machine without systemd and Docker can tell."""

import configparser
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from im.core.limits import Limits
from im.tap.config import load
from im.tap.node import STOP_GRACE_SECONDS
from im.tap.options import Options
from im.tap.settings import SETTINGS
from im.test.markdown import ROOT

DEPLOY = ROOT / "docs" / "deploy"
UNIT = DEPLOY / "im-gateway.service"
PROGRAM = "/opt/im/bin/twistd"
WORST_EXPOSURE = 20
"""In tenths, of ten, as `systemd-analyze security` counts."""


def instructions(dockerfile: str) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile and their arguments, continued lines joined."""
    lines = [line for line in dockerfile.replace("\\\n", " ").splitlines() if line and line[0] != "#"]
    return [(name, " ".join(rest.split())) for name, _, rest in (line.partition(" ") for line in lines)]


class UnitTests(SynchronousTestCase):
    def setUp(self) -> None:
        parser = configparser.RawConfigParser(strict=False)
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        parser.read_string(UNIT.read_text("utf-8"))
        self.service = parser["Service"]

    def test_it_waits_for_the_word_of_the_node_and_for_its_drain(self) -> None:
        self.assertEqual((self.service["Type"], self.service["NotifyAccess"]), ("notify", "main"))
        self.assertGreater(int(self.service["TimeoutStopSec"]), Limits().drain_seconds + STOP_GRACE_SECONDS)

    def test_a_reload_is_what_the_node_reloads_at(self) -> None:
        self.assertEqual(self.service["ExecReload"], "/bin/kill -HUP $MAINPID")

    def test_its_command_line_is_one_of_the_node(self) -> None:
        program, *options = shlex.split(self.service["ExecStart"])
        self.assertEqual((program, options[:3]), (PROGRAM, ["-n", "--pidfile=", "im-gateway"]))
        self.patch(sys, "argv", ["twistd"])
        parsed = Options()
        config = options[3:]
        self.assertEqual(config, ["--config", "/etc/im/im.toml"])
        parsed.parseOptions(["--config", str(DEPLOY / "im.toml")])
        self.assertEqual(parsed.config.listen, ("tcp:7222:interface=0.0.0.0",))

    def test_its_variables_are_known(self) -> None:
        found = re.findall(r"^Environment=(\w+)=", UNIT.read_text("utf-8"), re.MULTILINE)
        known = {each.variable for each in SETTINGS.values()} | {"MALLOC_ARENA_MAX"}
        self.assertEqual(found, ["MALLOC_ARENA_MAX", "IM_STATE_DIR"])
        self.assertLessEqual(set(found), known)


class SystemdTests(SynchronousTestCase):
    uses_processes = True

    def setUp(self) -> None:
        if shutil.which("systemd-analyze") is None:
            self.skipTest("systemd-analyze is not installed")
        self.unit = Path(self.mktemp()).resolve() / UNIT.name
        self.unit.parent.mkdir()
        self.unit.write_text(UNIT.read_text("utf-8").replace(PROGRAM, sys.executable))

    def analyze(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["systemd-analyze", *arguments, str(self.unit)], capture_output=True, text=True, check=False
        )

    def test_systemd_has_nothing_against_it(self) -> None:
        done = self.analyze("verify")
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_it_leaves_the_node_little_to_do_harm_with(self) -> None:
        done = self.analyze("security", "--offline=yes", f"--threshold={WORST_EXPOSURE}", "--no-pager")
        self.assertEqual(done.returncode, 0, done.stdout)


class ClusterTests(SynchronousTestCase):
    def test_the_units_of_a_cluster_are_those_of_a_node_by_name(self) -> None:
        for program in ("im-gateway", "im-business"):
            parser = configparser.RawConfigParser(strict=False)
            parser.optionxform = str  # type: ignore[assignment,method-assign]
            parser.read_string((DEPLOY / f"{program}@.service").read_text("utf-8"))
            words = shlex.split(parser["Service"]["ExecStart"])
            self.assertEqual(words[:4], [PROGRAM, "-n", "--pidfile=", program])
            self.assertEqual(words[4:], ["--config", "/etc/im/cluster.toml", "--node", "%i"])
            self.assertEqual(parser["Service"]["StateDirectory"], "im/%i")
            self.assertEqual(parser["Service"]["Type"], "notify")

    def test_the_file_of_a_cluster_is_a_configuration(self) -> None:
        folder = Path(self.mktemp()).resolve()
        folder.mkdir()
        text = (DEPLOY / "cluster.toml").read_text("utf-8")
        for name, url in (("redis", "redis://h"), ("amqp", "amqp://h"), ("database", "postgresql://h")):
            (folder / f"{name}.url").write_text(url)
            text = text.replace(f"/etc/im/{name}.url", str(folder / f"{name}.url"))
        (folder / "cluster.toml").write_text(text)
        config = load({"config": str(folder / "cluster.toml")}, {}, folder)
        self.assertEqual((config.redis_url, config.shards), ("redis://h", 8))

    def test_the_variables_of_the_containers_are_settings(self) -> None:
        found = set(re.findall(r"\b(IM_[A-Z_]+):", (DEPLOY / "compose.yaml").read_text("utf-8")))
        self.assertIn("IM_REDIS_URL", found)
        self.assertLessEqual(found, {each.variable for each in SETTINGS.values()})


class ImageTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.instructions = instructions((DEPLOY / "Dockerfile").read_text("utf-8"))

    def argument(self, name: str) -> str:
        """The argument of the last instruction of a name."""
        return [rest for each, rest in self.instructions if each == name][-1]

    def test_it_is_made_in_two_stages_and_the_last_one_has_no_privileges(self) -> None:
        bases = [rest.split(" AS ")[0] for name, rest in self.instructions if name == "FROM"]
        self.assertEqual(bases, ["python:3.11-slim"] * 2)
        self.assertEqual(self.argument("USER"), "im")
        names = [name for name, _ in self.instructions]
        self.assertNotIn("RUN", names[names.index("USER") :])

    def test_it_runs_the_node_and_its_signals_reach_it(self) -> None:
        self.assertEqual(
            json.loads(self.argument("ENTRYPOINT")), ["twistd", "-n", "--pidfile=", "im-gateway"]
        )
        self.assertEqual(self.argument("STOPSIGNAL"), "SIGTERM")

    def test_its_variables_are_a_configuration(self) -> None:
        environ = dict(each.split("=", 1) for each in self.argument("ENV").split())
        self.assertEqual(environ.pop("MALLOC_ARENA_MAX"), "2")
        self.assertEqual(environ.pop("PATH"), "/opt/im/bin:$PATH")
        config = load({}, environ, ROOT)
        self.assertEqual(str(config.state_dir), self.argument("VOLUME"))
        ports = {endpoint.split(":")[1] for endpoint in (*config.listen, config.http)}
        self.assertEqual(set(self.argument("EXPOSE").split()), ports)
        self.assertIn(f"127.0.0.1:{config.admin.split(':')[1]}/readyz", self.argument("HEALTHCHECK"))

    def test_what_is_copied_in_is_kept_small(self) -> None:
        ignored = (ROOT / ".dockerignore").read_text("utf-8").split()
        self.assertLessEqual({".git", ".venv", "var"}, set(ignored))


class PageTests(SynchronousTestCase):
    def test_every_file_is_explained(self) -> None:
        page = (DEPLOY / "README.md").read_text("utf-8")
        names = {path.name for path in DEPLOY.iterdir()} - {"README.md"}
        self.assertEqual({name for name in names if name not in page}, set())
