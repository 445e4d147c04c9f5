"""Tests of `im.gateway.outbox`."""

from twisted.trial.unittest import SynchronousTestCase

from im.gateway.outbox import Outbox


class RecordingSink:
    """Keeps each write."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []

    def write(self, data: bytes, /) -> None:
        self.writes.append(data)


class OutboxTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.outbox = Outbox()
        self.one, self.other = RecordingSink(), RecordingSink()

    def test_without_a_batch_each_write_goes_at_once(self) -> None:
        self.outbox.write(self.one, b"1")
        self.outbox.write(self.one, b"2")
        self.assertEqual([b"1", b"2"], self.one.writes)

    def test_what_a_batch_writes_is_written_once_a_sink_in_order(self) -> None:
        self.outbox.hold()
        for data in (b"1", b"2", b"3"):
            self.outbox.write(self.one, data)
        self.outbox.write(self.other, b"x")
        self.assertEqual([], self.one.writes + self.other.writes)
        self.outbox.release()
        self.assertEqual(([b"123"], [b"x"]), (self.one.writes, self.other.writes))

    def test_a_flush_writes_what_waits_for_one_sink(self) -> None:
        self.outbox.hold()
        self.outbox.write(self.one, b"1")
        self.outbox.write(self.other, b"x")
        self.outbox.flush(self.one)
        self.outbox.flush(self.one)
        self.assertEqual(([b"1"], []), (self.one.writes, self.other.writes))

    def test_no_large_batch_waits_for_a_sink(self) -> None:
        """A sink that is full must be able to say so before the batch is over."""
        self.outbox.hold()
        self.outbox.write(self.one, b"small")
        self.outbox.write(self.one, b"x" * 32_768)
        self.assertEqual(b"small" + b"x" * 32_768, b"".join(self.one.writes))
        for _ in range(10_000):
            self.outbox.write(self.other, b"x" * 1_000)
        self.assertGreater(sum(map(len, self.other.writes)), 10_000_000 - 65_536)
        self.outbox.release()
        self.assertEqual(10_000_000, sum(map(len, self.other.writes)))
