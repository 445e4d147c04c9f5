"""The token bucket."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from im.core.rate import Rate, TokenBucket


class TokenBucketTests(SynchronousTestCase):
    def test_a_whole_burst_passes_at_once_and_no_more(self) -> None:
        bucket = TokenBucket(Rate(2.0, 10))
        self.assertEqual([bucket.take(100.0) for _ in range(10)], [0.0] * 10)
        self.assertGreater(bucket.take(100.0), 0.0)

    def test_it_tells_how_long_to_wait(self) -> None:
        bucket = TokenBucket(Rate(2.0, 1))
        bucket.take(0.0)
        self.assertAlmostEqual(bucket.take(0.0), 0.5, places=5)
        self.assertAlmostEqual(bucket.take(0.25), 0.25, places=5)
        self.assertEqual(bucket.take(0.5), 0.0)

    def test_a_refused_take_costs_nothing(self) -> None:
        bucket = TokenBucket(Rate(1.0, 1))
        bucket.take(0.0)
        for _ in range(5):
            bucket.take(0.5)
        self.assertEqual(bucket.take(1.0), 0.0)

    def test_a_pause_never_saves_up_more_than_a_burst(self) -> None:
        bucket = TokenBucket(Rate(1.0, 3))
        bucket.take(0.0)
        taken = [bucket.take(1_000.0) for _ in range(4)]
        self.assertEqual(taken[:3], [0.0] * 3)
        self.assertGreater(taken[3], 0.0)

    @settings(derandomize=True, deadline=None, max_examples=100)
    @given(
        st.floats(0.1, 50),
        st.integers(1, 20),
        st.lists(st.floats(0, 2), min_size=1, max_size=120),
    )
    def test_no_span_of_time_lets_more_through_than_rate_and_burst(
        self, per_unit: float, burst: int, gaps: list[float]
    ) -> None:
        bucket, now = TokenBucket(Rate(per_unit, burst)), 0.0
        passed: list[float] = []
        for gap in gaps:
            now += gap
            if bucket.take(now) == 0.0:
                passed.append(now)
        for first in range(len(passed)):
            for last in range(first, len(passed)):
                allowed = burst + per_unit * (passed[last] - passed[first])
                self.assertLessEqual(last - first + 1, allowed + 1e-3)
