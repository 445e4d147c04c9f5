"""Who is displaced, and the intervals of heartbeats."""

from typing import NamedTuple

from twisted.trial.unittest import SynchronousTestCase

from im.core.sessions import AppState, ClassPolicy, Heartbeats, dead_after, displaced


class Facts(NamedTuple):
    id: str
    device: str
    device_class: str
    fence: int


NEW = Facts("new", "d1", "phone", 100)


def ids(sessions: list[Facts]) -> list[str]:
    return [session.id for session in sessions]


class DisplacedTests(SynchronousTestCase):
    def test_an_older_session_of_the_same_device_goes_under_either_policy(self) -> None:
        old = Facts("old", "d1", "phone", 99)
        for policy in ClassPolicy:
            self.assertEqual(ids(displaced(NEW, [old, NEW], policy, 16)), ["old"])

    def test_another_device_of_the_class_stays_where_they_coexist(self) -> None:
        other = Facts("other", "d2", "phone", 1)
        self.assertEqual(displaced(NEW, [other, NEW], ClassPolicy.COEXIST, 16), [])

    def test_another_device_of_the_class_goes_where_it_is_replaced(self) -> None:
        phone, desk = Facts("phone", "d2", "phone", 1), Facts("desk", "d3", "desktop", 2)
        self.assertEqual(ids(displaced(NEW, [phone, desk, NEW], ClassPolicy.REPLACE, 16)), ["phone"])

    def test_the_oldest_go_when_there_are_too_many(self) -> None:
        others = [Facts(f"s{fence}", f"d{fence}", "web", fence) for fence in (30, 10, 20)]
        self.assertEqual(ids(displaced(NEW, [*others, NEW], ClassPolicy.COEXIST, 2)), ["s10", "s20"])

    def test_those_that_go_anyway_make_room(self) -> None:
        same, other = Facts("same", "d1", "phone", 50), Facts("other", "d2", "web", 10)
        self.assertEqual(ids(displaced(NEW, [other, same, NEW], ClassPolicy.COEXIST, 2)), ["same"])

    def test_the_new_session_never_goes_itself(self) -> None:
        self.assertEqual(displaced(NEW, [NEW], ClassPolicy.REPLACE, 1), [])


class HeartbeatTests(SynchronousTestCase):
    beats = Heartbeats(30_000, 240_000)

    def test_without_a_wish_the_app_state_decides(self) -> None:
        self.assertEqual(self.beats.interval_ms(AppState.FOREGROUND, 0), 30_000)
        self.assertEqual(self.beats.interval_ms(AppState.BACKGROUND, 0), 240_000)

    def test_a_wish_may_only_shorten(self) -> None:
        self.assertEqual(self.beats.interval_ms(AppState.FOREGROUND, 5_000), 5_000)
        self.assertEqual(self.beats.interval_ms(AppState.FOREGROUND, 90_000), 30_000)

    def test_a_wish_has_a_least(self) -> None:
        self.assertEqual(self.beats.interval_ms(AppState.FOREGROUND, 1), 1_000)

    def test_an_interval_and_a_half_of_silence_is_death(self) -> None:
        self.assertEqual(dead_after(30.0), 45.0)
