"""Purges: a walk in small steps over conversations, and a rest after it."""

from collections.abc import Sequence

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from im.business.purging import (
    CONVERSATIONS_AT_ONCE,
    ENTRIES_AT_ONCE,
    FAILED_SECONDS,
    FIRST_SECONDS,
    PAUSE_SECONDS,
    REST_SECONDS,
    Purge,
    PurgeCounts,
    PurgeRules,
)
from im.core.commands import Query, Result, Write
from im.core.errors import Code, Refused, RefusedError
from im.core.purging import FindOld, MessagesPurged, OldFound, PurgeMessages
from im.ports import IStore, UnavailableError

NOW_MS = 100 * 86_400_000
PAGE = 10


@implementer(IStore)
class OldStore:
    """Holds so many old messages in each conversation."""

    def __init__(self) -> None:
        self.left: dict[str, int] = {}
        self.asked: list[FindOld] = []
        self.batches: list[list[PurgeMessages]] = []
        self.failure: Exception | None = None
        self.is_refusing = False

    def read(self, query: Query) -> "Deferred[Result]":
        assert isinstance(query, FindOld)
        self.asked.append(query)
        names = [name for name in sorted(self.left) if name > query.after][:PAGE]
        following = names[-1] if len(names) == PAGE else ""
        return succeed(OldFound(tuple(name for name in names if self.left[name]), following))

    def write(self, batch: Sequence[Write]) -> "Deferred[list[Result]]":
        purges = [each for each in batch if isinstance(each, PurgeMessages)]
        self.batches.append(purges)
        if self.failure is not None:
            return fail(self.failure)
        return succeed([self.purged(each) for each in purges])

    def purged(self, write: PurgeMessages) -> Result:
        if self.is_refusing:
            return Refused(Code.INVALID_ARGUMENT, "no")
        count = min(self.left[write.conversation], write.most)
        self.left[write.conversation] -= count
        return MessagesPurged(write.conversation, count, count == write.most)

    def problem(self) -> str:
        return ""


class PurgeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.store = OldStore()
        self.counts = PurgeCounts()

    def begin(self, days: int = 30, own: str = "") -> Purge:
        rules = PurgeRules(days, lambda: NOW_MS, lambda name: name.startswith(own))
        purge = Purge(self.clock, self.store, rules, self.counts)
        purge.start()
        return purge

    def walk(self, steps: int = 200) -> None:
        """Let a walk begin, and go as far as so many steps."""
        self.clock.advance(FIRST_SECONDS)
        self.clock.pump([REST_SECONDS] * steps)

    def test_everything_that_is_old_goes_whatever_page_it_is_on(self) -> None:
        self.store.left = {f"d~{number:02}": number * 40 for number in range(25)}
        total = sum(self.store.left.values())
        self.begin()
        self.walk()
        self.assertEqual({0}, {*self.store.left.values()})
        self.assertEqual(total, self.counts.messages)
        self.assertEqual(["", "d~09", "d~19"], [each.after for each in self.store.asked])
        self.assertEqual({NOW_MS - 30 * 86_400_000}, {each.before_ms for each in self.store.asked})

    def test_no_transaction_is_long(self) -> None:
        self.store.left = {f"d~{number:02}": 1_000 for number in range(25)}
        self.begin()
        self.walk()
        for batch in self.store.batches:
            self.assertLessEqual(len(batch), CONVERSATIONS_AT_ONCE)
            self.assertLessEqual(sum(each.most for each in batch), ENTRIES_AT_ONCE)
        self.assertEqual(len(self.store.batches) + len(self.store.asked), 201, "one step at a time")

    def test_one_conversation_alone_has_the_whole_transaction(self) -> None:
        self.store.left = {"d~1": 1_000}
        self.begin()
        self.walk(2)
        self.assertEqual(ENTRIES_AT_ONCE, self.store.batches[0][0].most)

    def test_after_a_walk_it_rests(self) -> None:
        self.store.left = {"d~1": 1}
        self.begin()
        self.walk()
        self.assertEqual(1, len(self.store.asked))
        self.store.left = {"d~1": 1}
        self.clock.advance(PAUSE_SECONDS)
        self.clock.advance(REST_SECONDS)
        self.assertEqual((2, 2), (len(self.store.asked), self.counts.messages))

    def test_what_belongs_to_another_owner_is_left_to_them(self) -> None:
        self.store.left = {"a~1": 1, "b~1": 1}
        self.begin(own="b")
        self.walk()
        self.assertEqual({"a~1": 1, "b~1": 0}, self.store.left)

    def test_kept_for_ever_nothing_is_looked_for(self) -> None:
        self.begin(days=0)
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_a_store_that_cannot_is_asked_again_later(self) -> None:
        self.store.left = {f"d~{number:02}": 1 for number in range(15)}
        self.store.failure = UnavailableError("full")
        self.begin()
        self.walk(1)
        self.store.failure = None
        self.clock.advance(FAILED_SECONDS)
        self.clock.pump([REST_SECONDS] * 10)
        self.assertEqual(5, self.counts.messages, "the walk went on behind what failed")
        self.clock.advance(PAUSE_SECONDS)
        self.clock.pump([REST_SECONDS] * 10)
        self.assertEqual(15, self.counts.messages)

    def test_an_error_is_logged_and_does_not_end_it(self) -> None:
        self.store.left = {"d~1": 1}
        self.store.is_refusing = True
        self.begin()
        self.walk(2)
        self.assertEqual(1, len(self.flushLoggedErrors(RefusedError)))
        self.store.is_refusing = False
        self.clock.advance(FAILED_SECONDS)
        self.clock.pump([REST_SECONDS] * 3)
        self.assertEqual(1, self.counts.messages)

    def test_stopped_it_begins_nothing(self) -> None:
        self.begin().stop()
        self.assertEqual([], self.clock.getDelayedCalls())
