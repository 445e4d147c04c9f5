"""Handlers of others: the table, the context, and the boundary where their errors end."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from im.core.commands import GetProfile, ProfileRecord, Result
from im.core.errors import Code, Refused, RefusedError
from im.core.limits import Limits
from im.core.sessions import State
from im.handler import MessageHandler, RequestContext
from im.proto import base_pb2, session_pb2
from im.test.gateway.world import World
from im.wire import types
from im.wire.codec import pack_raw

NUMBER = 10_001


class Custom(MessageHandler):
    """Does what the test says, and remembers for whom."""

    type = NUMBER
    body = session_pb2.GetProfile

    def __init__(self) -> None:
        self.contexts: list[RequestContext] = []
        self.step: Any = lambda context, body: None

    def handle(self, context: RequestContext, body: session_pb2.GetProfile) -> Any:
        self.contexts.append(context)
        return self.step(context, body)


class CustomHandlerTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.handler = Custom()
        self.world = World(Limits(sends_in_flight=1), handlers=(self.handler,))
        self.client = self.world.log_in()

    def send(self, request_id: int = 5, user: str = "bob") -> None:
        body = session_pb2.GetProfile(user=user).SerializeToString()
        self.client.connection.frame_received(pack_raw(NUMBER, body, request_id))

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
        def step(context: RequestContext, body: session_pb2.GetProfile) -> None:
            context.reply(session_pb2.Profile(user=body.user))
            context.reply(session_pb2.Profile(user="again"))
            context.refuse(Refused(Code.CONFLICT, "again"))

        self.handler.step = step
        self.send()
        self.assertEqual(self.client.only(session_pb2.Profile).user, "bob")

    def test_a_coroutine_is_run_to_its_answer(self) -> None:
        gate: Deferred[None] = Deferred()

        async def step(context: RequestContext, body: session_pb2.GetProfile) -> None:
            await gate
            context.reply(session_pb2.Profile(user=body.user))

        self.handler.step = step
        self.send()
        self.assertEqual(self.client.received(), [])
        gate.callback(None)
        self.client.only(session_pb2.Profile)

    def test_an_exception_is_logged_once_and_answered_internal(self) -> None:
        def step(context: RequestContext, body: session_pb2.GetProfile) -> None:
            raise ZeroDivisionError

        self.handler.step = step
        self.send()
        self.assert_internal(ZeroDivisionError)
        self.assertEqual(self.world.node.counters.failures, 1)

    def test_so_is_one_of_a_coroutine(self) -> None:
        async def step(context: RequestContext, body: session_pb2.GetProfile) -> None:
            raise ZeroDivisionError

        self.handler.step = step
        self.send()
        self.assert_internal(ZeroDivisionError)

    def test_so_is_one_in_a_continuation(self) -> None:
        def on_result(context: RequestContext, result: Result) -> None:
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
        async def step(context: RequestContext, body: session_pb2.GetProfile) -> None:
            raise RefusedError(Refused(Code.NOT_FOUND, "no", "user"))

        self.handler.step = step
        self.send()
        error = self.client.only(base_pb2.Error)
        self.assertEqual((error.name, error.field), ("not_found", "user"))

    def test_it_may_ask_the_business_layer_within_the_limit_of_the_connection(self) -> None:
        results: list[Result] = []

        def on_result(context: RequestContext, result: Result) -> None:
            results.append(result)

        def step(context: RequestContext, body: session_pb2.GetProfile) -> None:
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

    def test_it_is_not_reached_before_the_login(self) -> None:
        stranger = self.world.connect()
        stranger.connection.frame_received(pack_raw(NUMBER, b"", 1))
        self.assertEqual(stranger.only(base_pb2.Close).name, "not_logged_in")
        self.assertEqual(self.handler.contexts, [])

    def test_a_body_that_is_not_its_own_never_reaches_it(self) -> None:
        self.client.connection.frame_received(pack_raw(NUMBER, b"\xff", 5))
        self.assertEqual(self.client.only(base_pb2.Error).name, "undecodable")
        self.assertEqual(self.handler.contexts, [])


class TableTests(SynchronousTestCase):
    def test_two_handlers_for_one_type_are_no_node(self) -> None:
        with self.assertRaisesRegex(ValueError, "10001"):
            World(handlers=(Custom(), Custom()))

    def test_every_type_that_a_client_may_send_has_a_handler(self) -> None:
        world = World()
        sent = {row.number for row in types.TYPES.values() if row.direction is types.Direction.CLIENT}
        self.assertEqual(set(world.node._dispatcher._routes), sent)
