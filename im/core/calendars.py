"""Days and hours of a time zone, as spans of Unix ms: a day of 23 or 25 hours is one."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from im.core.errors import Refused, invalid

UTC = ZoneInfo("UTC")
DAY, HOUR = "day", "hour"
MAX_DAYS = 366
MAX_DAYS_BY_HOUR = 31
_HOUR_MS = 3_600_000


class Period(NamedTuple):
    """The days `first` to `last`, both included, in a zone, cut by day or by hour."""

    first: date
    last: date
    by: str
    zone: ZoneInfo


class Bucket(NamedTuple):
    """One day (`2026-03-29`) or hour (`2026-03-29T01:00:00+01:00`) of a period."""

    name: str
    start_ms: int
    end_ms: int


def zone_of(name: str) -> ZoneInfo | None:
    """The IANA time zone of a name, or None."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; a path that leads out; a folder of zones
        return None


def period_of(first: str, last: str, by: str, zone: str) -> Period | Refused:
    """The period of texts `YYYY-MM-DD`, or why there is none; the field is `from`, `to`, `by` or `zone`."""
    if by not in (DAY, HOUR):
        return invalid("by", "by must be day or hour")
    found = zone_of(zone)
    if found is None:
        return invalid("zone", "zone must be an IANA time zone such as Europe/Paris")
    begins, ends = _date(first), _date(last)
    if ends is None:
        return invalid("to", "to must be a day such as 2026-03-29")
    if begins is None:
        return invalid("from", "from must be a day such as 2026-03-29")
    if begins > ends:
        return invalid("from", "from must not be after to")
    most = MAX_DAYS if by == DAY else MAX_DAYS_BY_HOUR
    if (ends - begins).days >= most:
        return invalid("to", f"to must be within {most} days of from, by {by}")
    return Period(begins, ends, by, found)


def _date(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if len(text) == 10 and 1970 < found.year < 9000 else None


def buckets(period: Period) -> list[Bucket]:
    """The days or hours of a period, in order, without a gap."""
    found: list[Bucket] = []
    day = period.first
    while day <= period.last:
        following = day + timedelta(days=1)
        start_ms, end_ms = midnight_ms(day, period.zone), midnight_ms(following, period.zone)
        if period.by == DAY:
            found.append(Bucket(day.isoformat(), start_ms, end_ms))
        else:
            found += _hours(start_ms, end_ms, period.zone)
        day = following
    return found


def edges(of: Sequence[Bucket]) -> list[int]:
    """Where buckets that follow each other begin, and where the last one ends."""
    return [each.start_ms for each in of] + [each.end_ms for each in of[-1:]]


def midnight_ms(day: date, zone: ZoneInfo) -> int:
    """When a day begins; where a change of the clocks leaves midnight out, it is that change."""
    return round(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * 1000


def day_of(time_ms: int, zone: ZoneInfo) -> date:
    """The day of a moment."""
    return _local(time_ms, zone).date()


def _hours(start_ms: int, end_ms: int, zone: ZoneInfo) -> list[Bucket]:
    hours = []
    while start_ms < end_ms:
        local = _local(start_ms, zone)
        past_ms = (local.minute * 60 + local.second) * 1000  # not 0 after a change by half an hour
        next_ms = min(start_ms + _HOUR_MS - past_ms, end_ms)
        hours.append(Bucket(local.isoformat(timespec="seconds"), start_ms, next_ms))
        start_ms = next_ms
    return hours


def _local(time_ms: int, zone: ZoneInfo) -> datetime:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=time_ms)).astimezone(zone)
