"""The worker stores, then looks the route up, then tells the nodes."""

from collections.abc import Sequence

from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from im.adapters.memory.bus import MemoryNodeBus
from im.adapters.memory.registry import MemoryRegistry
from im.business.worker import LOCATE_AGAIN_SECONDS, Worker, WorkerPorts
from im.core.commands import GetProfile, ProfileRecord, Query, Request, Result, Write
from im.core.errors import Code, Refused
from im.core.messages import CursorMoved, MoveDelivered, MoveRead, Send, Sent
from im.core.pushing import InboxEntry, Push, PushStored, StorePush
from im.ports import IStore, NodeBatch, UnavailableError
from im.proto.chat_pb2 import Cursor, Deliver
from im.testing.contracts.registry import a_session
from im.wire import codec

TALK = "d~alice~bob"
SEND = Send(TALK, "alice", "phone-1", b"m" * 16, b"", 0, 1, b"hello")
SENT = Sent(TALK, 1, 1, 1_000, "e1", False)


@implementer(IStore)
class ScriptedStore:
    """Answers writes and queries when and as the test says."""

    def __init__(self) -> None:
        self.writes: list[tuple[Sequence[Write], Deferred[list[Result]]]] = []
        self.reads: list[tuple[Query, Deferred[Result]]] = []

    def write(self, batch: Sequence[Write]) -> Deferred[list[Result]]:
        done: Deferred[list[Result]] = Deferred()
        self.writes.append((batch, done))
        return done

    def read(self, query: Query) -> Deferred[Result]:
        done: Deferred[Result] = Deferred()
        self.reads.append((query, done))
        return done

    def problem(self) -> str:
        return ""


class WorkerTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.store = ScriptedStore()
        self.registry = MemoryRegistry()
        bus = MemoryNodeBus()
        self.told: dict[str, list[NodeBatch]] = {"n1": [], "n2": []}
        bus.attach("n1", self.told["n1"].append)
        bus.attach("n2", self.told["n2"].append)
        self.worker = Worker(self.clock, WorkerPorts(self.store, self.registry, bus))
        self.registry.register(a_session())
        self.registry.register(a_session(id="s2", user="bob", node="n2"))

    def execute(self, *commands: Write | Query) -> Deferred[None]:
        return self.worker.execute(
            [Request("n1", number, "s1", command) for number, command in enumerate(commands, 1)]
        )

    def test_nothing_is_said_before_the_commit(self) -> None:
        self.execute(SEND)
        self.assertEqual({"n1": [], "n2": []}, self.told)

    def test_one_batch_a_node_holds_answers_and_deliveries(self) -> None:
        done = self.execute(SEND, SEND)
        self.store.writes[0][1].callback([SENT, SENT._replace(seq=2, n=2)])
        self.successResultOf(done)
        (mine,), (theirs,) = self.told["n1"], self.told["n2"]
        self.assertEqual([(1, SENT), (2, SENT._replace(seq=2, n=2))], list(mine.results))
        self.assertEqual([1, 2], [delivery.seq for delivery in mine.deliveries])
        self.assertEqual(["s1", "s1"], [delivery.except_session for delivery in mine.deliveries])
        self.assertEqual((), theirs.results)
        self.assertEqual([("bob", "alice")] * 2, [delivery.users for delivery in theirs.deliveries])
        deliver = codec.unpack_body(codec.unpack(theirs.deliveries[1].frame))
        assert isinstance(deliver, Deliver)
        self.assertEqual(
            (TALK, "e1", 2, b"hello"),
            (deliver.conversation, deliver.epoch, deliver.entry.seq, deliver.entry.content),
        )

    def test_a_node_without_anybody_concerned_hears_nothing(self) -> None:
        self.registry.unregister(a_session(id="s2", user="bob", node="n2"))
        self.execute(SEND)
        self.store.writes[0][1].callback([SENT])
        self.assertEqual([], self.told["n2"])

    def test_the_route_is_looked_up_after_the_commit(self) -> None:
        self.registry.unregister(a_session(id="s2", user="bob", node="n2"))
        self.execute(SEND)
        self.registry.register(a_session(id="s2", user="bob", node="n2"))
        self.store.writes[0][1].callback([SENT])
        self.assertEqual(1, len(self.told["n2"]))

    def test_a_duplicate_is_answered_and_told_to_nobody(self) -> None:
        again = SENT._replace(duplicate=True)
        self.execute(SEND)
        self.store.writes[0][1].callback([again])
        self.assertEqual([NodeBatch(results=[(1, again)])], self.told["n1"])
        self.assertEqual([], self.told["n2"])

    def test_a_push_that_is_stored_goes_to_its_users_once(self) -> None:
        push = Push(b"p" * 16, b"paid", 0)
        entries = (InboxEntry("bob", 1, True), InboxEntry("alice", 7, False))
        self.execute(StorePush(push, ("bob", "alice")))
        stored = PushStored(entries, (), "e1", 5)
        self.store.writes[0][1].callback([stored])
        ((mine,), (theirs,)) = self.told["n1"], self.told["n2"]
        self.assertEqual(([(1, stored)], []), (list(mine.results), list(mine.deliveries)))
        (delivery,) = theirs.deliveries
        self.assertEqual((("bob",), "i~bob", 1), (delivery.users, delivery.conversation, delivery.seq))

    def test_a_failed_transaction_is_retryable_for_each(self) -> None:
        done = self.execute(SEND, SEND)
        self.store.writes[0][1].errback(UnavailableError("disk full"))
        self.successResultOf(done)
        codes = [result.code for _, result in self.told["n1"][0].results if isinstance(result, Refused)]
        self.assertEqual([Code.UNAVAILABLE] * 2, codes)

    def test_a_defect_is_logged_and_answered_internal(self) -> None:
        self.execute(SEND)
        self.store.writes[0][1].errback(ValueError("defect"))
        ((_, result),) = self.told["n1"][0].results
        assert isinstance(result, Refused)
        self.assertEqual(Code.INTERNAL, result.code)
        self.assertEqual(1, len(self.flushLoggedErrors(ValueError)))

    def test_a_read_cursor_reaches_the_users_other_devices_and_the_peer(self) -> None:
        moved = CursorMoved(TALK, "bob", 5, 7, 2, True)
        self.execute(MoveRead(TALK, "bob", 5))
        self.store.writes[0][1].callback([moved])
        own, peer = self.told["n2"][0].signals, self.told["n1"][0].signals
        self.assertEqual([("bob",)], [signal.users for signal in own])
        self.assertEqual(
            codec.unpack_body(codec.unpack(own[0].frame)),
            Cursor(conversation=TALK, user="bob", read_seq=5, delivered_seq=7, unread=2),
        )
        self.assertEqual(
            codec.unpack_body(codec.unpack(peer[0].frame)),
            Cursor(conversation=TALK, user="bob", read_seq=5, delivered_seq=7),
        )

    def test_a_delivered_cursor_is_told_to_the_other_side_only(self) -> None:
        self.execute(MoveDelivered(TALK, "bob", 5))
        self.store.writes[0][1].callback([CursorMoved(TALK, "bob", 0, 5, 5, True)])
        self.assertEqual([("alice",)], [signal.users for signal in self.told["n1"][0].signals])
        self.assertEqual([], self.told["n2"])

    def test_a_cursor_that_did_not_move_is_told_to_nobody(self) -> None:
        self.execute(MoveRead(TALK, "bob", 5))
        self.store.writes[0][1].callback([CursorMoved(TALK, "bob", 5, 7, 2, False)])
        self.assertEqual([], self.told["n2"])

    def test_a_send_that_moved_the_read_cursor_tells_it(self) -> None:
        self.execute(SEND)
        self.store.writes[0][1].callback([SENT._replace(read=CursorMoved(TALK, "alice", 3, 3, 0, True))])
        self.assertEqual(
            [("alice",), ("bob",)],
            [signal.users for signal in (*self.told["n1"][0].signals, *self.told["n2"][0].signals)],
        )

    def test_queries_are_answered_by_themselves_and_hold_no_batch_up(self) -> None:
        self.successResultOf(self.execute(GetProfile("bob")))
        record = ProfileRecord("bob", "Bob", "", {})
        self.store.reads[0][1].callback(record)
        self.assertEqual([NodeBatch(results=((1, record),))], self.told["n1"])

    def test_a_failed_look_up_answers_at_once_and_is_asked_again(self) -> None:
        located = self.registry.locate
        self.registry.locate = lambda users: fail(UnavailableError("registry"))  # type: ignore[method-assign]
        self.execute(SEND)
        self.store.writes[0][1].callback([SENT])
        self.assertEqual([(1, SENT)], list(self.told["n1"][0].results))
        self.assertEqual([], self.told["n2"])
        self.registry.locate = located  # type: ignore[method-assign]
        self.clock.advance(LOCATE_AGAIN_SECONDS)
        self.assertEqual(1, len(self.told["n2"][0].deliveries))
        self.assertEqual([(), 1], [self.told["n1"][1].results, len(self.told["n1"][1].deliveries)])

    def test_a_stopped_worker_leaves_no_call_behind(self) -> None:
        self.registry.locate = lambda users: fail(UnavailableError("registry"))  # type: ignore[method-assign]
        self.execute(SEND)
        self.store.writes[0][1].callback([SENT])
        self.worker.stop()
        self.assertEqual([], self.clock.getDelayedCalls())
