"""Tests of `im.core.presence`."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from im.core.presence import FindPresence, OnlineDevice, Presence, Shown, Visibility, online_devices

GRACE = 50
PHONE, WEB = OnlineDevice("phone", True), OnlineDevice("web", False)
AWAY = Presence("bob", (), 1_000)


def seen(*devices: OnlineDevice) -> Presence:
    return Presence("bob", devices)


class VisibilityTests(SynchronousTestCase):
    def test_each_asks_for_whom_it_lets_see(self) -> None:
        users = ("alice", "bob")
        asked = [each.question("alice", users) for each in Visibility]
        self.assertEqual(asked, [FindPresence(users), FindPresence(users, "alice"), FindPresence(("alice",))])


class DevicesTests(SynchronousTestCase):
    def test_a_class_is_there_once_and_in_the_foreground_if_any_of_it_is(self) -> None:
        sessions = [("web", False), ("phone", False), ("phone", True), ("phone", False)]
        self.assertEqual(online_devices(sessions), (PHONE, WEB))


class ShownTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.shown = Shown(seen(PHONE))

    def test_who_comes_is_told_at_once(self) -> None:
        shown = Shown(AWAY)
        self.assertTrue(shown.take(seen(PHONE), 0, GRACE))
        self.assertEqual(shown.presence, seen(PHONE))
        self.assertTrue(shown.presence.is_online and not AWAY.is_online)

    def test_who_is_back_within_the_grace_was_never_away(self) -> None:
        self.assertFalse(self.shown.take(AWAY, 100, GRACE))
        self.assertEqual(self.shown.look_again_at(GRACE), 150)
        self.assertFalse(self.shown.take(seen(PHONE), 149, GRACE))
        self.assertIsNone(self.shown.look_again_at(GRACE))

    def test_who_is_away_when_it_ends_is_told_with_the_moment_last_heard(self) -> None:
        self.shown.take(AWAY, 100, GRACE)
        self.assertFalse(self.shown.take(AWAY, 149, GRACE))
        self.assertTrue(self.shown.take(AWAY, 150, GRACE))
        self.assertEqual((self.shown.presence, self.shown.look_again_at(GRACE)), (AWAY, None))

    def test_a_device_that_comes_while_another_is_in_its_grace_is_told_beside_it(self) -> None:
        self.shown.take(AWAY, 100, GRACE)
        self.assertTrue(self.shown.take(seen(WEB), 120, GRACE))
        self.assertEqual(self.shown.presence.devices, (PHONE, WEB))
        self.assertTrue(self.shown.take(seen(WEB), 150, GRACE))
        self.assertEqual(self.shown.presence.devices, (WEB,))

    def test_the_same_again_is_not_told(self) -> None:
        self.assertFalse(self.shown.take(seen(PHONE), 100, GRACE))

    def test_foreground_and_background_are_told_at_once(self) -> None:
        back = seen(OnlineDevice("phone", False))
        self.assertTrue(self.shown.take(back, 100, GRACE))
        self.assertEqual(self.shown.presence, back)

    @settings(derandomize=True, deadline=None, max_examples=200)
    @given(
        st.lists(
            st.tuples(st.integers(1, 60), st.sets(st.sampled_from(["phone", "web", "desktop"]))), max_size=20
        )
    )
    def test_a_device_is_shown_exactly_while_it_was_seen_within_the_grace(
        self, steps: list[tuple[int, set[str]]]
    ) -> None:
        shown = Shown(AWAY)
        now = 0
        missed_at: dict[str, int] = {}  # since when a device that was there is not
        for pause, classes in steps:
            now += pause
            devices = online_devices([(name, True) for name in classes])
            before = shown.presence
            is_told = shown.take(Presence("bob", devices, 7), now, GRACE)
            for name in classes:
                missed_at.pop(name, None)
            for device in before.devices:
                if device.device_class not in classes:
                    missed_at.setdefault(device.device_class, now)
            missed_at = {name: since for name, since in missed_at.items() if now - since < GRACE}
            expected = classes | missed_at.keys()
            self.assertEqual({device.device_class for device in shown.presence.devices}, expected)
            self.assertEqual(is_told, shown.presence != before)
            again = shown.look_again_at(GRACE)
            self.assertEqual(again, min(missed_at.values()) + GRACE if missed_at else None)
