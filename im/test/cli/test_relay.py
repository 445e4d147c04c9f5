"""`imctl relay`: its command line, and what it can't carry out."""

import io
import os
from pathlib import Path
from unittest.mock import patch

from sqlalchemy import create_engine
from twisted.trial.unittest import SynchronousTestCase

from im.cli.commands.relay import ACTIONS, DATABASE
from im.cli.main import run
from im.outbox import create_tables, push


class RelayCommandTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.database = f"sqlite:///{Path(self.mktemp()).resolve()}"

    def imctl(self, *argv: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        status = run(["relay", *argv], out, err)
        return status, out.getvalue(), err.getvalue()

    def test_every_action_is_one_that_the_command_line_knows(self) -> None:
        help_lines = io.StringIO()
        with patch("sys.stdout", help_lines), self.assertRaises(SystemExit):
            run(["relay", "--help"], help_lines, help_lines)
        self.assertIn("{" + ",".join(ACTIONS) + "}", help_lines.getvalue())

    def test_what_is_wrong_is_told_in_a_sentence(self) -> None:
        there = ("--database", self.database)
        node = ("--url", "http://127.0.0.1:1")
        for status, argv, text in (
            (1, (*there, *node, "--key-file", "nowhere.key", "--once"), "nowhere.key: No such file"),
            (1, ("status", *there), "no such table"),
            (1, ("status", "--database", "oracle+oracledb://host/name"), "oracledb, is not installed"),
            (2, ("status", "--database", "paper://host/name"), "no kind that SQLAlchemy knows"),
            (2, ("status", "--database", "sqlite://"), "others reach"),
            (2, ("status", "--database", "sqlite+aiosqlite:///file"), "others reach"),
            (2, ("status",), DATABASE),
            (2, ("retry", *there), "--push KEY, or --all"),
            (2, ("drop", *there, "--all", "--push", "KEY"), "--push KEY, or --all"),
            (2, ("run", "--all", *there), "neither --push"),
            (2, there, "--key-file"),
            (2, ("--lease", "0", *there), "not above 0"),
        ):
            told = self.imctl(*argv)
            self.assertEqual(told[:2], (status, ""), told)
            self.assertIn(text, told[2])
            self.assertEqual(told[2].count("\n"), 1, told[2])

    def test_the_database_may_stand_where_no_other_user_sees_it(self) -> None:
        engine = create_engine(self.database)
        create_tables(engine)
        with engine.begin() as connection:
            push(connection, "alice", 1)
        engine.dispose()
        with patch.dict(os.environ, {DATABASE: self.database}):
            status, out, _ = self.imctl("status")
        self.assertEqual(status, 0)
        self.assertTrue(out.startswith("1 wait, the oldest since 20"), out)
