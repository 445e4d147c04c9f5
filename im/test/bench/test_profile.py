"""Shares of a profile, from collapsed stacks."""

from twisted.trial.unittest import SynchronousTestCase

from im.bench.profile import shares


class SharesTests(SynchronousTestCase):
    def test_a_function_has_its_own_share_and_that_of_what_it_calls(self) -> None:
        stacks = ["run (base.py:10);read (tcp.py:3) 3", "run (base.py:12) 1"]
        self.assertEqual([(1.0, 0.25, "run (base.py)"), (0.75, 0.75, "read (tcp.py)")], list(shares(stacks)))

    def test_a_function_that_calls_itself_counts_once(self) -> None:
        self.assertEqual([(1.0, 1.0, "walk (a.py)")], list(shares(["walk (a.py:1);walk (a.py:2) 5"])))
