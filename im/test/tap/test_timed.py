"""Tests of `im.tap.timed`."""

from collections.abc import Sequence
from math import inf

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from im.core.commands import CreateUser, GetProfile, ProfileRecord, Query, Result, Write
from im.ports import IStore, UnavailableError
from im.tap.timed import TimedStore

ALICE = ProfileRecord("alice", "", "", {})


@implementer(IStore)
class SlowStore:
    """A store that writes when the test says so."""

    def __init__(self) -> None:
        self.writing: Deferred[list[Result]] = Deferred()

    def write(self, batch: Sequence[Write]) -> Deferred[list[Result]]:
        return self.writing

    def read(self, query: Query) -> Deferred[Result]:
        return succeed(ALICE)

    def problem(self) -> str:
        return "the disk is full"


class TimedStoreTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.inner = SlowStore()
        self.store = TimedStore(self.inner, self.clock)

    def test_a_batch_counts_when_it_begins_and_its_time_when_it_is_stored(self) -> None:
        writing = self.store.write([CreateUser("alice")] * 2)
        self.assertEqual((self.store.requests.sum, self.store.requests.cumulated()[-1]), (2, (inf, 1)))
        self.clock.advance(0.25)
        self.assertEqual(self.store.seconds.cumulated()[-1], (inf, 0))
        self.inner.writing.callback([ALICE, ALICE])
        self.assertEqual(self.successResultOf(writing), [ALICE, ALICE])
        self.assertEqual((self.store.seconds.sum, self.store.seconds.cumulated()[-1]), (0.25, (inf, 1)))

    def test_a_batch_that_failed_counts_as_such_and_has_no_time(self) -> None:
        writing = self.store.write([CreateUser("alice")])
        self.inner.writing.errback(UnavailableError("the disk is full"))
        self.failureResultOf(writing, UnavailableError)
        self.assertEqual((self.store.failures, self.store.seconds.cumulated()[-1]), (1, (inf, 0)))

    def test_queries_and_problems_are_passed_on(self) -> None:
        self.assertEqual(self.successResultOf(self.store.read(GetProfile("bob"))), ALICE)
        self.assertEqual((self.store.reads, self.store.problem()), (1, "the disk is full"))
