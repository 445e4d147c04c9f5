"""Tests of `im.core.histogram`."""

from math import inf

from twisted.trial.unittest import SynchronousTestCase

from im.core.histogram import Histogram


class HistogramTests(SynchronousTestCase):
    def test_nothing_was_observed(self) -> None:
        histogram = Histogram((1, 2))
        self.assertEqual(histogram.cumulated(), [(1, 0), (2, 0), (inf, 0)])
        self.assertEqual(histogram.sum, 0)

    def test_a_value_counts_in_its_range_and_all_above(self) -> None:
        histogram = Histogram((1, 2, 4))
        for value in (0, 1, 1.5, 2, 9):
            histogram.observe(value)
        self.assertEqual(histogram.cumulated(), [(1, 2), (2, 4), (4, 4), (inf, 5)])
        self.assertEqual(histogram.sum, 13.5)
