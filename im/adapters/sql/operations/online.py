"""Answers how long users were online, from the ledger's rows; from sums where these are purged."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from im.adapters.sql.operations.connection import Connection
from im.core.calendars import DAY, UTC, Bucket, Period, buckets, day_of, period_of, zone_of
from im.core.errors import Code, Refused, invalid
from im.core.ids import id_problem
from im.core.ledger import OnlineTime, OnlineTimeReport, OnlineTimes, OnlineTimesPage
from im.core.limits import Limits
from im.core.online_time import Figure, Stay, crash_bound_ms, figures
from im.core.validation import page_problem

MAX_STAYS = 20_000
"""Sessions of one user that are looked at for one report."""

_USUAL_DAYS = 7
_NEAR_MS = 3_600_000
_BUCKETS_A_PAGE = 8_192
_USERS_A_PAGE = 64

_STAYS = (
    "SELECT s.session_id, s.device_class, s.opened_ms, s.closed_ms, s.bound_ms, s.clock_ms, s.blurred_ms,"
    " s.foreground_ms, s.heartbeat_ms, s.spans, s.changed_ms,"
    " coalesce(l.last_ms - l.clock_ms + s.base_clock_ms, 0), coalesce(l.clock_ms - s.base_clock_ms, 0)"
    " FROM online_session AS s LEFT JOIN node_lease AS l ON l.node = s.node"
    " WHERE s.user_id = ? AND s.opened_ms < ? AND (s.closed_ms IS NULL OR s.closed_ms >= ?) LIMIT ?"
)
_SPANS = "SELECT from_ms, to_ms FROM online_foreground WHERE session_id = ? ORDER BY from_ms"
_SUMS = (
    "SELECT day, device_class, online_ms, online_bound_ms, foreground_ms, foreground_bound_ms"
    " FROM online_day WHERE user_id = ? AND day BETWEEN ? AND ? ORDER BY day, device_class"
)
_USERS = "SELECT user_id FROM users WHERE user_id > ? ORDER BY user_id LIMIT ?"


class Almanac(NamedTuple):
    """The ledger's own time zone, and the time in Unix ms."""

    zone: ZoneInfo
    now_ms: Callable[[], int]

    def oldest_day(self, limits: Limits) -> date:
        """The first day of which every session is kept."""
        return day_of(self.now_ms(), self.zone) - timedelta(days=limits.session_days)


UNTIMED = Almanac(UTC, lambda: 0)
"""For a reader that is not asked for online time."""


class OnlineTimeReader:
    """Answers the ledger's queries inside a reader's snapshot."""

    def __init__(self, connection: Connection, limits: Limits, almanac: Almanac) -> None:
        self._connection = connection
        self._limits = limits
        self._almanac = almanac

    def one(self, query: OnlineTime) -> OnlineTimeReport | Refused:
        """The report of one user; of one who never came it is empty."""
        period = id_problem(query.user, "user") or self._period(query)
        if isinstance(period, Refused):
            return period
        return self._report(query.user, period, buckets(period))

    def all(self, query: OnlineTimes) -> OnlineTimesPage | Refused:
        """A page of the reports of everyone."""
        period = self._period(query)
        if isinstance(period, Refused):
            return period
        problem = page_problem(query.after)
        if problem is not None:
            return problem
        of = buckets(period)
        most = max(1, min(_USERS_A_PAGE, _BUCKETS_A_PAGE // max(1, len(of))))
        users = [user for (user,) in self._connection.execute(_USERS, (query.after, most + 1))]
        reports = []
        for user in users[:most]:
            report = self._report(user, period, of)
            if isinstance(report, Refused):
                return report
            if report.figures:
                reports.append(report)
        return OnlineTimesPage(tuple(reports), users[most - 1] if len(users) > most else "")

    def _period(self, query: OnlineTime | OnlineTimes) -> Period | Refused:
        own = self._almanac.zone
        zone = query.zone or own.key
        last = query.last or self._today(zone)
        first = query.first or _days_before(last, _USUAL_DAYS - 1)
        period = period_of(first, last, query.by, zone)
        if isinstance(period, Refused) or (period.by == DAY and period.zone.key == own.key):
            return period
        oldest = self._almanac.oldest_day(self._limits) + timedelta(days=1)  # a day of any zone is whole
        if period.first < oldest:
            return invalid(
                "from", f"from must not be before {oldest}: older days are kept by day of {own.key} only"
            )
        return period

    def _today(self, zone: str) -> str:
        return day_of(self._almanac.now_ms(), zone_of(zone) or UTC).isoformat()

    def _report(self, user: str, period: Period, of: Sequence[Bucket]) -> OnlineTimeReport | Refused:
        oldest = self._almanac.oldest_day(self._limits).isoformat()
        old = [each for each in of if each.name < oldest] if period.by == DAY else []
        summed = self._sums(user, old) if old else []
        known = {figure.bucket for figure in summed}
        if of:
            stays = stays_of(self._connection, user, of[0].start_ms, of[-1].end_ms)
            if stays is None:
                text = "there are too many sessions for one report; ask for fewer days"
                return Refused(Code.LIMIT_EXCEEDED, text, "to")
            counted = [each for each in figures(stays, of) if each.bucket not in known]
            summed = sorted(summed + counted, key=_by_bucket) if summed else counted
        return OnlineTimeReport(user, period.zone.key, tuple(summed))

    def _sums(self, user: str, days: Sequence[Bucket]) -> list[Figure]:
        values = (user, days[0].name, days[-1].name)
        return [Figure(*row) for row in self._connection.execute(_SUMS, values)]


def stays_of(connection: Connection, user: str, start_ms: int, end_ms: int) -> list[Stay] | None:
    """A user's sessions within a time, or near enough to reach into it with their bounds; None: too many.

    Those that are open go on to their node's lease.
    """
    values = (user, end_ms + _NEAR_MS, start_ms - _NEAR_MS, MAX_STAYS + 1)
    rows = connection.execute(_STAYS, values).fetchall()
    if len(rows) > MAX_STAYS:
        return None
    stays = []
    for session, device_class, opened_ms, closed_ms, *rest in rows:
        (
            bound_ms,
            clock_ms,
            blurred_ms,
            foreground_ms,
            heartbeat_ms,
            spans,
            changed_ms,
            lease_ms,
            jumped_ms,
        ) = rest
        if closed_ms is None:
            closed_ms = max(opened_ms, changed_ms, lease_ms)
            bound_ms, clock_ms = crash_bound_ms(heartbeat_ms), abs(jumped_ms)
        foreground = connection.execute(_SPANS, (session,)).fetchall() if spans else []
        if foreground_ms is not None:
            foreground.append((foreground_ms, closed_ms))
        stays.append(
            Stay(device_class, opened_ms, closed_ms, bound_ms, tuple(foreground), clock_ms, blurred_ms)
        )
    return stays


def _days_before(day: str, days: int) -> str:
    try:
        return (date.fromisoformat(day) - timedelta(days=days)).isoformat()
    except (ValueError, OverflowError):
        return day  # which is told of


def _by_bucket(figure: Figure) -> str:
    return figure.bucket
