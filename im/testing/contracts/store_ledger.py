"""What every store does for the ledger of sessions."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from im.core.calendars import UTC, day_of
from im.core.commands import CreateUser, Login, Result
from im.core.errors import Code
from im.core.ledger import (
    BeatNode,
    ChangeAppState,
    CloseSession,
    EndNode,
    EndSilentNodes,
    KeepLedger,
    LedgerKept,
    NodeEnded,
    OnlineTime,
    OnlineTimeReport,
    OnlineTimes,
    OnlineTimesPage,
    OpenSession,
    SessionNoted,
)
from im.core.limits import Limits
from im.core.online_time import Figure, crash_bound_ms
from im.testing.contracts.store_base import StoreContract

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
NOON = 20_000 * DAY + 12 * HOUR
"""Of 2024-10-04, UTC."""
TODAY = "2024-10-04"


def _open(session: str = "s1", at_ms: int = NOON, user: str = "alice", **fields: Any) -> OpenSession:
    opened = OpenSession(session, user, "a1", "phone", "n1", at_ms, True, 30_000)
    return opened._replace(**fields)


def _close(opened: OpenSession, at_ms: int, bound_ms: int = 31_000) -> CloseSession:
    return CloseSession(opened, at_ms, "heartbeat", bound_ms)


class LedgerContract(StoreContract):
    """Sessions open, change, close, are summed and purged."""

    def setUp(self) -> None:
        super().setUp()
        self.time_ms = NOON + 6 * HOUR

    async def report(
        self, first: str = TODAY, last: str = TODAY, by: str = "day", zone: str = "", user: str = "alice"
    ) -> OnlineTimeReport:
        """What is told of a user's days."""
        result = await self.read(OnlineTime(user, first, last, by, zone))
        assert isinstance(result, OnlineTimeReport), result
        return result

    async def online(self, **which: str) -> list[tuple[str, int]]:
        """Bucket and ms online of all classes."""
        report = await self.report(**which)
        return [(each.bucket, each.online_ms) for each in report.figures if each.device_class == ""]

    async def keep(self) -> list[LedgerKept]:
        """Upkeep, to its end."""
        steps = []
        while True:
            (kept,) = await self.write(KeepLedger(4))
            assert isinstance(kept, LedgerKept)
            steps.append(kept)
            if not kept.more:
                return steps

    def day(self, ago: int) -> str:
        """The day so many days ago."""
        return (day_of(self.time_ms, UTC) - timedelta(days=ago)).isoformat()

    async def test_a_session_is_told_with_its_bound(self) -> None:
        opened = _open()
        self.assertEqual([SessionNoted(True)], await self.write(opened))
        self.assertEqual([SessionNoted(True)], await self.write(_close(opened, NOON + HOUR)))
        figure = Figure(TODAY, "", HOUR, 64_000, HOUR, 64_000)
        report = await self.report()
        self.assertEqual(
            OnlineTimeReport("alice", "UTC", (figure, figure._replace(device_class="phone"))), report
        )

    async def test_repetitions_change_nothing(self) -> None:
        opened = _open()
        change = ChangeAppState("s1", "alice", NOON + MINUTE, False, 240_000)
        close = _close(opened, NOON + HOUR)
        expected = [SessionNoted(True), SessionNoted(False)]
        for write in (opened, change, close):
            self.assertEqual(expected, await self.write(write, write))
        later = _close(opened, NOON + 2 * HOUR), change._replace(at_ms=NOON + 2 * MINUTE, is_foreground=True)
        self.assertEqual([SessionNoted(False)] * 2, await self.write(*later))
        self.assertEqual([(TODAY, HOUR)], await self.online())

    async def test_a_close_brings_the_row_that_is_missing(self) -> None:
        await self.write(_close(_open(), NOON + HOUR))
        self.assertEqual([(TODAY, HOUR)], await self.online())

    async def test_stretches_in_the_foreground_are_told(self) -> None:
        opened = _open()
        await self.write(
            opened,
            ChangeAppState("s1", "alice", NOON + 10 * MINUTE, False, 240_000),
            ChangeAppState("s1", "alice", NOON + 30 * MINUTE, True, 30_000),
            _close(opened, NOON + 35 * MINUTE),
        )
        first, *_ = (await self.report()).figures
        self.assertEqual((35 * MINUTE, 15 * MINUTE), (first.online_ms, first.foreground_ms))

    async def test_an_older_change_of_the_app_state_is_ignored(self) -> None:
        opened = _open()
        first = ChangeAppState("s1", "alice", NOON + MINUTE, False, 240_000)
        await self.write(opened, first, first._replace(at_ms=NOON + 2 * MINUTE, is_foreground=True))
        self.assertEqual([SessionNoted(False)], await self.write(first))
        await self.write(_close(opened, NOON + 3 * MINUTE))
        self.assertEqual(2 * MINUTE, (await self.report()).figures[0].foreground_ms)

    async def test_more_stretches_than_are_kept_are_merged_and_the_bound_says_so(self) -> None:
        opened = _open()
        await self.write(opened)
        for number in range(600):
            for at_ms, is_foreground in ((0, False), (400, True)):
                await self.write(
                    ChangeAppState("s1", "alice", NOON + 1000 * (number + 1) + at_ms, is_foreground, 30_000)
                )
        await self.write(_close(opened, NOON + HOUR))
        figure = (await self.report()).figures[0]
        true_ms = HOUR - 600 * 400
        self.assertGreater(figure.foreground_ms, true_ms)
        self.assertLessEqual(figure.foreground_ms - true_ms, figure.foreground_bound_ms)

    async def test_devices_are_united_over_classes_and_within_them(self) -> None:
        for session, device_class, start, end in (
            ("s1", "phone", 0, 60),
            ("s2", "phone", 30, 90),
            ("s3", "web", 80, 100),
        ):
            opened = _open(session, NOON + start * MINUTE, device_class=device_class)
            await self.write(opened, _close(opened, NOON + end * MINUTE))
        minutes = {each.device_class: each.online_ms // MINUTE for each in (await self.report()).figures}
        self.assertEqual({"": 100, "phone": 90, "web": 20}, minutes)

    async def test_hours_and_days_of_a_zone_share_the_time_out(self) -> None:
        opened = _open(at_ms=NOON + 90 * MINUTE)
        await self.write(opened, _close(opened, NOON + 10 * HOUR))
        days = await self.online(last="2024-10-05", zone="Asia/Kathmandu")
        self.assertEqual([(TODAY, 285 * MINUTE), ("2024-10-05", 225 * MINUTE)], days)
        hours = await self.online(last="2024-10-05", zone="Asia/Kathmandu", by="hour")
        self.assertEqual(("2024-10-04T19:00:00+05:45", 45 * MINUTE), hours[0])
        self.assertEqual(510 * MINUTE, sum(ms for _, ms in hours))

    async def test_a_node_that_beats_no_more_ends_with_its_last_beat(self) -> None:
        """One that still beats goes on."""
        await self.write(_open())
        self.time_ms = NOON + HOUR
        self.assertEqual([SessionNoted(True)], await self.write(BeatNode("n1", NOON)))
        self.time_ms += 20_000
        self.assertEqual([NodeEnded(0)], await self.write(EndSilentNodes(20_000)))
        self.time_ms += 1
        self.assertEqual([NodeEnded(1)], await self.write(EndSilentNodes(20_000)))
        self.assertEqual([(TODAY, HOUR)], await self.online())

    async def test_a_node_that_starts_again_ends_what_it_had_open(self) -> None:
        """With its last beat."""
        await self.write(_open())
        self.time_ms = NOON + HOUR
        await self.write(BeatNode("n1", NOON))
        self.time_ms += HOUR
        self.assertEqual([NodeEnded(1)], await self.write(EndNode("n1", 0)))
        self.assertEqual([(TODAY, HOUR)], await self.online())

    async def test_the_sessions_of_a_dead_node_end_with_it_and_others_go_on(self) -> None:
        await self.write(_open("s1"), _open("s2", user="bob", node="n2"))
        self.assertEqual([NodeEnded(1)], await self.write(EndNode("n1", NOON + HOUR)))
        self.assertEqual([NodeEnded(0)], await self.write(EndNode("n1", NOON + 2 * HOUR)))
        figure = (await self.report()).figures[0]
        self.assertEqual(HOUR, figure.online_ms)
        self.assertGreaterEqual(figure.online_bound_ms, crash_bound_ms(30_000))
        self.assertEqual([NodeEnded(1)], await self.write(EndNode("n2", NOON + HOUR)))

    async def test_a_session_never_ends_before_it_began(self) -> None:
        await self.write(_open(), EndNode("n1", NOON - HOUR))
        self.assertEqual([(TODAY, 0)], await self.online())

    async def test_the_node_s_own_close_puts_right_that_it_died(self) -> None:
        opened = _open()
        await self.write(opened, EndNode("n1", NOON + HOUR))
        self.assertEqual([SessionNoted(True)], await self.write(_close(opened, NOON + 2 * HOUR)))
        self.assertEqual([(TODAY, 2 * HOUR)], await self.online())

    async def test_after_a_crash_what_was_open_is_closed(self) -> None:
        await self.write(_open())
        self.store = self.reopen_store(self.store, False)
        await self.write(_open("s2", NOON + HOUR))
        (ended,) = await self.write(EndNode("n1", NOON + 2 * HOUR))
        self.assertEqual(NodeEnded(1), ended)

    async def test_a_day_s_sums_are_those_of_its_sessions_before_and_after_they_are_made(self) -> None:
        for number in range(10):
            opened = _open(f"s{number}", self.time_ms - (3 + number) * 9 * HOUR)
            await self.write(opened, _close(opened, opened.opened_ms + 5 * HOUR))
        before = await self.report(self.day(5), self.day(0))
        steps = await self.keep()
        self.assertGreater(len(steps), 2)
        self.assertLessEqual(max(each.entered for each in steps), 4)
        self.assertEqual(before, await self.report(self.day(5), self.day(0)))
        self.assertEqual(LedgerKept(0, 0, False), (await self.keep())[0])

    async def test_what_is_older_than_its_limit_is_purged_and_its_days_stay(self) -> None:
        self.store = self.open_store(Limits(session_days=2, online_days=5), True)
        opened = _open(at_ms=self.time_ms)
        await self.write(opened, _close(opened, opened.opened_ms + HOUR))
        day, before = self.day(0), await self.report(self.day(0), self.day(0))
        self.time_ms += DAY
        await self.keep()
        self.time_ms += 2 * DAY
        steps = await self.keep()
        self.assertEqual(1, sum(each.purged for each in steps))
        after = await self.report(day, self.day(0))
        self.assertEqual(before, after)
        self.time_ms += 3 * DAY
        self.assertEqual(2, sum(each.purged for each in await self.keep()))
        self.assertEqual((), (await self.report(day, self.day(0))).figures)

    async def test_a_late_close_is_entered_into_days_that_were_summed(self) -> None:
        first, late = _open("s1", self.time_ms - DAY), _open("s2", self.time_ms - DAY, device_class="web")
        await self.write(first, late, _close(first, first.opened_ms + HOUR))
        await self.keep()
        await self.write(_close(late, late.opened_ms + 2 * HOUR))
        await self.keep()
        before = await self.report(self.day(1), self.day(1))
        self.assertEqual({"": 2, "phone": 1, "web": 2}, _hours(before.figures))
        self.store = self.reopen_store(self.store, False)
        self.assertEqual(before, await self.report(self.day(1), self.day(1)))

    async def test_hours_of_days_whose_sessions_are_purged_are_refused(self) -> None:
        self.store = self.open_store(Limits(session_days=2), True)
        for zone, by in (("", "hour"), ("Asia/Tokyo", "day")):
            result = await self.read(OnlineTime("alice", self.day(4), self.day(0), by, zone))
            self.assert_refused(result, Code.INVALID_ARGUMENT, "from")
        await self.report(self.day(4), self.day(0))

    async def test_everyone_is_told_of_in_pages(self) -> None:
        names = [f"u{number:03}" for number in range(150)]
        for number, name in enumerate(names):
            await self.write(Login(name, "a1", "phone", 1))
            if number % 3:
                opened = _open(f"s{number}", user=name)
                await self.write(opened, _close(opened, NOON + number * MINUTE))
        after = ""
        told: list[OnlineTimeReport] = []
        while True:
            page = await self.read(OnlineTimes(after, TODAY, TODAY, "day"))
            assert isinstance(page, OnlineTimesPage)
            told += page.reports
            after = page.next
            if not after:
                break
        self.assertEqual(
            [name for number, name in enumerate(names) if number % 3], [each.user for each in told]
        )
        self.assertEqual(told[0], await self.report(user=told[0].user))

    async def test_what_cannot_be_asked_names_its_field(self) -> None:
        await self.write(CreateUser("alice"))
        right = OnlineTime("alice", TODAY, TODAY, "day", "")
        for fields, field in (
            ({"user": ""}, "user"),
            ({"first": "2024-10-05"}, "from"),
            ({"first": "yesterday"}, "from"),
            ({"first": "20241004"}, "from"),
            ({"last": "2024-02-30"}, "to"),
            ({"first": "2023-10-04"}, "to"),
            ({"first": "2024-09-01", "by": "hour"}, "to"),
            ({"by": "week"}, "by"),
            ({"zone": "Mars/Olympus"}, "zone"),
            ({"zone": "../../etc/passwd"}, "zone"),
        ):
            query = right._replace(**fields)
            self.assert_refused(await self.read(query), Code.INVALID_ARGUMENT, field)
            if field != "user":
                result: Result = await self.read(OnlineTimes("", *query[1:]))
                self.assert_refused(result, Code.INVALID_ARGUMENT, field)


def _hours(figures: Sequence[Figure]) -> dict[str, int]:
    return {each.device_class: each.online_ms // HOUR for each in figures}
