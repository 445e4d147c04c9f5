"""What an operator is told of one entry."""

from collections.abc import Iterable, Mapping, Sequence

from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from im.adapters.memory.registry import MemoryRegistry
from im.business.tracing import NodeTrace, Trace, TraceDesk
from im.core.commands import Query, Result, Write
from im.core.errors import Code, Refused, RefusedError
from im.core.seeing import (
    FindFlights,
    FindShards,
    Flight,
    FlightsFound,
    MemberCursors,
    ShardRow,
    ShardsFound,
    TracedEntry,
    TraceEntry,
)
from im.ports import ISessionRegistry, IStore, UnavailableError
from im.testing.contracts.registry import a_session

TALK, GROUP = "d~alice~bob", "g~1"
MEMBERS = (MemberCursors("alice", 0, 0), MemberCursors("bob", 6, 3))
ENTRY = TracedEntry(TALK, 7, 1, "alice", b"m" * 16, 5_000, False, 2, MEMBERS)
ROWS = (ShardRow(0, "w1-a", 4), ShardRow(1, "w2-b", 9))


@implementer(IStore)
class Tables:
    """Has one entry, and tells of shards what the test says."""

    def __init__(self) -> None:
        self.entry = ENTRY
        self.refusal: Refused | None = None
        self.shards = ShardsFound(ROWS, 1, 4_000)

    def write(self, batch: Sequence[Write]) -> Deferred[list[Result]]:
        raise NotImplementedError

    def read(self, query: Query) -> Deferred[Result]:
        if isinstance(query, FindShards):
            assert query.conversation == self.entry.conversation, query
            return succeed(self.shards)
        return succeed(self.refusal or self.entry)

    def problem(self) -> str:
        return ""


@implementer(ISessionRegistry)
class Audience(MemoryRegistry):
    """A registry where node n3 holds the group."""

    def holding(self, audiences: Iterable[str]) -> Deferred[Mapping[str, Sequence[str]]]:
        return succeed({"n3": [each for each in audiences if each == GROUP]})


def flight(user: str = "bob", since_ms: int = 1_000, resends: int = -1, is_dropped: bool = False) -> Flight:
    return Flight("s1", user, "d1", "phone", since_ms, resends, is_dropped)


class TracingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.tables = Tables()
        self.registry = Audience()
        self.registry.register(a_session(user="bob", node="n2"))
        self.flights: dict[str, list[Flight]] = {}
        self.asked: list[tuple[str, FindFlights]] = []

    def ask(self, node: str, wanted: FindFlights) -> Deferred[FlightsFound]:
        self.asked.append((node, wanted))
        if node not in self.flights:
            return fail(UnavailableError("silent"))
        return succeed(FlightsFound(tuple(self.flights[node]), False))

    def tracing(self) -> Deferred[Trace]:
        desk = TraceDesk(self.tables, self.registry, self.ask)
        return Deferred.fromCoroutine(desk.trace(TraceEntry(TALK, 7)))

    def trace(self) -> Trace:
        return self.successResultOf(self.tracing())

    def state(self, *flights: Flight) -> list[str]:
        self.flights["n2"] = [*flights]
        return [each.state for each in self.trace().sessions]

    def test_the_present_owner_committed_what_is_younger_than_its_claim(self) -> None:
        trace = self.trace()
        self.assertEqual((trace.shard, trace.worker, trace.epoch), (1, "w2-b", 9))

    def test_who_committed_what_is_older_than_the_claim_is_not_known(self) -> None:
        self.tables.shards = ShardsFound(ROWS, 1, 5_001)
        trace = self.trace()
        self.assertEqual((trace.shard, trace.worker, trace.epoch), (1, "", 0))

    def test_one_process_has_no_shards(self) -> None:
        self.tables.shards = ShardsFound(())
        self.assertEqual((self.trace().shard, self.trace().worker), (-1, ""))

    def test_the_nodes_that_hold_sessions_of_members_are_asked(self) -> None:
        self.flights["n2"] = [flight()]
        self.assertEqual([*self.trace().nodes], [NodeTrace("n2", True, True)])
        self.assertEqual(self.asked, [("n2", FindFlights(TALK, 7, ("alice", "bob")))])

    def test_of_a_group_those_are_asked_too_that_hold_it(self) -> None:
        self.tables.entry = ENTRY._replace(conversation=GROUP)
        self.assertEqual([each.node for each in self.trace().nodes], ["n2", "n3"])

    def test_a_node_that_is_silent_is_told_as_such(self) -> None:
        trace = self.trace()
        self.assertEqual(([*trace.nodes], [*trace.sessions]), ([NodeTrace("n2", False, False)], []))

    def test_an_operator_who_goes_meanwhile_leaves_no_question_open(self) -> None:
        self.tables.entry = ENTRY._replace(conversation=GROUP)
        asked: list[Deferred[FlightsFound]] = []

        def ask(node: str, wanted: FindFlights) -> Deferred[FlightsFound]:
            asked.append(Deferred())
            return asked[-1]

        desk = TraceDesk(self.tables, self.registry, ask)
        tracing = Deferred.fromCoroutine(desk.trace(TraceEntry(TALK, 7)))
        self.assertEqual(len(asked), 2)
        tracing.cancel()
        self.assertTrue(all(each.called for each in asked))
        self.failureResultOf(tracing, CancelledError)

    def test_a_session_of_somebody_who_is_no_member_has_acknowledged_nothing(self) -> None:
        self.assertEqual(self.state(flight("carol")), ["nothing_in_flight"])

    def test_what_was_written_and_not_acknowledged_is_in_flight(self) -> None:
        self.assertEqual(self.state(flight(resends=0), flight(resends=2)), ["in_flight"] * 2)

    def test_a_slow_reader_is_to_be_told_to_pull(self) -> None:
        self.assertEqual(self.state(flight(is_dropped=True)), ["dropped"])

    def test_a_session_that_is_younger_than_the_entry_came_later(self) -> None:
        self.assertEqual(self.state(flight(since_ms=5_001)), ["came_later"])

    def test_a_session_acknowledged_what_its_user_has_and_it_holds_no_more(self) -> None:
        self.assertEqual(self.state(flight()), ["nothing_in_flight"])
        self.tables.entry = ENTRY._replace(members=(MEMBERS[0], MemberCursors("bob", 7, 3)))
        self.assertEqual(self.state(flight()), ["acknowledged"])

    def test_a_sender_has_what_it_sent(self) -> None:
        self.assertEqual(self.state(flight("alice")), ["acknowledged"])

    def test_what_is_not_there_is_refused(self) -> None:
        self.tables.refusal = Refused(Code.NOT_FOUND, "no")
        self.failureResultOf(self.tracing(), RefusedError)
