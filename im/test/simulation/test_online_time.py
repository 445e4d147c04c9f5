"""The ledger is within its own bound of the truth, whatever happens to clients, network, node and clock."""

import os
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from operator import attrgetter
from typing import NamedTuple

from twisted.trial.unittest import SynchronousTestCase

from im.core.calendars import Bucket, buckets, period_of
from im.core.errors import Refused
from im.core.ledger import OnlineTime, OnlineTimeReport
from im.core.online_time import Figure
from im.core.spans import Span
from im.test.simulation.people_online import People, Truth

WORLDS, WORLDS_LONG = 44, 400
USERS = 120
SECONDS = 60.0
FAULTS = (
    (),
    ("kill",),
    ("stall",),
    ("jump",),
    ("outage",),
    ("kill", "stall"),
    ("kill", "jump"),
    ("stall", "jump", "outage"),
)
NIGHTS = (
    ("UTC", "2026-06-01"),
    ("Europe/Paris", "2026-03-29"),
    ("Europe/Paris", "2026-10-25"),
    ("Australia/Lord_Howe", "2026-04-05"),
    ("America/Sao_Paulo", "2018-11-04"),
    ("Asia/Kathmandu", "2026-01-01"),
)
"""Days at whose begin the worlds run: sessions are cut at midnight, the day may have 23 or 25 hours."""


class Worst(NamedTuple):
    """An error beside its bound, in ms."""

    error_ms: int = 0
    bound_ms: int = 1


class OnlineTimeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.cases = 0
        self.sessions = 0
        self.worst = {"online": Worst(), "foreground": Worst()}
        self.largest = Counter[str]()

    def test_every_figure_is_within_its_bound_and_sums_agree(self) -> None:
        for seed in range(WORLDS_LONG if os.environ.get("IM_TEST_LONG") else WORLDS):
            self.live(seed)
        print(
            f"{self.cases} users, {self.sessions} sessions; nearest to its bound: "
            + ", ".join(f"{kind} {at.error_ms} of {at.bound_ms} ms" for kind, at in self.worst.items())
            + f"; largest error: {dict(self.largest)} ms"
        )
        self.assertGreaterEqual(self.cases, 5_000)
        self.assertGreaterEqual(self.sessions, 10_000)

    def live(self, seed: int) -> None:
        """One world, and the reports of all of its users."""
        zone, night = NIGHTS[seed % len(NIGHTS)]
        (midnight,) = _buckets(night, night, "day", zone)
        people = People(seed, USERS, midnight.start_ms - int(SECONDS * 400), zone)
        people.run(SECONDS, FAULTS[seed % len(FAULTS)])
        people.run(15.0, ())
        people.end()
        first, last = ((date.fromisoformat(night) + timedelta(days=days)).isoformat() for days in (-1, 0))
        for user, devices in people.users.items():
            truths = [truth for device in devices for truth in device.truths]
            self.cases += 1
            self.sessions += len(truths)
            by_day, by_hour = (
                self.check(people, OnlineTime(user, first, last, by, zone), truths, f"seed {seed}")
                for by in ("day", "hour")
            )
            for time in (attrgetter("online_ms"), attrgetter("foreground_ms")):
                self.assertEqual(sum(map(time, by_day)), sum(map(time, by_hour)))

    def check(
        self, people: People, query: OnlineTime, truths: Sequence[Truth], where: str
    ) -> tuple[Figure, ...]:
        """Compare one report with the truth."""
        report = people.ask(query)
        assert isinstance(report, OnlineTimeReport), report
        told = {(figure.bucket, figure.device_class): figure for figure in report.figures}
        for bucket in _buckets(*query[1:]):
            by_class = 0
            for device_class in ("", "phone", "web"):
                those = [truth for truth in truths if device_class in ("", truth.device_class)]
                figure = told.get((bucket.name, device_class), Figure(bucket.name, device_class, 0, 0, 0, 0))
                online = _within([truth.online for truth in those], bucket)
                foreground = _within([span for truth in those for span in truth.foreground], bucket)
                about = f"{where}, {query.user}, {figure}"
                self.compare("online", figure.online_ms - online, figure.online_bound_ms, about)
                self.compare(
                    "foreground", figure.foreground_ms - foreground, figure.foreground_bound_ms, about
                )
                self.assertLessEqual(figure.foreground_ms, figure.online_ms)
                by_class += figure.online_ms if device_class else 0
            union = told.get((bucket.name, ""), figure).online_ms
            self.assertLessEqual(union, by_class)
        return report.figures

    def compare(self, kind: str, error_ms: int, bound_ms: int, about: str) -> None:
        """An error must be within its bound; remember the largest."""
        error_ms = abs(error_ms)
        self.assertLessEqual(error_ms, bound_ms, f"{kind}: {about}")
        self.largest[kind] = max(self.largest[kind], error_ms)
        worst = self.worst[kind]
        if error_ms * worst.bound_ms > worst.error_ms * bound_ms:
            self.worst[kind] = Worst(error_ms, bound_ms)


def _buckets(first: str, last: str, by: str, zone: str) -> list[Bucket]:
    period = period_of(first, last, by, zone)
    assert not isinstance(period, Refused)
    return buckets(period)


def _within(spans: Sequence[Span], bucket: Bucket) -> int:
    """How long any of the spans lasts within a bucket: each piece between two ends is in one, or not."""
    ends = {bucket.start_ms, bucket.end_ms}
    ends.update(end for span in spans for end in span if bucket.start_ms < end < bucket.end_ms)
    at = sorted(ends)
    return sum(
        end - start
        for start, end in pairwise(at)
        if any(span[0] <= start and end <= span[1] for span in spans)
    )
