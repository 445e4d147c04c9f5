"""Limits: the page equals the code; values that cannot work are refused."""

import math
from dataclasses import fields, replace

from twisted.trial.unittest import SynchronousTestCase

from im.core.limits import Limits
from im.test.core.limits_table import PAGE, page


class LimitsTest(SynchronousTestCase):
    def test_the_page_lists_every_limit(self) -> None:
        hint = "out of date: run `python -m im.test.core.limits_table --write`"
        self.assertTrue(PAGE.read_text(encoding="utf-8") == page(), f"{PAGE.name} is {hint}")

    def test_every_limit_has_a_unit_and_a_meaning(self) -> None:
        for each in fields(Limits):
            self.assertTrue(each.metadata["unit"] and each.metadata["what"], each.name)

    def test_none_may_be_zero_negative_or_no_number(self) -> None:
        for each in fields(Limits):
            for wrong in (0, -1, math.nan):
                error = self.assertRaises(ValueError, replace, Limits(), **{each.name: wrong})
                self.assertEqual(str(error), f"{each.name} must be positive")

    def test_a_frame_over_the_hard_limit_is_refused(self) -> None:
        self.assertRaises(ValueError, Limits, frame_bytes=262_145)
        self.assertEqual(Limits(frame_bytes=262_144).frame_bytes, 262_144)

    def test_a_frame_holds_a_whole_message_and_a_whole_page(self) -> None:
        self.assertRaises(ValueError, Limits, frame_bytes=40_000)
        self.assertRaises(ValueError, Limits, content_bytes=65_536)
        self.assertRaises(ValueError, Limits, page_bytes=65_536)
        exact = Limits(frame_bytes=9_216, content_bytes=8_192, page_bytes=8_192)
        self.assertEqual(exact.frame_bytes, 9_216)
