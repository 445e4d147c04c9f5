"""The page about unread numbers says what the code says."""

from twisted.trial.unittest import SynchronousTestCase

from im.core.entries import KINDS
from im.test.markdown import ROOT, table

PAGE = ROOT / "docs" / "unread.md"


class UnreadPageTest(SynchronousTestCase):
    def test_what_counts_is_the_table_of_the_core(self) -> None:
        written = [tuple(row.values()) for row in table(PAGE, "kind", "number", "counts")]
        expected = [
            (kind.name, str(number), "yes" if kind.counts else "no") for number, kind in KINDS.items()
        ]
        self.assertEqual(written, expected)
