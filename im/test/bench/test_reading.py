"""The loads of coming back and reading: what they count as lost, doubled or out of order."""

from collections.abc import Callable
from typing import Any, cast
from unittest.mock import patch

from twisted.trial.unittest import SynchronousTestCase

from im.bench import reading
from im.bench.loop import Loop
from im.bench.reading import Comer, Reader
from im.bench.session import LoadSession
from im.proto.base_pb2 import BaseMessage
from im.proto.chat_pb2 import Cursor, Read
from im.proto.session_pb2 import OnlineResult
from im.proto.sync_pb2 import Head, SyncCursor, SyncResult
from im.wire.codec import unpack

JOB = {"host": "127.0.0.1", "port": 1, "comers": {"alice": "token"}, "tokens": {"bob": "-", "carol": "-"}}


class FakeLoop:
    """A clock that the test sets."""

    now = 1.0


class FakeSession:
    """Keeps what is written; the test answers."""

    def __init__(self, *_: Any) -> None:
        self.user = "alice"
        self.channel = self
        self.on_cursor: Callable[[BaseMessage], None]
        self.written: list[bytes] = []
        self.cursors: list[SyncCursor] = []
        self.is_answered = False
        self.is_closed = False
        self.log_in_answer = OnlineResult()

    def write(self, payload: bytes) -> None:
        self.written.append(payload)

    def close(self) -> None:
        self.is_closed = True

    def start_login(self, token: str, cursor: SyncCursor) -> None:
        self.cursors.append(cursor)

    @property
    def reads(self) -> list[int]:
        """What was read so far."""
        return [Read.FromString(unpack(each).body).seq for each in self.written]


class ReaderTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.loop, self.session, self.other = FakeLoop(), FakeSession(), FakeSession()
        session, other = cast(LoadSession, self.session), cast(LoadSession, self.other)
        self.reader = Reader(cast(Loop, self.loop), session, other, "bob")
        self.reader.go_on()

    def answer(self) -> None:
        self.session.on_cursor(BaseMessage())

    def tell(self, seq: int) -> None:
        self.loop.now += 0.5
        self.other.on_cursor(BaseMessage(body=Cursor(read_seq=seq).SerializeToString()))

    def test_the_next_message_is_read_when_the_one_before_was_answered(self) -> None:
        self.assertEqual(self.session.reads, [1])
        self.answer()
        self.answer()
        self.assertEqual((self.session.reads, self.reader.read), ([1, 2, 3], 2))

    def test_who_stops_reading_goes_on_no_more(self) -> None:
        self.reader.is_reading = False
        self.answer()
        self.assertEqual((self.session.reads, self.reader.read), ([1], 1))

    def test_what_the_other_device_is_told_is_timed(self) -> None:
        self.tell(1)
        self.assertEqual((self.reader.told, self.reader.latencies), (1, [0.5]))
        self.assertTrue(self.reader.is_orderly)

    def test_a_cursor_that_is_passed_over_is_out_of_order(self) -> None:
        self.answer()
        self.tell(2)
        self.assertFalse(self.reader.is_orderly)
        self.tell(2)
        self.assertFalse(self.reader.is_orderly, "it stays so")


class ComerTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.loop, self.session = FakeLoop(), FakeSession()
        with patch.object(reading, "LoadSession", lambda *_: self.session):
            self.comer = Comer(cast(Loop, self.loop), JOB, "alice")
            self.comer.come()

    def looked(self, told: SyncResult) -> int:
        """How many logins were wrong once this one was told that."""
        self.loop.now += 0.25
        self.session.log_in_answer = OnlineResult(sync=told)
        self.session.is_answered = True
        self.assertTrue(self.comer.look())
        return self.comer.wrong

    def test_a_login_without_an_answer_is_waited_for(self) -> None:
        self.assertFalse(self.comer.look())
        self.assertEqual((self.comer.logins, self.session.is_closed), (0, False))

    def test_a_login_that_is_told_of_what_changed_is_timed_and_goes(self) -> None:
        self.assertEqual(self.looked(SyncResult(heads=[Head(unread=1), Head(unread=2)])), 0)
        self.assertEqual((self.comer.logins, self.comer.latencies), (1, [0.25]))
        self.assertTrue(self.session.is_closed)
        self.assertFalse(self.comer.look(), "it has gone")

    def test_a_conversation_too_few_is_wrong(self) -> None:
        self.assertEqual(self.looked(SyncResult(heads=[Head(unread=1)])), 1)

    def test_one_without_anything_unread_is_wrong(self) -> None:
        self.assertEqual(self.looked(SyncResult(heads=[Head(unread=1), Head()])), 1)

    def test_an_answer_that_needs_another_page_is_wrong(self) -> None:
        told = SyncResult(heads=[Head(unread=1), Head(unread=1)], next="more")
        self.assertEqual(self.looked(told), 1)
