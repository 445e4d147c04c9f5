"""Upkeep: small steps while there is work, then rest."""

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from im.business.upkeep import LEDGER, PUSHES, Upkeep
from im.core.ledger import LedgerKept
from im.core.pushing import PushesExpired
from im.ports import IStore, UnavailableError


@implementer(IStore)
class WorkingStore:
    """Has so many steps of work; `outcome` is of the next write."""

    def __init__(self) -> None:
        self.steps = 0
        self.written: list[object] = []
        self.failure: Exception | None = None

    def write(self, batch):  # type: ignore[no-untyped-def]
        self.written.extend(batch)
        if self.failure is not None:
            return fail(self.failure)
        self.steps -= 1
        return succeed([LedgerKept(16, 0, self.steps > 0)])

    def read(self, query):  # type: ignore[no-untyped-def]
        return Deferred()

    def problem(self) -> str:
        return ""


class UpkeepTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.store = WorkingStore()
        self.upkeep = Upkeep(self.clock, self.store, LEDGER)
        self.upkeep.start()

    def test_steps_follow_each_other_while_there_is_work(self) -> None:
        self.store.steps = 3
        self.clock.advance(LEDGER.pause_seconds)
        self.assertEqual([LEDGER.step], self.store.written)
        self.clock.pump([LEDGER.rest_seconds] * 10)
        self.assertEqual(3, len(self.store.written))
        self.clock.advance(LEDGER.pause_seconds)
        self.assertEqual(4, len(self.store.written))

    def test_a_store_that_cannot_is_asked_again_later(self) -> None:
        self.store.failure = UnavailableError("full")
        self.clock.advance(LEDGER.pause_seconds)
        self.clock.advance(LEDGER.pause_seconds)
        self.assertEqual(2, len(self.store.written))

    def test_an_error_is_logged_and_does_not_end_it(self) -> None:
        self.store.failure = KeyError("a bug")
        self.clock.advance(LEDGER.pause_seconds)
        self.assertEqual(1, len(self.flushLoggedErrors(KeyError)))
        self.clock.advance(LEDGER.pause_seconds)
        self.assertEqual(1, len(self.flushLoggedErrors(KeyError)))

    def test_stopped_it_begins_nothing(self) -> None:
        self.upkeep.stop()
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_pushes_go_on_while_a_step_was_full(self) -> None:
        self.assertEqual(
            [True, False, False],
            [
                PUSHES.is_more(each)
                for each in (PushesExpired(64), PushesExpired(63), LedgerKept(64, 0, True))
            ],
        )
