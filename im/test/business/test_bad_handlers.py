"""Handlers and requests that are wrong: one error, nothing stored, and nobody else notices."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from im.core.errors import Code, Refused, RefusedError
from im.handler import HandlerContext
from im.ports import UnavailableError
from im.proto import base_pb2, session_pb2
from im.test.business.custom_case import DONE, CustomCase, Scripted


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
