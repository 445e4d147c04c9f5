"""The poll without log context does what Twisted's does."""

import os

from twisted.internet.epollreactor import EPollReactor
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from im.tap.polling import poll_without_log_context


class Reader:
    """One end of a pipe that notes what it read, or fails."""

    def __init__(self, fileno: int) -> None:
        self._fileno = fileno
        self.got = b""
        self.fails = False
        self.lost: object = None

    def fileno(self) -> int:
        return self._fileno

    def doRead(self) -> None:
        self.got += os.read(self._fileno, 100)
        if self.fails:
            raise ValueError("defect")

    def connectionLost(self, reason: object) -> None:
        self.lost = reason

    def logPrefix(self) -> str:
        return "reader"


class PollingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = EPollReactor()
        poll_without_log_context(self.reactor)
        near, self.far = os.pipe()
        self.addCleanup(os.close, near)
        self.addCleanup(os.close, self.far)
        self.reader = Reader(near)
        self.reactor.addReader(self.reader)
        self.addCleanup(self.reactor._poller.close)
        self.addCleanup(self.reactor.removeAll)

    def test_what_is_readable_is_read(self) -> None:
        os.write(self.far, b"data")
        self.reactor.doIteration(1)
        self.assertEqual(b"data", self.reader.got)

    def test_nothing_readable_is_nothing_done(self) -> None:
        self.reactor.doIteration(0)
        self.assertEqual(b"", self.reader.got)

    def test_a_reader_that_raises_is_logged_and_disconnected(self) -> None:
        self.reader.fails = True
        os.write(self.far, b"data")
        self.reactor.doIteration(1)
        self.assertEqual(1, len(self.flushLoggedErrors(ValueError)))
        self.assertIsNotNone(self.reader.lost)
        self.assertEqual([], [each for each in self.reactor.getReaders() if each is self.reader])

    def test_another_kind_of_reactor_stays_as_it_is(self) -> None:
        clock = Clock()
        poll_without_log_context(clock)
        self.assertFalse(hasattr(clock, "doIteration"))
