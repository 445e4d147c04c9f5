"""What the client library watches, and how it keeps it over connections."""

from twisted.trial.unittest import SynchronousTestCase

from im.client.core.events import Answered, PresenceChanged, RequestRefused
from im.core.errors import Code
from im.core.presence import OnlineDevice, Presence
from im.proto import base_pb2, presence_pb2, session_pb2
from im.test.client.core.driver import Driver

PHONE = presence_pb2.OnlineDevice(device_class="phone", app_state=session_pb2.BACKGROUND)
HERE = presence_pb2.Presence(user="bob", devices=[PHONE])
AWAY = presence_pb2.Presence(user="bob", last_seen_ms=5)
BOB_HERE, BOB_AWAY = Presence("bob", (OnlineDevice("phone", False),)), Presence("bob", (), 5)


class WatchingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.driver = Driver()
        self.driver.login()

    def watch(self, *users: str) -> int:
        request = self.driver.core.watch(users, self.driver.now)
        self.driver.collect()
        return request

    def asked(self) -> list[list[str]]:
        """The users of each WATCH that was written; the ids are kept for `answer`."""
        taken = self.driver.take(presence_pb2.Watch)
        self.ids = [request for request, _ in taken]
        return [list(body.users) for _, body in taken]

    def answer(self, *presences: presence_pb2.Presence, refused: tuple[str, ...] = ()) -> None:
        self.driver.answer(self.ids.pop(0), presence_pb2.Watched(users=presences, refused=refused))

    def told(self) -> list[Presence]:
        return [event.presence for event in self.driver.told(PresenceChanged)]

    def test_a_watch_is_answered_with_what_is_so_now(self) -> None:
        request = self.watch("bob", "bob")
        self.assertEqual(self.asked(), [["bob"]])
        self.answer(HERE)
        self.assertEqual(self.told(), [BOB_HERE])
        self.assertEqual(self.driver.told(Answered), [Answered(request, None)])
        self.assertEqual(self.driver.core.watching.get("bob"), BOB_HERE)

    def test_a_watch_of_nobody_is_answered_at_once(self) -> None:
        request = self.watch()
        self.assertEqual((self.asked(), self.driver.told(Answered)), ([], [Answered(request, None)]))

    def test_changes_are_told_once(self) -> None:
        self.watch("bob")
        self.asked()
        self.answer(HERE)
        self.told()
        for body in (AWAY, AWAY, HERE):
            self.driver.answer(0, body)
        self.assertEqual(self.told(), [BOB_AWAY, BOB_HERE])

    def test_many_are_asked_for_in_frames_and_answered_together(self) -> None:
        request = self.watch(*(f"u{number}" for number in range(250)))
        self.assertEqual([len(users) for users in self.asked()], [100, 100, 50])
        self.answer()
        self.answer()
        self.assertEqual(self.driver.told(Answered), [])
        self.answer()
        self.assertEqual(self.driver.told(Answered), [Answered(request, None)])

    def test_after_a_reconnect_it_watches_again_and_only_what_changed_is_told(self) -> None:
        self.watch("bob", "carol")
        self.asked()
        self.answer(HERE, presence_pb2.Presence(user="carol"))
        self.told()
        self.driver.disconnect()
        self.assertEqual(self.driver.core.watching.get("bob"), BOB_HERE)
        self.driver.login()
        self.assertEqual(self.asked(), [["bob", "carol"]])
        self.answer(AWAY, presence_pb2.Presence(user="carol"))
        self.assertEqual(self.told(), [BOB_AWAY])

    def test_a_watch_that_was_cut_off_is_answered_by_the_next_login_s(self) -> None:
        request = self.watch("bob")
        self.asked()
        self.driver.disconnect()
        self.driver.login()
        self.assertEqual(self.asked(), [["bob"]])
        self.answer(HERE)
        self.assertEqual(self.driver.told(Answered), [Answered(request, None)])

    def test_a_watch_before_the_login_waits_for_it(self) -> None:
        self.driver.disconnect()
        request = self.watch("bob")
        self.assertEqual(self.asked(), [])
        self.driver.login()
        self.assertEqual(self.asked(), [["bob"]])
        self.answer(HERE)
        self.assertEqual(self.driver.told(Answered), [Answered(request, None)])

    def test_an_answer_that_is_lost_is_asked_for_again(self) -> None:
        self.watch("bob")
        self.asked()
        self.driver.wait(9.0)
        self.assertEqual(self.asked(), [["bob"]])

    def test_whom_one_may_not_watch_is_not_watched_again(self) -> None:
        self.watch("bob", "eve")
        self.asked()
        self.answer(HERE, refused=("eve",))
        self.assertIsNone(self.driver.core.watching.get("eve"))
        self.driver.disconnect()
        self.driver.login()
        self.assertEqual(self.asked(), [["bob"]])

    def test_a_refusal_fails_what_waits_and_keeps_what_was_watched(self) -> None:
        self.watch("bob")
        self.asked()
        self.answer(HERE)
        request = self.watch("carol", "dave")
        self.asked()
        code = Code.LIMIT_EXCEEDED
        self.driver.answer(self.ids.pop(), base_pb2.Error(code=code, name=code.label))
        (refused,) = self.driver.told(RequestRefused)
        self.assertEqual((refused.request, refused.refusal.label), (request, "limit_exceeded"))
        self.driver.disconnect()
        self.driver.login()
        self.assertEqual(self.asked(), [["bob"]])

    def test_who_is_not_watched_any_more_is_not_told(self) -> None:
        request = self.watch("bob")
        self.asked()
        self.driver.core.watching.unwatch(["bob", "carol"], self.driver.now)
        self.driver.collect()
        ((unwatch, body),) = self.driver.take(presence_pb2.Unwatch)
        self.assertEqual(list(body.users), ["bob"])
        self.answer(HERE)
        self.driver.answer(unwatch, base_pb2.Ok())
        self.driver.answer(0, AWAY)
        self.assertEqual(self.told(), [])
        self.assertEqual(self.driver.told(Answered), [Answered(request, None)])
        self.driver.disconnect()
        self.driver.login()
        self.assertEqual(self.asked(), [])
