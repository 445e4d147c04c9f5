"""The page for extenders shows the example as it is."""

import runpy
import sqlite3
from contextlib import closing

from twisted.internet.defer import execute
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from im.business.hooks import Hooks, HookSet
from im.hook import Hook, HookOwner, UserOffline
from im.isolation import HandlerCounters
from im.test.markdown import ROOT, block

PAGE = ROOT / "docs" / "extending.md"
EXAMPLE = ROOT / "docs" / "examples" / "vote"
HOOK = ROOT / "docs" / "examples" / "attendance"


class ExtendingTests(SynchronousTestCase):
    def test_each_block_is_part_of_the_example(self) -> None:
        for language, part, path in (
            ("proto", 0, "im_vote/vote.proto"),
            ("python", 0, "im_vote/handler.py"),
            ("python", 1, "tests/test_vote.py"),
            ("toml", 0, "pyproject.toml"),
        ):
            self.assertIn(block(PAGE, language, part).strip(), (EXAMPLE / path).read_text("utf-8"), path)

    def test_the_hook_and_its_entry_point_are_those_of_the_example(self) -> None:
        for language, part, path in (("python", 2, "im_attendance/hook.py"), ("toml", 1, "pyproject.toml")):
            self.assertIn(block(PAGE, language, part).strip(), (HOOK / path).read_text("utf-8"), path)

    def test_the_hook_of_the_example_writes_down_who_was_there(self) -> None:
        names = runpy.run_path(str(HOOK / "im_attendance" / "hook.py"))
        attendance: Hook = names["Attendance"]()
        path = self.mktemp()
        attendance.configure({"database": path})
        owner = HookOwner("hooks.attendance", attendance)
        hooks = Hooks(HookSet([owner], lambda owner: execute, HandlerCounters()), Clock(), lambda: 0)
        left = UserOffline("alice", "s1", "a1", "phone", "n1", 65_000, 62_500, "logout", True)
        for _ in range(2):
            hooks.tell("user_offline", "alice", left)
        with closing(sqlite3.connect(path)) as database:
            rows = database.execute("SELECT * FROM stay").fetchall()
        self.assertEqual(rows, [("s1", "alice", "phone", 62, "logout")])

    def test_the_handler_and_its_test_are_short(self) -> None:
        for part, most in ((0, 15), (1, 20)):
            lines = [line for line in block(PAGE, "python", part).splitlines() if line.strip()]
            self.assertLessEqual(len(lines), most)
