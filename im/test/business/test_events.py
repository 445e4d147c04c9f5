"""How events are carried to a consumer: in order, past what fails, until each is taken or given up."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from im.adapters.sql.sqlite import MemoryDatabase, SqliteStore, StorePolicy, inline_runners
from im.business.events import (
    LOOK_SECONDS,
    MOST_AT_ONCE,
    MOST_LANES,
    PAUSE_SECONDS,
    TURN_SECONDS,
    Carried,
    CarryTimes,
    Courier,
)
from im.core.commands import Query, Result, Write
from im.core.events import (
    ONLINE,
    STORED,
    DeadLetters,
    Event,
    ListDead,
    ReplayDead,
    SubscribeEvents,
    first_event,
)
from im.core.limits import Limits
from im.core.webhooks import MOST_ATTEMPTS, MOST_DELAY_MS
from im.testing.contracts.store_base import a_send
from im.testing.contracts.store_events import an_open

EPOCH_MS = 1_700_000_000_000


class CourierCase(SynchronousTestCase):
    """A courier whose consumer answers as the test says."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.database = MemoryDatabase()
        self.addCleanup(self.database.close)
        self.carried: list[Event] = []
        self.refusing: set[str] = set()
        self.hanging: list[Deferred[str]] | None = None
        self.sessions = self.looks = 0
        self.counters = Carried()
        self.start()
        self.write(SubscribeEvents("hook", (ONLINE,)))

    def now_ms(self) -> int:
        return EPOCH_MS + round(self.clock.seconds() * 1_000)

    def start(self) -> None:
        """A process on what the last one committed."""
        self.store = SqliteStore(
            self.database, inline_runners(), self.now_ms, StorePolicy(Limits(), True), self.fail
        )
        read = self.store.read

        def look(query: Query) -> "Deferred[Result]":
            self.looks += 1
            return read(query)

        self.store.read = look  # type: ignore[method-assign]
        times = CarryTimes(self.clock, self.now_ms, lambda: 0.5)
        self.courier = Courier(self.store, "hook", self.carry, times, self.counters)
        self.courier.start()

    def stop(self) -> None:
        self.courier.stop()
        self.assertEqual([], self.clock.getDelayedCalls())

    def carry(self, event: Event) -> "Deferred[str]":
        self.carried.append(event)
        if self.hanging is not None:
            self.hanging.append(Deferred())
            return self.hanging[-1]
        return succeed("it answered 500" if event.user in self.refusing else "")

    def write(self, *batch: Write) -> None:
        self.successResultOf(self.store.write(batch))
        self.courier.wake()

    def log_in(self, *users: str) -> None:
        """Have an event of each."""
        for user in users:
            self.sessions += 1
            self.write(an_open(user, f"s{self.sessions}", self.now_ms()))

    def run_for(self, seconds: float) -> None:
        self.clock.pump([0.05] * round(seconds * 20))

    def told(self) -> list[str]:
        return [event.user for event in self.carried]

    def dead(self) -> list[str]:
        letters = self.successResultOf(self.store.read(ListDead("hook", b"", 100)))
        assert isinstance(letters, DeadLetters)
        return [letter.event.user for letter in letters.letters]


class OrderTests(CourierCase):
    def test_an_event_is_carried_at_once_and_once(self) -> None:
        self.run_for(10)
        self.log_in("alice")
        self.clock.advance(0)
        self.assertEqual(["alice"], self.told())
        self.run_for(10)
        self.assertEqual(["alice"], self.told())
        self.assertEqual((1, 0, 0), (self.counters.taken, self.counters.failed, self.counters.dead))

    def test_a_stream_of_events_takes_a_few_turns_a_second(self) -> None:
        self.run_for(1)
        before = self.looks
        for _ in range(100):
            self.log_in("alice")
            self.clock.advance(0.01)
        self.run_for(PAUSE_SECONDS * 2)
        self.assertEqual(100, len(self.carried))
        self.assertLess(self.looks - before, 15)

    def test_what_is_found_without_being_told_of_is_carried_within_a_look(self) -> None:
        self.run_for(1)
        self.successResultOf(self.store.write([an_open("alice", "s1", self.now_ms())]))
        self.run_for(LOOK_SECONDS + 0.1)
        self.assertEqual(["alice"], self.told())

    def test_others_go_past_a_user_whose_event_is_refused(self) -> None:
        self.refusing = {"alice"}
        self.log_in("alice", "alice", "bob")
        self.run_for(1)
        self.assertEqual(["alice", "bob"], sorted(self.told()))
        self.refusing.clear()
        self.log_in("alice")
        self.run_for(12)
        alices = [event for event in self.carried if event.user == "alice"]
        self.assertEqual(alices[0], alices[1])
        self.assertEqual(sorted({event.id for event in alices}), [event.id for event in alices[1:]])
        self.assertEqual(3, len(alices[1:]))

    def test_lanes_are_carried_side_by_side_and_no_more_than_so_many(self) -> None:
        self.hanging = []
        self.log_in(*(f"u{number}" for number in range(MOST_LANES + 5)), "u1")
        self.run_for(0.1)
        self.assertEqual(MOST_LANES, len(self.carried))
        self.assertEqual(MOST_LANES, len({*self.told()}))

    def test_a_slow_user_s_backlog_does_not_keep_others_waiting(self) -> None:
        self.hanging = []
        self.log_in(*["alice"] * 3)
        self.run_for(TURN_SECONDS + 0.1)
        self.log_in("bob")
        self.hanging[0].callback("")
        self.run_for(0.2)
        self.assertEqual(["alice", "alice", "bob"], self.told())

    def test_a_backlog_is_carried_without_pauses(self) -> None:
        self.log_in(*["alice"] * (MOST_AT_ONCE * 3))
        self.run_for(0.3)
        self.assertEqual(MOST_AT_ONCE * 3, len(self.carried))

    def test_what_another_writer_commits_late_is_not_passed_over(self) -> None:
        self.log_in("alice", "bob")
        self.run_for(0.2)
        late = first_event(EPOCH_MS - 5_000)
        values = ("hook", late, "carol", ONLINE, "carol", "{}")
        self.database.connect_writer().execute(
            "INSERT INTO event (consumer, event_id, lane, kind, user_id, payload) VALUES (?, ?, ?, ?, ?, ?)",
            values,
        )
        self.run_for(LOOK_SECONDS + 0.1)
        self.assertEqual(late, self.carried[-1].id)


class FailureTests(CourierCase):
    def test_an_event_that_is_refused_long_enough_is_a_dead_letter_and_the_next_one_goes(self) -> None:
        self.refusing = {"alice"}
        self.log_in("alice")
        for _ in range(MOST_ATTEMPTS):
            self.clock.pump([MOST_DELAY_MS / 1_000 * 1.3, *[1.0] * 5])
        self.assertEqual(["alice"] * MOST_ATTEMPTS, self.told())
        self.assertEqual(["alice"], self.dead())
        self.assertEqual((0, MOST_ATTEMPTS, 1), tuple(vars(self.counters).values()))
        self.refusing.clear()
        self.log_in("alice")
        self.run_for(5)
        self.assertEqual(MOST_ATTEMPTS + 1, len(self.carried))
        self.write(ReplayDead("hook", 10))
        self.run_for(1)
        self.assertEqual((self.carried[0].id, []), (self.carried[-1].id, self.dead()))

    def test_a_consumer_that_takes_nothing_is_probed_by_single_events(self) -> None:
        users = [f"u{number}" for number in range(40)]
        self.refusing = {*users}
        self.log_in(*users)
        self.run_for(1)
        self.assertEqual(MOST_LANES, len(self.carried))
        self.run_for(10)
        self.assertLessEqual(len(self.carried), MOST_LANES + 7)
        self.refusing.clear()
        self.run_for(20)
        self.assertEqual({*users}, {*self.told()[-len(users) - 10 :]})
        self.assertEqual(40, self.counters.taken)

    def test_what_was_under_way_in_a_crash_is_carried_again_under_its_id(self) -> None:
        self.hanging = []
        self.log_in("alice")
        self.run_for(0.2)
        self.stop()
        self.hanging = None
        self.start()
        self.run_for(0.2)
        first, again = self.carried
        self.assertEqual(first, again)

    def test_what_was_taken_but_not_settled_is_carried_again_under_its_id(self) -> None:
        self.log_in("alice")
        self.store.write = lambda batch: Deferred()  # type: ignore[method-assign]
        self.run_for(0.2)
        self.stop()
        self.start()
        self.run_for(0.2)
        first, again = self.carried
        self.assertEqual(first, again)

    def test_stopping_gives_up_what_is_under_way(self) -> None:
        self.hanging = []
        self.log_in("alice", "bob")
        self.run_for(0.2)
        self.stop()
        self.assertEqual(2, len(self.hanging))
        for each in self.hanging:
            self.assertTrue(each.called)

    def test_records_of_what_is_stored_come_in_the_order_of_the_commits(self) -> None:
        self.write(SubscribeEvents("hook", (STORED,)))
        self.hanging = []
        for number in range(1, 5):
            self.write(a_send(number))
        for number in range(1, 5):
            self.run_for(0.3)
            self.assertEqual(number, len(self.carried))
            self.hanging[-1].callback("")
        self.assertEqual(self.carried, sorted(self.carried))


class ScheduleTests(SynchronousTestCase):
    @settings(derandomize=True, deadline=None, max_examples=60)
    @given(
        st.lists(st.sampled_from(["alice", "bob", "carol"]), max_size=25),
        st.lists(st.booleans(), max_size=60),
        st.lists(st.integers(0, 40), max_size=3),
    )
    def test_each_user_s_events_are_taken_in_order_under_any_failures(
        self, users: list[str], failures: list[bool], crashes: list[int]
    ) -> None:
        case = _Schedule(failures)
        case.setUp()
        try:
            for step, user in enumerate(users):
                case.log_in(user)
                case.clock.pump([0.1] * 5)
                if step in crashes:
                    case.courier.stop()
                    case.start()
            case.clock.pump([5.0] * 400)
            taken = case.taken
            for user in {*users}:
                ids = [event.id for event in taken if event.user == user]
                first = [*dict.fromkeys(ids)]
                self.assertEqual(users.count(user), len(first))
                self.assertEqual(sorted(first), first)
            case.courier.stop()
        finally:
            case.doCleanups()


class _Schedule(CourierCase):
    """A consumer that fails as listed, then no more."""

    def __init__(self, failures: list[bool]) -> None:
        super().__init__("run_for")
        self._failures = iter(failures)
        self.taken: list[Event] = []

    def carry(self, event: Event) -> "Deferred[str]":
        if next(self._failures, False):
            return succeed("it answered 503")
        self.taken.append(event)
        return succeed("")
