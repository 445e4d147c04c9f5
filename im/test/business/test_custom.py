"""Handlers of others on the business layer: what they decide happens once, whole, or not at all."""

from collections.abc import Callable
from typing import Any, ClassVar

from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from im.adapters.memory.bus import MemoryNodeBus
from im.adapters.memory.registry import MemoryRegistry
from im.adapters.sql.sqlite import MemoryDatabase, SqliteStore, StorePolicy, inline_runners
from im.business.custom import HandlerSettings
from im.business.worker import Worker, WorkerPorts
from im.core.commands import Custom, CustomReply, Entry, GetRecord, Pull, PullPage, Record, Request, Result
from im.core.errors import Code, Refused, RefusedError
from im.core.limits import Limits
from im.handler import HandlerContext, MessageHandler, Owner
from im.isolation import HandlerCounters, Handlers
from im.ports import NodeBatch, Session, UnavailableError
from im.proto import base_pb2, session_pb2
from im.wire.codec import unpack

NUMBER, ANSWER = 10_001, 10_002
TALK = "d~alice~bob"
DONE = CustomReply(0, b"")


class Scripted(MessageHandler):
    """Does what the test says."""

    type = NUMBER
    body = session_pb2.GetProfile
    bodies: ClassVar = {ANSWER: session_pb2.Profile}

    def __init__(self) -> None:
        self.calls = 0
        self.step: Callable[[HandlerContext, Any], Any] = lambda context, body: None

    def handle(self, context: HandlerContext, body: session_pb2.GetProfile) -> Any:
        self.calls += 1
        return self.step(context, body)


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


class CustomCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.handler = Scripted()
        self.counters = HandlerCounters()
        self.database = MemoryDatabase()
        self.addCleanup(self.database.close)
        limits = Limits()
        self.store = SqliteStore(
            self.database, inline_runners(), self.now_ms, StorePolicy(limits, True), self.fail
        )
        registry, bus = MemoryRegistry(), MemoryNodeBus()
        self.batches: list[NodeBatch] = []
        bus.attach("n1", self.batches.append)
        for user in ("alice", "bob"):
            registry.register(Session(f"s-{user}", user, "d", "phone", "n1", "g1", 1))
        handlers = Handlers([Owner("scripted", self.handler)], lambda owner: execute, self.counters)
        settings = HandlerSettings(handlers, limits, self.now_ms)
        self.worker = Worker(self.clock, WorkerPorts(self.store, registry, bus), settings)
        self.numbers = 0

    def now_ms(self) -> int:
        return 1_000_000

    def ask(
        self,
        number: int = 1,
        user: str = "alice",
        conversation: str = TALK,
        body: bytes = b"",
        type_: int = NUMBER,
    ) -> int:
        """Send the request that `number` identifies; the number of its answer."""
        self.numbers += 1
        custom = Custom(conversation, user, "d", type_, number, number.to_bytes(16, "big"), body)
        self.worker.execute([Request("n1", self.numbers, f"s-{user}", custom)])
        return self.numbers

    def results(self) -> dict[int, Result]:
        return {number: result for batch in self.batches for number, result in batch.results}

    def answer(self, **request: Any) -> Result:
        number = self.ask(**request)
        return self.results()[number]

    def code(self, **request: Any) -> str:
        result = self.answer(**request)
        assert isinstance(result, Refused), result
        return result.code.label

    def record(self, key: str) -> bytes | None:
        record = self.successResultOf(self.store.read(GetRecord("scripted", key)))
        assert isinstance(record, Record)
        return record.value

    def log(self) -> list[Entry]:
        page = self.successResultOf(self.store.read(Pull(TALK, "bob", 0, False, 200)))
        return page.entries if isinstance(page, PullPage) else []


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


class BadHandlerTests(CustomCase):
    def assert_internal(self, kind: type[Exception]) -> None:
        self.assertEqual(self.code(), "internal")
        (logged,) = self.flushLoggedErrors(kind)
        self.assertEqual((self.record("k"), self.log()), (None, []))
        self.assertIsNotNone(logged)

    def after(self, bad: Callable[[HandlerContext], Any]) -> None:
        def step(context: HandlerContext, body: Any) -> Any:
            context.store.set("k", b"1")
            context.post("posted")
            return bad(context)

        self.handler.step = step

    def test_one_that_raises_changes_nothing(self) -> None:
        self.after(lambda context: 1 / 0 > 1)
        self.assert_internal(ZeroDivisionError)

    def test_one_whose_coroutine_raises_changes_nothing(self) -> None:
        async def fail() -> None:
            raise ZeroDivisionError

        self.after(lambda context: fail())
        self.assert_internal(ZeroDivisionError)

    def test_one_that_returns_the_wrong_type_changes_nothing(self) -> None:
        async def answer() -> int:
            return 42

        for bad in (lambda context: 42, lambda context: answer()):
            self.after(bad)
            self.assert_internal(TypeError)

    def test_one_that_answers_with_a_foreign_body_changes_nothing(self) -> None:
        self.after(lambda context: context.reply(base_pb2.Ok()))
        self.assert_internal(TypeError)

    def test_one_that_gives_what_is_of_another_type_changes_nothing(self) -> None:
        """The store and the announcement take those of many requests at once, and must not meet it."""
        profile = session_pb2.Profile()
        wrong: list[Callable[[Any], None]] = [
            lambda context: context.post(["x"]),
            lambda context: context.post("x", kind="1"),
            lambda context: context.post("x", conversation=7),
            lambda context: context.deliver("bob", "x"),
            lambda context: context.deliver([7], "x"),
            lambda context: context.signal("bob", profile),
            lambda context: context.signal([["bob"]], profile),
            lambda context: context.store.set(b"k", b"1"),
            lambda context: context.store.set("k", "1"),
            lambda context: context.store.delete(7),
        ]
        for number, bad in enumerate(wrong):
            self.after(bad)
            self.assertEqual(self.code(number=number + 1), "internal")
            self.assertEqual((self.record("k"), self.log()), (None, []))
            self.heal()
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), len(wrong))

    def test_one_that_asks_for_too_much_changes_nothing(self) -> None:
        def flood(context: HandlerContext) -> None:
            for _ in range(1_000):
                context.post("x")

        def signal(context: HandlerContext) -> None:
            context.signal([f"u{number}" for number in range(2_000)], session_pb2.Profile())

        def fill(context: HandlerContext) -> None:
            for number in range(1_000):
                context.store.set(f"k{number}", b"")

        floods: list[Callable[[HandlerContext], None]] = [
            flood,
            signal,
            fill,
            lambda context: context.store.set("k", bytes(65_537)),
            lambda context: context.store.set("", b""),
            lambda context: context.reply(session_pb2.Profile(name="x" * 65_536)),
        ]
        for number, bad in enumerate(floods):
            self.after(bad)
            self.assertEqual(self.code(number=number + 1), "internal")
            self.assertEqual((self.record("k"), self.log()), (None, []))
            self.heal()
        self.assertEqual(len(self.flushLoggedErrors()), len(floods))

    def heal(self) -> None:
        """Let one call succeed, so that the breaker stays closed."""
        self.handler.step = lambda context, body: None
        self.assertEqual(self.answer(number=99), DONE)

    def test_one_that_hangs_changes_nothing_and_holds_nobody_up(self) -> None:
        async def hang() -> None:
            await Deferred()

        self.after(lambda context: hang())
        number = self.ask()
        self.assertNotIn(number, self.results())
        self.clock.advance(Scripted.timeout_seconds)
        result = self.results()[number]
        assert isinstance(result, Refused)
        self.assertEqual(result.code, Code.UNAVAILABLE)
        self.assertEqual((self.record("k"), self.log()), (None, []))

    def test_a_refusal_is_answered_as_it_says_and_changes_nothing(self) -> None:
        def refuse(context: HandlerContext) -> None:
            raise RefusedError(Refused(Code.NOT_FOUND, "no poll", "poll"))

        self.after(refuse)
        self.assertEqual(self.code(), "not_found")
        self.assertEqual((self.record("k"), self.log()), (None, []))

    def test_a_store_that_is_away_is_unavailable_and_logged_by_nobody(self) -> None:
        def away(_: Any) -> "Deferred[Any]":
            failed: Deferred[Any] = Deferred()
            failed.errback(UnavailableError("disk full"))
            return failed

        self.after(lambda context: None)
        self.store.write = away  # type: ignore[method-assign,assignment]
        self.assertEqual(self.code(), "unavailable")


class BadRequestTests(CustomCase):
    def test_nobody_owns_it(self) -> None:
        self.assertEqual(self.code(type_=10_009), "unknown_type")

    def test_a_body_of_another_type_never_reaches_it(self) -> None:
        self.assertEqual(self.code(body=b"\xff"), "undecodable")
        self.assertEqual(self.handler.calls, 0)

    def test_one_that_needs_a_conversation_is_not_called_without(self) -> None:
        self.handler.__class__.needs_conversation = True
        self.addCleanup(setattr, self.handler.__class__, "needs_conversation", False)
        self.assertEqual(self.code(conversation=""), "invalid_argument")
        self.assertEqual(self.handler.calls, 0)

    def test_a_post_where_the_user_may_not_send_is_refused_whole(self) -> None:
        def step(context: HandlerContext, body: Any) -> None:
            context.store.set("k", b"1")
            context.post("x", conversation="d~bob~carol", as_user=True)

        self.handler.step = step
        self.assertEqual(self.code(), "not_found")
        self.assertIsNone(self.record("k"))
