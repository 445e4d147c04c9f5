"""Tests of `im.core.contacts`."""

from twisted.trial.unittest import SynchronousTestCase

from im.core.contacts import START, Position, badge, position_of, token_of
from im.core.errors import Code, Refused
from im.core.messages import Head
from im.core.relations import Contact


class BadgeTests(SynchronousTestCase):
    def test_a_badge_leaves_out_what_is_muted_or_hidden(self) -> None:
        kept = (Contact(), Contact(muted=True), Contact(hidden=True), Contact(pinned=True, marked=True))
        heads = [
            Head("d~alice~bob", 9, 9, 1_000, 10**at, 0, 0, 1, True, 0, 0, 0, 0, None, contact=contact)
            for at, contact in enumerate(kept)
        ]
        self.assertEqual(1_001, badge(heads))


class PositionTests(SynchronousTestCase):
    def test_the_list_goes_on_where_a_page_ended(self) -> None:
        position = Position(1, 1_800_000_000_000, "d~alice~bob.1")
        self.assertEqual(position, position_of(token_of(position)))

    def test_no_text_is_the_start(self) -> None:
        self.assertEqual(START, position_of(""))

    def test_another_text_is_refused(self) -> None:
        for after in ("1", "2.1.g~1", "1.x.g~1", "1.1.", f"1.{'1' * 16}.g~1", "1.1.\0", "1.٣.g~1"):
            refused = position_of(after)
            assert isinstance(refused, Refused), after
            self.assertEqual((Code.INVALID_ARGUMENT, "after"), (refused.code, refused.field))
