"""`scripts/run` as a user lives it, on the venv that is there."""

import signal
import socket
import stat
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from twisted.trial.unittest import SynchronousTestCase

from im.tap.statedir import read_node_file
from im.test.system.processes import BIN, ROOT, Process, is_alive, ready_node, wait_for

FREE = "tcp:0:interface=127.0.0.1"
BROKEN_COMMIT = """
import sqlite3
from twisted.scripts.twistd import run
from im.adapters.sql.sqlite.database import FileDatabase

def commit(connection):
    raise sqlite3.OperationalError("disk I/O error")

make = FileDatabase.__init__
FileDatabase.__init__ = lambda self, path: make(self, path, commit)
run()
"""
"""`twistd` on a disk that fails in the middle of each COMMIT."""


def connects(url: str) -> bool:
    """Whether somebody accepts connections at a URL's place."""
    place = urlsplit(url)
    try:
        socket.create_connection((str(place.hostname), place.port or 0), timeout=5).close()
    except OSError:
        return False
    return True


class RunCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()
        self.state = self.folder / "state"

    def start(self, *options: str, **environ: str) -> Process:
        command: list[str | Path] = [ROOT / "scripts" / "run", "--state-dir", self.state, *options]
        process = Process(command, self.folder, **environ)
        self.addCleanup(process.end)
        return process

    def assert_one_sentence(self, process: Process, *words: str) -> None:
        self.assertEqual(process.wait(), 1, process.err)
        lines = process.err.splitlines()
        self.assertEqual(len(lines), 1, process.err)
        for word in words:
            self.assertIn(word, lines[0])


class RunTests(RunCase):
    def test_it_becomes_ready_and_tells_where(self) -> None:
        self.state.mkdir()
        (self.state / "theirs").write_text("x")
        began = time.monotonic()
        process = self.start("--listen", FREE)
        node = ready_node(self.state, process)
        wait_for(lambda: "tail" in process.out, "the welcome")
        print(f"ready after {time.monotonic() - began:.1f} s")
        self.assertIn("ready\n", process.out)
        for address in (node.listen[0], node.http, node.admin):
            self.assertTrue(connects(address), address)
            self.assertIn(address, process.out)
        self.assertIn(f"--state-dir {self.state}", process.out)
        with urllib.request.urlopen(f"{node.admin}/readyz", timeout=10) as answer:
            self.assertEqual(answer.status, 200)
        for name in ("node.json", "keys.json", "im.sqlite", "node.log"):
            self.assertEqual(stat.S_IMODE((self.state / name).stat().st_mode), 0o600, name)
        self.assertEqual((self.state / "theirs").read_text(), "x")

    def test_a_signal_ends_it_and_its_node(self) -> None:
        for number, to_group in ((signal.SIGTERM, False), (signal.SIGINT, True), (signal.SIGTERM, True)):
            process = self.start("--listen", FREE)
            node = ready_node(self.state, process)
            began = time.monotonic()
            process.send(number, to_group)
            self.assertEqual(process.wait(), 0, process.err)
            print(f"{number.name} ended it after {time.monotonic() - began:.1f} s")
            self.assertFalse(is_alive(node.pid))
            self.assertIsNone(read_node_file(self.state))
            self.assertEqual(process.err, "")

    def test_a_killed_supervisor_takes_the_node_along(self) -> None:
        process = self.start("--listen", FREE)
        node = ready_node(self.state, process)
        process.send(signal.SIGKILL)
        process.wait()
        wait_for(lambda: not is_alive(node.pid), "the end of the node")

    def test_a_killed_node_starts_again_on_the_same_ports(self) -> None:
        process = self.start("--listen", FREE)
        first = ready_node(self.state, process)
        wait_for(lambda: "ready" in process.out, "the welcome")
        Process(["kill", "-9", str(first.pid)], self.folder).wait()
        second = ready_node(self.state, process, not_pid=first.pid)
        self.assertEqual(second._replace(pid=first.pid), first)
        wait_for(lambda: "ready again" in process.out, "the word of it")

    def test_an_occupied_port_ends_it_with_one_sentence(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            process = self.start("--listen", f"tcp:{port}:interface=127.0.0.1")
            self.assert_one_sentence(process, f"127.0.0.1:{port}", "choose another endpoint")

    def test_a_folder_in_use_ends_the_second_with_one_sentence(self) -> None:
        first = self.start("--listen", FREE)
        node = ready_node(self.state, first)
        self.assert_one_sentence(self.start("--listen", FREE), str(self.state))
        self.assertEqual(read_node_file(self.state), node)
        self.assertFalse(first.has_ended)

    def test_what_is_wrong_is_said_in_one_sentence(self) -> None:
        for options, environ, word in (
            (["--listn", FREE], {}, "--help"),
            (["--listen", "tcp:x"], {}, "tcp:x"),
            (["--listen", FREE], {"IM_USRS": "open"}, "IM_USERS"),
            (["--listen", FREE], {"IM_CONFIG": "/nowhere.toml"}, "/nowhere.toml"),
            (["--listen", FREE], {"IM_TRUSTED_PROXIES": "nobody"}, "nobody"),
            (["--listen", FREE], {"IM_SIGNING_KEY_FILE": "/nowhere"}, "/nowhere"),
        ):
            self.assert_one_sentence(self.start(*options, **environ), word)

    def test_a_state_folder_that_cannot_be_made_is_named(self) -> None:
        self.state.write_text("a file")
        self.assert_one_sentence(self.start("--listen", FREE), str(self.state))


class TwistdTests(RunCase):
    def twistd(self, *options: str) -> Process:
        command: list[str | Path] = [
            BIN / "twistd",
            "-n",
            "--pidfile=",
            "im-gateway",
            f"--state-dir={self.state}",
            *options,
        ]
        process = Process(command, self.folder)
        self.addCleanup(process.end)
        return process

    def test_it_logs_to_stdout_and_survives_sighup(self) -> None:
        process = self.twistd(f"--listen={FREE}", "--http=off", f"--admin={FREE}")
        node = ready_node(self.state, process)
        self.assertEqual((node.users, node.http, node.websocket), ("known", "", ""))
        process.send(signal.SIGHUP)
        wait_for(lambda: "were read again" in process.out, "the word of it")
        process.send(signal.SIGTERM)
        process.wait()
        self.assertIn('"node node-1 has ended"', process.out)
        self.assertEqual(process.err, "")

    def test_an_occupied_port_ends_it_with_status_1(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            process = self.twistd(f"--listen={FREE}", f"--http=tcp:{port}:interface=127.0.0.1")
            self.assert_one_sentence(process, f"127.0.0.1:{port}")
            self.assertNotIn("Traceback", process.out)

    def test_an_unknown_outcome_of_a_commit_ends_it_with_status_1(self) -> None:
        options = ["-n", "--pidfile=", "im-gateway", f"--state-dir={self.state}", f"--listen={FREE}"]
        command: list[str | Path] = [
            BIN / "python",
            "-c",
            BROKEN_COMMIT,
            *options,
            "--http=off",
            "--admin=off",
        ]
        process = Process(command, self.folder)
        self.addCleanup(process.end)
        self.assert_one_sentence(process, "disk I/O error")
        critical = [line for line in process.out.splitlines() if '"level": "critical"' in line]
        self.assertEqual(len(critical), 1, process.out)

    def test_help_is_of_this_command(self) -> None:
        process = self.twistd("--help")
        self.assertEqual(process.wait(), 0)
        self.assertIn("--frame-bytes=", process.out)
