"""Handlers of others on the business layer: what they decide happens once, whole, or not at all."""

from typing import Any

from twisted.internet.defer import Deferred

from im.adapters.sql.sqlite import SqliteStore
from im.core.commands import Result
from im.core.custom import CustomReply, GetRecord
from im.handler import HandlerContext
from im.proto import session_pb2
from im.test.business.custom_case import ANSWER, DONE, TALK, CustomCase
from im.wire.codec import unpack


class Held:
    """Lets the reads of records wait."""

    def __init__(self, store: SqliteStore) -> None:
        self._read = store.read
        self._waiting: list[tuple[Deferred[Result], Any]] = []
        self._is_held = False
        store.read = self.read  # type: ignore[method-assign]

    def read(self, query: Any) -> "Deferred[Result]":
        reading = self._read(query)
        if not self._is_held or not isinstance(query, GetRecord):
            return reading
        waiting: Deferred[Result] = Deferred()
        self._waiting.append((waiting, reading))
        return waiting

    def hold(self) -> None:
        self._is_held = True

    def release(self) -> None:
        self._is_held = False
        waiting, self._waiting = self._waiting, []
        for deferred, reading in waiting:
            reading.chainDeferred(deferred)


class DecisionTests(CustomCase):
    def test_it_learns_who_asks_and_where(self) -> None:
        seen: list[tuple[Any, ...]] = []

        def step(context: HandlerContext, body: session_pb2.GetProfile) -> None:
            who = (context.user, context.device, context.session, context.request_id)
            seen.append((*who, context.conversation, context.now_ms, dict(context.settings), body.user))

        self.handler.step = step
        body = session_pb2.GetProfile(user="x").SerializeToString()
        self.assertEqual(self.answer(number=7, body=body), DONE)
        self.assertEqual(seen, [("alice", "d", "s-alice", 7, TALK, 1_000_000, {}, "x")])

    def test_its_first_answer_comes_back(self) -> None:
        def step(context: HandlerContext, body: Any) -> None:
            context.reply(session_pb2.Profile(user="a"))
            context.reply(session_pb2.Profile(user="b"))

        self.handler.step = step
        self.assertEqual(
            self.answer(), CustomReply(ANSWER, session_pb2.Profile(user="a").SerializeToString())
        )

    def test_what_it_posts_is_stored_and_delivered_to_all_sessions(self) -> None:
        def step(context: HandlerContext, body: Any) -> None:
            context.post("hello")
            context.post(b"x", kind=2, as_user=True)

        self.handler.step = step
        self.assertEqual(self.answer(), DONE)
        self.assertEqual(
            [(each.sender, each.kind, each.content) for each in self.log()],
            [("", 1, b"hello"), ("alice", 2, b"x")],
        )
        deliveries = [each for batch in self.batches for each in batch.deliveries]
        self.assertEqual(
            [(each.users, each.except_session) for each in deliveries], [(("alice", "bob"), "")] * 2
        )

    def test_what_it_delivers_is_in_the_inbox_of_each(self) -> None:
        self.handler.step = lambda context, body: context.deliver(["alice", "bob"], "paid")
        self.assertEqual(self.answer(), DONE)
        deliveries = [each for batch in self.batches for each in batch.deliveries]
        self.assertEqual(
            [(each.users, each.conversation) for each in deliveries],
            [(("alice",), "i~alice"), (("bob",), "i~bob")],
        )

    def test_signals_go_out_unstored(self) -> None:
        def step(context: HandlerContext, body: Any) -> None:
            context.signal(["bob"], session_pb2.Profile(user="a"))

        self.handler.step = step
        self.answer()
        ((signal,),) = [batch.signals for batch in self.batches if batch.signals]
        envelope = unpack(signal.frame)
        self.assertEqual((signal.users, envelope.type, envelope.conversation), (("bob",), ANSWER, TALK))
        self.assertEqual(self.log(), [])

    def test_a_thread_s_result_comes_back(self) -> None:
        async def step(context: HandlerContext, body: Any) -> None:
            context.store.set("k", await context.in_thread(bytes, 3))

        self.handler.step = step
        self.answer()
        self.assertEqual(self.record("k"), bytes(3))

    def test_its_own_changes_are_seen_at_once(self) -> None:
        seen: list[bytes | None] = []

        async def step(context: HandlerContext, body: Any) -> None:
            seen.append(await context.store.get("k"))
            context.store.set("k", b"1")
            seen.append(await context.store.get("k"))
            context.store.delete("k")
            seen.append(await context.store.get("k"))

        self.handler.step = step
        self.answer()
        self.assertEqual(seen, [None, b"1", None])


class OnceTests(CustomCase):
    def setUp(self) -> None:
        super().setUp()

        async def count(context: HandlerContext, body: Any) -> None:
            number = int(await context.store.get("n") or b"0") + 1
            context.store.set("n", str(number).encode())
            context.post(str(number))
            context.signal(["bob"], session_pb2.Profile())
            context.reply(session_pb2.Profile(user=str(number)))

        self.handler.step = count

    def test_a_repeated_request_is_done_once_and_answered_alike(self) -> None:
        self.assertEqual(self.answer(number=1), self.answer(number=1))
        self.assertEqual((self.record("n"), len(self.log()), self.handler.calls), (b"1", 1, 1))
        self.assertEqual(sum(len(batch.signals) for batch in self.batches), 1)

    def test_so_is_one_that_is_repeated_while_it_runs(self) -> None:
        held = Held(self.store)
        held.hold()
        first, second = self.ask(number=1), self.ask(number=1)
        held.release()
        self.assertEqual(self.results()[first], self.results()[second])
        self.assertEqual((self.record("n"), len(self.log())), (b"1", 1))

    def test_calls_that_meet_on_one_record_lose_nothing(self) -> None:
        """Different users without a conversation: different lanes, the same record."""

        async def count(context: HandlerContext, body: Any) -> None:
            number = int(await context.store.get("n") or b"0") + 1
            context.store.set("n", str(number).encode())

        self.handler.step = count
        held = Held(self.store)
        held.hold()
        asked = [self.ask(number=number, user=f"user{number}", conversation="") for number in range(1, 41)]
        held.release()
        self.assertEqual({self.results()[number] for number in asked}, {DONE})
        self.assertEqual(self.record("n"), b"40")
        self.assertGreater(self.counters.reruns["scripted"], 0)

    def test_calls_in_one_conversation_run_one_after_the_other(self) -> None:
        held = Held(self.store)
        held.hold()
        for number in range(1, 21):
            self.ask(number=number)
        self.assertEqual(self.handler.calls, 1)
        held.release()
        self.assertEqual([each.content for each in self.log()], [str(n).encode() for n in range(1, 21)])
        self.assertEqual(self.counters.reruns["scripted"], 0)
