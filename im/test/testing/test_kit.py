"""The kit for authors of handlers: what it shows is what a node does."""

from collections.abc import Mapping
from typing import Any, ClassVar
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from im.core.errors import Code, Refused, RefusedError
from im.handler import GATEWAY, HandlerContext, MessageHandler, RequestContext
from im.proto.base_pb2 import Error, Ok
from im.proto.chat_pb2 import Read
from im.testing.kit import HandlerWorld


class Count(MessageHandler):
    """Counts its requests, tells the conversation, and bob."""

    type = 10_001
    body = Read
    bodies: ClassVar = {10_002: Error}

    def configure(self, settings: Mapping[str, Any]) -> None:
        self.step = settings.get("step", 1)

    async def handle(self, context: HandlerContext, body: Read) -> None:
        number = int(await context.store.get("n") or b"0") + self.step
        context.store.set("n", str(number).encode())
        if context.conversation:
            context.post(str(number))
        context.signal(["bob"], Error(text=str(number)))
        context.reply(Error(text=str(number)))


class Refuse(MessageHandler):
    """Refuses."""

    type = 10_005
    body = Ok

    def handle(self, context: HandlerContext, body: Ok) -> None:
        raise RefusedError(Refused(Code.PERMISSION_DENIED, "no"))


class Near(MessageHandler):
    """Answers where the connection is."""

    type = 10_006
    body = Ok
    bodies: ClassVar = {10_007: Error}
    runs_on = GATEWAY

    async def handle(self, context: RequestContext, body: Ok) -> None:
        context.reply(Error(text=await context.in_thread(str.upper, context.user)))


class KitTests(SynchronousTestCase):
    def world(self, seed: int = 1, **settings: Any) -> HandlerWorld:
        return HandlerWorld(seed, {"count": Count()}, {"count": settings})

    def test_an_answer_a_post_and_a_signal_come(self) -> None:
        world = self.world(step=5)
        alice, bob = world.client("alice"), world.client("bob")
        world.run(3)
        asked = alice.call(Read(), to="bob")
        world.settle()
        self.assertEqual((asked.answer, asked.refusal, asked.is_done), (Error(text="5"), "", True))
        self.assertEqual((world.texts("bob", "alice"), bob.signals), (["5"], [Error(text="5")]))
        self.assertEqual([entry.sender for entry in world.log("bob", "alice")], [""])

    def test_a_refusal_comes(self) -> None:
        world = HandlerWorld(1, {"refuse": Refuse()})
        asked = world.client("alice").call(Ok())
        world.settle()
        self.assertEqual((asked.answer, asked.refusal, asked.is_done), (None, "permission_denied", True))

    def test_a_handler_on_the_gateway_answers(self) -> None:
        world = HandlerWorld(1, {"near": Near()})
        asked = world.client("alice").call(Ok())
        world.settle()
        self.assertEqual(asked.answer, Error(text="ALICE"))

    def test_what_was_done_before_a_crash_is_there_after_it(self) -> None:
        world = self.world()
        alice = world.client("alice")
        alice.call(Read())
        world.settle()
        world.crash()
        asked = alice.call(Read())
        world.settle()
        self.assertEqual(asked.answer, Error(text="2"))

    def test_one_seed_is_one_course_of_events(self) -> None:
        self.assertEqual(self.play(3), self.play(3))

    def test_each_request_is_done_once_whatever_happens(self) -> None:
        for seed in range(12):
            answers = self.play(seed)
            self.assertEqual(sorted(answers), [str(number) for number in range(1, 9)], seed)

    def test_without_the_key_of_a_request_it_may_be_done_twice(self) -> None:
        """The test above finds that."""
        with mock.patch("im.client.core.session.pack_raw", _keyless):
            self.assertTrue(any(len(set(self.play(seed)) & set("12345678")) < 8 for seed in range(12)))

    def play(self, seed: int) -> list[str]:
        """Two clients ask four times each, through trouble; the answers."""
        world = self.world(seed)
        clients = [world.client("alice"), world.client("bob")]
        asked = []
        for _ in range(4):
            asked += [client.call(Read()) for client in clients]
            world.trouble(2)
        world.settle()
        return [each.answer.text for each in asked if isinstance(each.answer, Error)]


def _keyless(number: int, body: bytes, request: int, conversation: str, key: bytes) -> bytes:
    from im.wire.codec import pack_raw

    return pack_raw(number, body, request, conversation)
