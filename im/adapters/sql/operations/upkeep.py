"""The ledger's upkeep inside the writer's transaction: sums of days that are over, and what is old."""

from collections import defaultdict
from datetime import date, timedelta

from im.adapters.sql.operations.connection import Connection
from im.adapters.sql.operations.dialect import UNCLAIMED
from im.adapters.sql.operations.online import Almanac, stays_of
from im.adapters.sql.operations.statements import upsert
from im.core.calendars import DAY, Period, buckets, day_of, midnight_ms
from im.core.ledger import KeepLedger, LedgerKept
from im.core.limits import Limits
from im.core.online_time import figures

_ZONE = "SELECT online_zone FROM meta"
_SET_ZONE = "UPDATE meta SET online_zone = ?"
_ENTER_ANEW = "UPDATE online_session SET is_entered = 0 WHERE is_entered = 1"

_TO_ENTER = (
    "SELECT session_id, user_id, opened_ms, reach_ms FROM online_session"
    " WHERE is_entered = 0 AND closed_ms < ? ORDER BY closed_ms LIMIT ?"
    f" {UNCLAIMED}"
)
_ENTERED = "UPDATE online_session SET is_entered = 1 WHERE session_id = ?"
_HAS_DAY = "SELECT 1 FROM online_day WHERE user_id = ? AND day = ? LIMIT 1"
_FORGET_DAY = "DELETE FROM online_day WHERE user_id = ? AND day = ?"
_ADD_DAYS = upsert(
    "online_day",
    ["user_id", "day", "device_class"],
    ["zone", "online_ms", "online_bound_ms", "foreground_ms", "foreground_bound_ms"],
)
_OLD = f"SELECT session_id FROM online_session WHERE is_entered = 1 AND closed_ms < ? LIMIT ? {UNCLAIMED}"
_PURGE_SPANS = "DELETE FROM online_foreground WHERE session_id = ?"
_PURGE_SESSION = "DELETE FROM online_session WHERE session_id = ?"
_PURGE_DAYS = (
    "DELETE FROM online_day WHERE (user_id, day, device_class) IN"
    " (SELECT user_id, day, device_class FROM online_day WHERE day < ? LIMIT ?"
    f" {UNCLAIMED})"
)


class Upkeep:
    """Enters closed sessions into the sums of their days, and purges what is older than the limits.

    A session is entered when its last day is over, and again when its end was put right. A day whose
    sessions may be purged keeps the sums that it has.
    """

    def __init__(self, connection: Connection, limits: Limits, almanac: Almanac) -> None:
        self._connection = connection
        self._limits = limits
        self._almanac = almanac
        self._is_zone_noted = False

    def keep(self, write: KeepLedger, now_ms: int) -> LedgerKept:
        """Do one step."""
        self._note_zone()
        today = day_of(now_ms, self._almanac.zone)
        rows = self._connection.execute(_TO_ENTER, (self._midnight_ms(today), write.most)).fetchall()
        days: dict[str, set[date]] = defaultdict(set)
        for _, user, opened_ms, reach_ms in rows:
            days[user].update(self._days(opened_ms, reach_ms, today))
        for user, touched in days.items():
            self._enter(user, touched)
        self._connection.executemany(_ENTERED, [(session,) for session, *_ in rows])
        purged = self._purge(today, write.most)
        return LedgerKept(len(rows), purged, len(rows) == write.most or purged >= write.most)

    def _note_zone(self) -> None:
        """In another time zone than before every day has other sums."""
        if self._is_zone_noted:
            return
        zone = self._almanac.zone.key
        (before,) = self._connection.execute(_ZONE).fetchone()
        if before != zone:
            if before:
                self._connection.execute(_ENTER_ANEW)
            self._connection.execute(_SET_ZONE, (zone,))
        self._is_zone_noted = True

    def settle(self, is_stored: bool) -> None:
        """After the transaction's end; rolled back, the zone is to be noted again."""
        self._is_zone_noted = self._is_zone_noted and is_stored

    def _days(self, opened_ms: int, reach_ms: int, today: date) -> list[date]:
        day, last = (day_of(moment_ms, self._almanac.zone) for moment_ms in (opened_ms, reach_ms))
        last = min(last, today - timedelta(days=1))
        return [day + timedelta(days=number) for number in range((last - day).days + 1)]

    def _enter(self, user: str, touched: set[date]) -> None:
        zone = self._almanac.zone
        oldest = self._almanac.oldest_day(self._limits)
        days = {
            day.isoformat()
            for day in touched
            if day >= oldest or self._connection.execute(_HAS_DAY, (user, day.isoformat())).fetchone() is None
        }
        of = [each for each in buckets(Period(min(touched), max(touched), DAY, zone)) if each.name in days]
        rows = []
        for bucket in of:
            # Beyond the most sessions of a report a day has no sum, and no report either.
            stays = stays_of(self._connection, user, bucket.start_ms, bucket.end_ms)
            for figure in figures(stays or [], [bucket]):
                rows.append((user, bucket.name, figure.device_class, zone.key, *figure[2:]))
        self._connection.executemany(_FORGET_DAY, [(user, each.name) for each in of])
        _ADD_DAYS.execute(self._connection, rows)

    def _purge(self, today: date, most: int) -> int:
        kept_from_ms = self._midnight_ms(today - timedelta(days=self._limits.session_days))
        old = self._connection.execute(_OLD, (kept_from_ms, most)).fetchall()
        self._connection.executemany(_PURGE_SPANS, old)
        self._connection.executemany(_PURGE_SESSION, old)
        oldest = today - timedelta(days=self._limits.online_days)
        return len(old) + self._connection.execute(_PURGE_DAYS, (oldest.isoformat(), most)).rowcount

    def _midnight_ms(self, day: date) -> int:
        return midnight_ms(day, self._almanac.zone)
