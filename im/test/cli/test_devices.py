"""The devices of imctl: reused, never shared, and their files named safely."""

from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from im.cli.devices import MAX_DEVICES, DeviceState, file_stem, open_device
from im.cli.failures import Failure
from im.cli.online import CONNECT_SECONDS, FREE_POLL_SECONDS, free_device
from im.client.core.events import Message
from im.client.core.state import Unsent, Watermark
from im.core.messages import SyncCursor

UNSENT = Unsent("d~alice~bob", b"i" * 16, 0, 1, b"hi")


def message(seq: int, epoch: str = "e1") -> Message:
    return Message("d~alice~bob", epoch, seq, 1, "bob", b"", 0, b"")


class DeviceTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp()) / "clients"

    def open(self, user: str = "alice") -> DeviceState:
        device = open_device(self.folder, user)
        assert device is not None
        self.addCleanup(device.close)
        return device

    def test_a_user_has_one_device_as_long_as_one_command_runs(self) -> None:
        first = self.open()
        name = first.load().device
        first.close()
        self.assertEqual(self.open().load().device, name)
        self.assertEqual([path.name for path in self.folder.glob("*.sqlite")], ["alice~1.sqlite"])

    def test_commands_at_the_same_time_have_a_device_each(self) -> None:
        names = {self.open().load().device for _ in range(3)}
        self.assertEqual(len(names), 3)

    def test_so_many_may_run_and_no_more(self) -> None:
        for _ in range(MAX_DEVICES):
            self.open()
        self.assertIsNone(open_device(self.folder, "alice"))

    def test_the_next_one_waits_until_a_device_is_free(self) -> None:
        clock = Clock()
        devices = [self.open() for _ in range(MAX_DEVICES)]
        waiting = Deferred.fromCoroutine(free_device(clock, self.folder, "alice"))
        clock.advance(FREE_POLL_SECONDS)
        self.assertNoResult(waiting)
        devices[3].close()
        clock.advance(FREE_POLL_SECONDS)
        device = self.successResultOf(waiting)
        self.addCleanup(device.close)
        self.assertEqual(device.load().device, devices[3].load().device)

    def test_it_does_not_wait_for_ever(self) -> None:
        clock = Clock()
        for _ in range(MAX_DEVICES):
            self.open()
        waiting = Deferred.fromCoroutine(free_device(clock, self.folder, "alice"))
        clock.pump([FREE_POLL_SECONDS] * int(1 + CONNECT_SECONDS / FREE_POLL_SECONDS))
        error = self.failureResultOf(waiting, Failure).value
        self.assertIn(f"{MAX_DEVICES} commands of alice", str(error))

    def test_the_device_that_has_something_to_send_comes_first(self) -> None:
        first, second = self.open(), self.open()
        second.add_unsent(UNSENT)
        second.close()
        first.close()
        self.assertEqual(self.open().unsent, [UNSENT])

    def test_what_is_to_be_sent_and_the_attempt_are_kept_but_no_cursor(self) -> None:
        device = self.open()
        device.add_unsent(UNSENT)
        device.save_attempt(7)
        device.save_sync("alice", SyncCursor("e1", 5), [], [])
        device.save_watermark(Watermark("d~alice~bob", "e1", 3))
        device.close()
        saved = self.open().load()
        self.assertEqual((saved.unsent, saved.attempt), ([UNSENT], 7))
        self.assertEqual((saved.cursor, saved.heads, saved.watermarks), (None, [], []))

    def test_what_was_shown_is_no_news(self) -> None:
        device = self.open()
        device.save_watermark(Watermark("d~alice~bob", "e1", 3))
        device.close()
        device = self.open()
        self.assertEqual([device.is_news(message(seq)) for seq in (3, 4)], [False, True])
        self.assertTrue(device.is_news(message(1, "e2")), "a new epoch counts anew")

    def test_files_are_their_owners_alone(self) -> None:
        self.open()
        (path,) = self.folder.glob("*.sqlite")
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.folder.stat().st_mode & 0o777, 0o700)

    def test_a_file_that_is_no_state_is_named(self) -> None:
        self.folder.mkdir(parents=True)
        (self.folder / "alice~1.sqlite").write_bytes(b"not a database" * 100)
        self.assertIn("alice~1.sqlite", self.assertRaises(Failure, self.open).text)


class FileNameTest(SynchronousTestCase):
    def test_any_user_id_is_a_safe_file_name(self) -> None:
        for user in ("alice", "../../etc/passwd", "a/b", "grüße", "用" * 64, "a" * 64, ".", "%41"):
            stem = file_stem(user)
            self.assertNotIn("/", stem)
            self.assertLess(len(f"{stem}~1.sqlite-journal"), 255)
            (Path(self.mktemp()).parent / f"{stem}~1.sqlite").name.encode("ascii")

    def test_different_users_have_different_files(self) -> None:
        users = ["a", "A", "a~1", "%61", "用" * 64, "用" * 63 + "戶", "a/b", "a%2Fb"]
        self.assertEqual(len({file_stem(user) for user in users}), len(users))
