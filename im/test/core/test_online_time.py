"""Figures: cut by bucket, united over sessions, each with a bound; days and hours of any zone."""

from datetime import date
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from im.core.calendars import DAY, HOUR, UTC, Bucket, Period, buckets, day_of, midnight_ms, period_of, zone_of
from im.core.errors import Refused
from im.core.online_time import SLACK_MS, Figure, Stay, crash_bound_ms, end_bound_ms, figures
from im.core.spans import cut, measure, merged

HOUR_MS = 3_600_000

spans = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=8)
cases = settings(derandomize=True, deadline=None, max_examples=200)


def covered(of: list[tuple[int, int]]) -> set[int]:
    return {moment for start, end in of for moment in range(start, end)}


class SpanTests(SynchronousTestCase):
    @cases
    @given(spans)
    def test_merged_spans_are_the_same_time_apart_and_in_order(self, of: list[tuple[int, int]]) -> None:
        found = merged(of)
        self.assertEqual(covered(of), covered(found))
        self.assertEqual(len(covered(of)), measure(found))
        edges = [edge for span in found for edge in span]
        self.assertEqual(sorted(set(edges)), edges)

    @cases
    @given(spans, st.lists(st.integers(-5, 70), unique=True).map(sorted))
    def test_a_cut_shares_out_what_lies_between_the_edges(
        self, of: list[tuple[int, int]], edges: list[int]
    ) -> None:
        expected = [len(covered(of) & set(range(start, end))) for start, end in pairwise(edges)]
        self.assertEqual(expected, cut(merged(of), edges))


def period(first: str, last: str, by: str, zone: str) -> Period:
    found = period_of(first, last, by, zone)
    assert isinstance(found, Period), found
    return found


class CalendarTests(SynchronousTestCase):
    def test_days_have_the_hours_that_they_have(self) -> None:
        for zone, day, hours in (
            ("UTC", "2026-03-29", 24),
            ("Europe/Paris", "2026-03-29", 23),
            ("Europe/Paris", "2026-10-25", 25),
            ("America/Sao_Paulo", "2018-11-04", 23),
            ("Asia/Kathmandu", "2026-01-01", 24),
            ("Pacific/Apia", "2011-12-30", 0),
        ):
            of = buckets(period(day, day, HOUR, zone))
            self.assertEqual(hours, len(of), zone)
            self.assertEqual({HOUR_MS} if hours else set(), {each.end_ms - each.start_ms for each in of})

    def test_a_change_by_half_an_hour_makes_one_short_hour(self) -> None:
        for day in ("2026-04-05", "2026-10-04"):
            of = buckets(period(day, day, HOUR, "Australia/Lord_Howe"))
            self.assertEqual(1, sum(each.end_ms - each.start_ms == HOUR_MS // 2 for each in of))
            self.assertEqual(len(of), len({each.name for each in of}))

    def test_hours_follow_each_other_and_fill_their_days(self) -> None:
        for zone in ("Europe/Paris", "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia"):
            days = buckets(period("2011-12-20", "2012-01-10", DAY, zone))
            hours = buckets(period("2011-12-20", "2012-01-10", HOUR, zone))
            for of in (days, hours):
                self.assertEqual([each.end_ms for each in of[:-1]], [each.start_ms for each in of[1:]])
            self.assertEqual((days[0].start_ms, days[-1].end_ms), (hours[0].start_ms, hours[-1].end_ms))

    def test_a_moment_is_of_the_day_that_began_before_it(self) -> None:
        for zone in (UTC, ZoneInfo("Europe/Paris"), ZoneInfo("America/Sao_Paulo")):
            for day in (date(2018, 11, 4), date(2026, 3, 29)):
                start_ms = midnight_ms(day, zone)
                self.assertEqual(day, day_of(start_ms, zone))
                self.assertLess(day_of(start_ms - 1, zone), day)

    def test_names_that_are_no_zones_are_none(self) -> None:
        for name in ("", "Mars", "../zone", "/etc/localtime", "Europe", "\0", "x" * 5_000, "UTC\n"):
            self.assertIsNone(zone_of(name), name)

    def test_a_wrong_question_names_its_field(self) -> None:
        for asked, field in (
            (("2026-02-30", "2026-03-01", DAY, "UTC"), "from"),
            (("1969-01-01", "2026-03-01", DAY, "UTC"), "from"),
            (("2026-03-02", "2026-03-01", DAY, "UTC"), "from"),
            (("2026-03-01", "9999-12-31", DAY, "UTC"), "to"),
            (("2026-03-01", "20260302", DAY, "UTC"), "to"),
            (("2025-03-01", "2026-03-02", DAY, "UTC"), "to"),
            (("2026-01-01", "2026-02-01", HOUR, "UTC"), "to"),
            (("2026-01-01", "2026-02-01", "week", "UTC"), "by"),
            (("2026-01-01", "2026-02-01", DAY, "Nowhere"), "zone"),
        ):
            refused = period_of(*asked)
            assert isinstance(refused, Refused), asked
            self.assertEqual(field, refused.field)
        self.assertEqual(366, len(buckets(period("2024-01-01", "2024-12-31", DAY, "UTC"))))


BUCKETS = [Bucket(f"b{number}", number * 100_000, (number + 1) * 100_000) for number in range(4)]


class FigureTests(SynchronousTestCase):
    def test_a_bound_lies_where_the_ends_are(self) -> None:
        stay = Stay("phone", 50_000, 310_000, 20_000, ((50_000, 310_000),))
        of_all = [each for each in figures([stay], BUCKETS) if each.device_class == ""]
        bounds = [each.online_bound_ms for each in of_all]
        self.assertEqual([2 * SLACK_MS, 0, 10_000, 30_000], bounds)
        self.assertEqual([50_000, 100_000, 100_000, 10_000], [each.online_ms for each in of_all])

    def test_what_another_session_covers_is_still_told_as_uncertain_once_only(self) -> None:
        stay = Stay("phone", 10_000, 60_000, 5_000, ())
        first, *_ = figures([stay, stay], BUCKETS)
        self.assertEqual(Figure("b0", "", 50_000, 12_000, 0, 0), first)

    def test_a_jump_of_the_clock_puts_the_whole_session_in_doubt(self) -> None:
        stay = Stay("phone", 150_000, 160_000, 1_000, ((150_000, 160_000),), clock_ms=40_000)
        bounds = [each.online_bound_ms for each in figures([stay], BUCKETS) if each.device_class == ""]
        self.assertEqual([92_000 - 1_000], [sum(bounds) - 1_000])
        self.assertEqual(figures([stay], BUCKETS)[0].foreground_bound_ms, bounds[0])

    def test_what_was_merged_away_is_in_the_bound_but_not_beyond_the_session(self) -> None:
        stay = Stay("phone", 90_000, 110_000, 0, (), blurred_ms=15_000)
        bounds = [each.foreground_bound_ms for each in figures([stay], BUCKETS) if not each.device_class]
        self.assertEqual([10_000, 10_000], bounds)

    def test_nobody_has_no_figures(self) -> None:
        self.assertEqual([], figures([], BUCKETS))

    def test_after_a_crash_less_is_known_than_after_an_end(self) -> None:
        self.assertEqual(31_000, end_bound_ms(30_000))
        self.assertEqual(51_000, crash_bound_ms(30_000))
