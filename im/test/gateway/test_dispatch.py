"""Handlers of others: the table, the context, and the boundary where their errors end."""

from typing import Any, ClassVar

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from im.core.commands import GetProfile, ProfileRecord, Result
from im.core.custom import Custom, CustomReply
from im.core.errors import Code, Refused, RefusedError
from im.core.limits import Limits
from im.core.sessions import State
from im.handler import GATEWAY, GatewayContext, MessageHandler
from im.proto import base_pb2, session_pb2
from im.test.gateway.world import World
from im.wire import types
from im.wire.codec import pack_raw, unpack

NUMBER = 10_001


class Echo(MessageHandler):
    """Does what the test says, and remembers for whom."""

    type = NUMBER
    body = session_pb2.GetProfile
    bodies: ClassVar = {NUMBER + 1: session_pb2.Profile}
    runs_on = GATEWAY

    def __init__(self) -> None:
        self.contexts: list[GatewayContext] = []
        self.step: Any = lambda context, body: None

    def handle(self, context: GatewayContext, body: session_pb2.GetProfile) -> Any:
        self.contexts.append(context)
        return self.step(context, body)


class CustomHandlerTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.handler = Echo()
        self.world = World(Limits(sends_in_flight=1), handlers=(self.handler,))
        self.client = self.world.log_in()

    def send(self, request_id: int = 5, user: str = "bob") -> None:
        body = session_pb2.GetProfile(user=user).SerializeToString()
        self.client.connection.frame_received(pack_raw(NUMBER, body, request_id))

    def profile(self) -> str:
        """Of whom the one answer is."""
        (frame,) = self.client.transport.frames
        envelope = unpack(frame)
        self.assertEqual((envelope.type, envelope.id), (NUMBER + 1, 5))
        return session_pb2.Profile.FromString(envelope.body).user

    def assert_internal(self, kind: type[Exception]) -> None:
        ((request_id, error),) = self.client.received()
        assert isinstance(error, base_pb2.Error)
        self.assertEqual((request_id, error.name, error.retryable), (5, "internal", False))
        self.assertEqual(len(self.flushLoggedErrors(kind)), 1)
        self.assertIs(self.client.connection.state, State.ONLINE)

    def test_it_learns_who_asks(self) -> None:
        self.send()
        (context,) = self.handler.contexts
        shown = (context.user, context.device, context.session, context.request_id)
        self.assertEqual(shown, ("alice", "a1", self.client.session_id, 5))

    def test_its_answer_goes_out_once(self) -> None:
        def step(context: GatewayContext, body: session_pb2.GetProfile) -> None:
            context.reply(session_pb2.Profile(user=body.user))
            context.reply(session_pb2.Profile(user="again"))
            context.refuse(Refused(Code.CONFLICT, "again"))

        self.handler.step = step
        self.send()
        self.assertEqual(self.profile(), "bob")

    def test_a_coroutine_is_run_to_its_answer(self) -> None:
        gate: Deferred[None] = Deferred()

        async def step(context: GatewayContext, body: session_pb2.GetProfile) -> None:
            await gate
            context.reply(session_pb2.Profile(user=body.user))

        self.handler.step = step
        self.send()
        self.assertEqual(self.client.received(), [])
        gate.callback(None)
        self.assertEqual(self.profile(), "bob")

    def test_without_an_answer_of_its_own_it_is_ok(self) -> None:
        self.send()
        self.client.only(base_pb2.Ok)

    def test_a_body_that_it_does_not_state_is_no_answer(self) -> None:
        self.handler.step = lambda context, body: context.reply(base_pb2.Ok())
        self.send()
        self.assert_internal(TypeError)

    def test_a_body_that_fits_into_no_frame_never_reaches_the_client(self) -> None:
        """The client would end the connection for it, come back, and ask again."""
        too_large = session_pb2.Profile(user="x" * Limits().frame_bytes)
        self.handler.step = lambda context, body: context.reply(too_large)
        self.send()
        self.assert_internal(ValueError)

    def test_one_that_hangs_is_given_up(self) -> None:
        async def step(context: GatewayContext, body: session_pb2.GetProfile) -> None:
            await Deferred()

        self.handler.step = step
        self.send()
        self.world.pass_seconds(Echo.timeout_seconds + 0.1)
        self.assertEqual(self.client.only(base_pb2.Error).name, "unavailable")

    def test_an_exception_is_logged_once_and_answered_internal(self) -> None:
        def step(context: GatewayContext, body: session_pb2.GetProfile) -> None:
            raise ZeroDivisionError

        self.handler.step = step
        self.send()
        self.assert_internal(ZeroDivisionError)
        self.assertEqual(self.world.node.counters.failures, 1)
        self.assertEqual(self.world.handlers.counters.failures, {"handler0": 1})

    def test_so_is_one_of_a_coroutine(self) -> None:
        async def step(context: GatewayContext, body: session_pb2.GetProfile) -> None:
            raise ZeroDivisionError

        self.handler.step = step
        self.send()
        self.assert_internal(ZeroDivisionError)

    def test_so_is_one_in_a_continuation(self) -> None:
        def on_result(context: GatewayContext, result: Result) -> None:
            raise ZeroDivisionError

        self.handler.step = lambda context, body: context.submit(GetProfile("bob"), on_result)
        self.send()
        self.world.bridge.take(ProfileRecord("bob", "", "", {}))
        self.assert_internal(ZeroDivisionError)

    def test_so_is_a_return_of_the_wrong_type(self) -> None:
        self.handler.step = lambda context, body: 42
        self.send()
        ((_, error),) = self.client.received()
        assert isinstance(error, base_pb2.Error)
        self.assertEqual(error.name, "internal")
        self.assertEqual(len(self.flushLoggedErrors()), 1)

    def test_a_refusal_is_answered_as_it_says(self) -> None:
        async def step(context: GatewayContext, body: session_pb2.GetProfile) -> None:
            raise RefusedError(Refused(Code.NOT_FOUND, "no", "user"))

        self.handler.step = step
        self.send()
        error = self.client.only(base_pb2.Error)
        self.assertEqual((error.name, error.field), ("not_found", "user"))

    def test_it_may_ask_the_business_layer_within_the_limit_of_the_connection(self) -> None:
        results: list[Result] = []

        def on_result(context: GatewayContext, result: Result) -> None:
            results.append(result)

        def step(context: GatewayContext, body: session_pb2.GetProfile) -> None:
            context.submit(GetProfile("bob"), on_result)
            context.submit(GetProfile("carol"), on_result)

        self.handler.step = step
        self.send()
        (refused,) = results
        assert isinstance(refused, Refused)
        self.assertEqual(refused.code, Code.RATE_LIMITED)
        record = ProfileRecord("bob", "", "", {})
        self.world.bridge.take(record)
        self.assertEqual(results[1], record)

    def test_a_client_that_floods_it_takes_no_place_of_others(self) -> None:
        async def step(context: GatewayContext, body: session_pb2.GetProfile) -> None:
            await Deferred()

        self.handler.step = step
        for request_id in (5, 6, 7):
            self.send(request_id)
        ((request_id, error),) = self.client.received()
        assert isinstance(error, base_pb2.Error)
        self.assertEqual((request_id, error.name, error.retry_after_ms), (7, "rate_limited", 100))
        self.world.node.stop()

    def test_it_is_not_reached_before_the_login(self) -> None:
        stranger = self.world.connect()
        stranger.connection.frame_received(pack_raw(NUMBER, b"", 1))
        self.assertEqual(stranger.only(base_pb2.Close).name, "not_logged_in")
        self.assertEqual(self.handler.contexts, [])

    def test_a_body_that_is_not_its_own_never_reaches_it(self) -> None:
        self.client.connection.frame_received(pack_raw(NUMBER, b"\xff", 5))
        self.assertEqual(self.client.only(base_pb2.Error).name, "undecodable")
        self.assertEqual(self.handler.contexts, [])


class ForwardingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World()
        self.client = self.world.log_in()

    def send(self, conversation: str = "", key: bytes = b"", request_id: int = 5) -> None:
        frame = pack_raw(NUMBER, b"\xff", request_id, conversation, key)
        self.client.connection.frame_received(frame)

    def forwarded(self) -> Custom:
        custom = self.world.bridge.requests[-1].command
        assert isinstance(custom, Custom)
        return custom

    def test_it_goes_on_with_its_body_unopened(self) -> None:
        self.send("d~alice~bob", b"k" * 16)
        expected = Custom("d~alice~bob", "alice", "a1", NUMBER, 5, b"k" * 16, b"\xff")
        self.assertEqual(self.forwarded(), expected)
        self.assertEqual(self.world.bridge.requests[-1].session, self.client.session_id)

    def test_what_answers_it_comes_back(self) -> None:
        self.send()
        self.world.bridge.take(CustomReply(10_002, b"body"))
        envelope = unpack(self.client.transport.frames.pop())
        self.assertEqual((envelope.type, envelope.id, envelope.body), (10_002, 5, b"body"))

    def test_nothing_to_say_is_ok(self) -> None:
        self.send()
        self.world.bridge.take(CustomReply(0, b""))
        self.client.only(base_pb2.Ok)

    def test_nobody_owns_it_is_an_error_and_the_connection_lives(self) -> None:
        self.send()
        self.world.bridge.take(Refused(Code.UNKNOWN_TYPE, "nobody"))
        self.assertEqual(self.client.only(base_pb2.Error).name, "unknown_type")
        self.assertIs(self.client.connection.state, State.ONLINE)

    def test_without_a_key_the_session_and_the_id_make_one(self) -> None:
        self.send(request_id=5)
        first = self.forwarded().key
        self.send(request_id=5)
        self.assertEqual((self.forwarded().key, len(first)), (first, 16))
        self.send(request_id=6)
        self.assertNotEqual(self.forwarded().key, first)

    def test_what_is_wrong_is_refused_here(self) -> None:
        for conversation, key, code, field in (
            ("d~bob~carol", b"", "not_found", "conversation"),
            ("g~x", b"", "not_found", "conversation"),
            ("nonsense", b"", "invalid_argument", "conversation"),
            ("", b"short", "invalid_argument", "key"),
        ):
            self.send(conversation, key)
            error = self.client.only(base_pb2.Error)
            self.assertEqual((error.name, error.field), (code, field))
        self.assertEqual(self.world.bridge.requests, [])

    def test_nothing_is_forwarded_before_the_login(self) -> None:
        stranger = self.world.connect()
        stranger.connection.frame_received(pack_raw(NUMBER, b"", 1))
        self.assertEqual(stranger.only(base_pb2.Close).name, "not_logged_in")

    def test_a_connection_has_so_many_in_flight_at_most(self) -> None:
        world = World(Limits(sends_in_flight=1))
        client = world.log_in()
        for request_id in (1, 2):
            client.connection.frame_received(pack_raw(NUMBER, b"", request_id))
        self.assertEqual(client.only(base_pb2.Error).name, "rate_limited")


class TableTests(SynchronousTestCase):
    def test_two_handlers_for_one_type_are_no_node(self) -> None:
        with self.assertRaisesRegex(ValueError, "10001"):
            World(handlers=(Echo(), Echo()))

    def test_every_type_that_a_client_may_send_has_a_handler(self) -> None:
        world = World()
        sent = {row.number for row in types.TYPES.values() if row.direction is types.Direction.CLIENT}
        self.assertEqual(set(world.node._dispatcher._routes), sent)
