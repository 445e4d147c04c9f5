"""Tests of `im.testing.failpoints`: what counts; that processes die of it is in the tests of faults."""

import sqlite3
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from im.testing.failpoints import FailPoint, failing_commit, read_fail_point


class FailPointTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.addCleanup(self.connection.close)
        self.connection.execute("CREATE TABLE t (x)")

    def stored(self, point: FailPoint, commits: int) -> list[bool]:
        """Whether each of some COMMITs was made."""
        commit = failing_commit(point)
        made = []
        for number in range(commits):
            self.connection.execute("BEGIN")
            self.connection.execute("INSERT INTO t VALUES (?)", (number,))
            try:
                commit(self.connection)
            except sqlite3.OperationalError:
                self.connection.execute("ROLLBACK")
                made.append(False)
            else:
                made.append(True)
        return made

    def test_an_error_comes_from_the_nth_commit_on(self) -> None:
        self.assertEqual(self.stored(FailPoint("error", 3, None), 4), [True, True, False, False])
        self.assertEqual(self.connection.execute("SELECT x FROM t").fetchall(), [(0,), (1,)])

    def test_without_its_file_nothing_counts(self) -> None:
        self.assertEqual(self.stored(FailPoint("error", 1, Path("/nowhere")), 2), [True, True])

    def test_the_environment_names_it(self) -> None:
        self.assertIsNone(read_fail_point({}))
        self.assertEqual(
            read_fail_point({"IM_FAIL_COMMIT": "kill_after:17"}), FailPoint("kill_after", 17, None)
        )
        self.assertEqual(
            read_fail_point({"IM_FAIL_COMMIT": "hold", "IM_FAIL_FILE": "/f"}),
            FailPoint("hold", 1, Path("/f")),
        )

    def test_an_unknown_one_is_refused(self) -> None:
        for asked in ("explode:1", "hold", "error:x"):
            with self.assertRaises(ValueError):
                read_fail_point({"IM_FAIL_COMMIT": asked})
