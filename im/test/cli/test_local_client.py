"""Tests of `im.cli.local_client`."""

import os
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from im.adapters.token.keys import create_key_file
from im.cli.local_client import local_settings, program_user
from im.client.environment import NoSettingsError, environment_settings
from im.client.settings import ClientSettings
from im.client.sqlite_state import SqliteState
from im.tap.statedir import NodeFile, write_node_file

NODE = NodeFile("node-1", os.getpid(), "0", "open", ("tcp://127.0.0.1:7222",), "", "", "")


class LocalSettingsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()
        create_key_file(self.folder / "keys.json")
        self.patch(sys, "argv", ["/somewhere/echo_bot.py"])

    def settings(self, **environ: str) -> ClientSettings:
        found = local_settings({"IM_STATE_DIR": str(self.folder), **environ})
        assert found is not None
        assert isinstance(found.state, SqliteState)
        self.addCleanup(found.state.close)
        return found

    def test_a_node_that_runs_is_found_with_a_token_and_a_place_for_the_state(self) -> None:
        write_node_file(self.folder, NODE)
        found = self.settings()
        self.assertEqual(found.addresses, ("tcp://127.0.0.1:7222",))
        assert callable(found.token)
        self.assertTrue(found.token())
        self.assertTrue((self.folder / "clients" / "echo~bot.sqlite").exists())

    def test_variables_name_the_user_and_the_file(self) -> None:
        write_node_file(self.folder, NODE)
        path = self.folder / "mine.sqlite"
        self.settings(IM_CLIENT_USER="weather", IM_CLIENT_STATE=str(path))
        self.assertTrue(path.exists())
        self.settings(IM_CLIENT_USER="weather")
        self.assertTrue((self.folder / "clients" / "weather~bot.sqlite").exists())

    def test_a_program_that_was_told_nothing_asks_it(self) -> None:
        write_node_file(self.folder, NODE)
        found = environment_settings({"IM_STATE_DIR": str(self.folder)})
        assert isinstance(found.state, SqliteState)
        self.addCleanup(found.state.close)
        self.assertEqual(found.addresses, ("tcp://127.0.0.1:7222",))

    def test_without_a_folder_it_does_not_know(self) -> None:
        self.addCleanup(os.chdir, Path.cwd())
        os.chdir(self.folder)
        self.assertIsNone(local_settings({}))

    def test_a_node_that_does_not_run_is_said_in_a_sentence(self) -> None:
        error = self.assertRaises(NoSettingsError, local_settings, {"IM_STATE_DIR": str(self.folder)})
        self.assertIn("no node runs in", str(error))

    def test_the_name_of_the_program_is_the_user(self) -> None:
        for program, user in (("echo_bot.py", "echo"), ("/x/my-bot.py", "my"), ("weather", "weather")):
            self.assertEqual(program_user(program), user)
        for program in ("", "-c", "a b.py", "_bot.py"):
            error = self.assertRaises(NoSettingsError, program_user, program)
            self.assertIn("IM_CLIENT_USER", str(error))
