"""The commands for a local node that need no running one."""

import io
import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from unittest.mock import patch

from twisted.trial.unittest import SynchronousTestCase

from im.adapters.sql.sqlite import FileDatabase
from im.adapters.token.keys import create_key_file, load_keys
from im.adapters.token.signed import SignedTokens
from im.cli import checks
from im.cli.checks import Subject, findings
from im.cli.main import run
from im.cli.place import DEFAULT_FOLDER, is_alive
from im.tap.statedir import NodeFile

NODE = NodeFile("node-1", os.getpid(), "0.0.1", "open", (), "", "", "")


class LocalCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir(mode=0o700)

    def make(self) -> None:
        """What the first start of a node makes."""
        create_key_file(self.folder / "keys.json")
        database = FileDatabase(self.folder / "im.sqlite")
        database.open()
        database.close()

    def imctl(self, *argv: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        status = run([*argv, "--state-dir", str(self.folder)], out, err)
        return status, out.getvalue(), err.getvalue()

    def assert_fails(self, mention: str, *argv: str) -> None:
        status, out, err = self.imctl(*argv)
        self.assertEqual((status, out, err.count("\n")), (1, "", 1), err)
        self.assertIn(mention, err)


class TokenTest(LocalCase):
    def verify(self, token: str) -> tuple[str, float, frozenset[str]]:
        ring = load_keys(self.folder / "keys.json")
        identity = SignedTokens(ring, lambda: 2_000_000_000.0, skew=1e12).verify(token)
        return identity.user, identity.expires_at, identity.scopes

    def test_it_is_good_for_the_days_asked_for(self) -> None:
        self.make()
        status, out, err = self.imctl("token", "--user", "alice", "--days", "2", "--json")
        self.assertEqual((status, err), (0, ""))
        made = json.loads(out)
        user, expires_at, scopes = self.verify(made["token"])
        self.assertEqual((user, scopes), ("alice", {"user"}))
        self.assertLess(abs(expires_at * 1000 - made["expires_at_ms"]), 2_000)

    def test_an_admin_token_says_so(self) -> None:
        self.make()
        _, out, _ = self.imctl("token", "--user", "root", "--admin")
        self.assertEqual(self.verify(out.strip())[2], {"user", "admin"})

    def test_without_a_key_it_says_what_to_do(self) -> None:
        self.assert_fails("scripts/run", "token", "--user", "alice")

    def test_a_key_that_others_can_read_is_refused(self) -> None:
        self.make()
        (self.folder / "keys.json").chmod(0o644)
        self.assert_fails("chmod 600", "token", "--user", "alice")


class CopyTest(LocalCase):
    def test_a_copy_comes_back(self) -> None:
        self.make()
        copy = self.folder / "copy"
        self.assertEqual(self.imctl("backup", str(copy))[0], 0)
        (self.folder / "im.sqlite").unlink()
        status, out, err = self.imctl("restore", str(copy), "--json")
        self.assertEqual((status, json.loads(out)["restored"], err), (0, True, ""))
        self.assertTrue((self.folder / "im.sqlite").exists())

    def test_what_is_not_there_is_named(self) -> None:
        self.assert_fails("im.sqlite", "backup", str(self.folder / "copy"))
        self.assert_fails("nothing", "restore", str(self.folder / "nothing"))

    def test_what_is_no_copy_is_refused(self) -> None:
        self.make()
        (self.folder / "text").write_text("not a database")
        self.assert_fails("text", "restore", str(self.folder / "text"))

    def test_a_state_folder_that_is_not_there_is_named(self) -> None:
        self.folder.rmdir()
        self.assert_fails(str(self.folder), "backup", "copy")

    def test_without_any_folder_it_says_how_to_name_one(self) -> None:
        out, err = io.StringIO(), io.StringIO()
        with patch.dict(os.environ), patch("im.cli.place.DEFAULT_FOLDER", self.folder):
            os.environ.pop("IM_STATE_DIR", None)
            self.assertEqual(run(["doctor"], out, err), 2)
        self.assertIn("--state-dir", err.getvalue())
        self.assertEqual(DEFAULT_FOLDER, Path("var"))


class DoctorTest(LocalCase):
    def check(self, name: str, node: NodeFile | None = None) -> tuple[bool, str]:
        return checks.CHECKS[name](Subject(self.folder, node))

    def assert_ill(self, name: str, mention: str, node: NodeFile | None = None) -> None:
        is_ok, text = self.check(name, node)
        self.assertFalse(is_ok, name)
        self.assertIn(mention, text)

    def test_a_folder_as_a_node_left_it_lacks_only_the_node(self) -> None:
        self.make()
        with patch("im.cli.checks._DEFAULT_PORTS", ()):
            ill = [each.check for each in findings(self.folder) if not each.is_ok]
        self.assertEqual(ill, ["node"])

    def test_an_empty_folder_lacks_key_and_database(self) -> None:
        self.assert_ill("key", "keys.json")
        self.assert_ill("database", "im.sqlite")

    def test_a_damaged_database_is_found(self) -> None:
        (self.folder / "im.sqlite").write_bytes(b"damaged" * 1_000)
        self.assert_ill("database", "imctl restore")

    def test_tables_of_a_newer_program_are_found(self) -> None:
        self.make()
        self.execute("UPDATE meta SET schema_version = 99, compatible_version = 99")
        self.assert_ill("database", "99")

    def test_a_clock_behind_the_newest_message_is_found(self) -> None:
        self.make()
        self.assertTrue(self.check("clock")[0])
        self.execute(
            "INSERT INTO conversation (conversation_id, kind, head_time_ms) VALUES ('d~a~b', 'd', 1 << 50)"
        )
        self.assert_ill("clock", "behind")

    def test_a_folder_that_others_can_write_is_found(self) -> None:
        self.folder.chmod(0o777)
        self.assert_ill("folder", "chmod go-w")

    def test_a_node_of_another_version_is_found(self) -> None:
        self.assert_ill("versions", "restart", NODE)

    def test_an_address_that_nobody_answers_at_is_found(self) -> None:
        self.assert_ill("ports", "tcp:127.0.0.1:1", NODE._replace(listen=("tcp:127.0.0.1:1",)))
        self.assert_ill("ports", "unix:/nowhere", NODE._replace(listen=("unix:/nowhere",)))

    def test_a_node_whose_admin_port_is_silent_is_found(self) -> None:
        self.assert_ill("node", "does not answer", NODE._replace(admin="http://127.0.0.1:1"))
        self.assertTrue(self.check("node", NODE)[0])

    def test_too_few_files_or_too_little_room_are_found(self) -> None:
        with patch("im.cli.checks.LEAST_FILES", 2**40), patch("im.cli.checks.LEAST_FREE_BYTES", 2**60):
            self.assert_ill("files", "ulimit -n")
            self.assert_ill("disk", "make room")

    def execute(self, statement: str) -> None:
        with closing(sqlite3.connect(self.folder / "im.sqlite")) as connection:
            connection.execute(statement)
            connection.commit()


class ProcessTest(SynchronousTestCase):
    def test_a_process_lives_or_not(self) -> None:
        self.assertTrue(is_alive(os.getpid()))
        self.assertTrue(is_alive(1))
        self.assertFalse(is_alive(2**22 + 1))
