"""Clients that want too much: frames, requests, connections, devices, sessions."""

from google.protobuf.message import Message

from im.core.errors import Code
from im.proto.base_pb2 import Close, Error
from im.proto.chat_pb2 import SendAck
from im.proto.session_pb2 import Heartbeat, HeartbeatAck
from im.proto.sync_pb2 import Page, Pull
from im.test.system.bad_input import CONVERSATION, BadInputCase
from im.test.system.raw_client import RawClient
from im.wire.codec import unpack_body


class RateTests(BadInputCase):
    async def answers(self, client: RawClient, *bodies: Message) -> list[Message]:
        """What comes of asking all at once, in the order of asking."""
        asked = [client.ask(body) for body in bodies]
        came = {}
        for _ in asked:
            envelope = await client.next()
            came[envelope.id] = unpack_body(envelope)
        return [came[each] for each in asked]

    def assert_limited(self, answer: Message) -> int:
        """It was refused for the moment; in how many ms it may come again."""
        assert isinstance(answer, Error)
        self.assertEqual((Code.RATE_LIMITED, True), (answer.code, answer.retryable))
        self.assertGreater(answer.retry_after_ms, 0)
        return answer.retry_after_ms

    async def check_frames_over_the_rate_are_refused_for_the_moment(self) -> None:
        await self.start_node(frames_per_second=10, frames_burst=20)
        client = await self.log_in("alice")
        answers = await self.answers(client, *[Heartbeat()] * 32)
        taken = [answer for answer in answers if isinstance(answer, HeartbeatAck)]
        self.assertIn(len(taken), range(19, 32))
        retry_after_ms = self.assert_limited(answers[-1])
        await self.pause(retry_after_ms / 1_000 + 0.1)  # node time stands still between two ticks
        await self.assert_alive(client)

    async def check_a_flood_ends_the_session(self) -> None:
        await self.start_node(frames_per_second=10, frames_burst=20)
        client = await self.log_in("alice")
        for _ in range(200):
            client.ask(Heartbeat())
        close = await client.skip_to(Close)
        self.assertEqual((Code.RATE_LIMITED, True), (close.code, close.reconnect))
        self.assertGreater(close.retry_after_ms, 0)
        await client.until_end()
        await self.until_gone()

    async def check_more_sends_at_once_than_allowed_are_refused_for_the_moment(self) -> None:
        await self.start_node(sends_in_flight=4)
        client = await self.log_in("alice")
        answers = await self.answers(client, *[self.chat() for _ in range(40)])
        stored = [answer.seq for answer in answers if isinstance(answer, SendAck)]
        self.assertEqual(list(range(1, len(stored) + 1)), stored)
        self.assertGreaterEqual(len(stored), 4)
        refused = [answer for answer in answers if not isinstance(answer, SendAck)]
        self.assertNotEqual([], refused)
        for answer in refused:
            self.assert_limited(answer)

    async def check_more_pages_at_once_than_allowed_are_refused_for_the_moment(self) -> None:
        await self.start_node(pages_in_flight=1)
        client = await self.log_in("alice")
        await client.expect(SendAck, client.ask(self.chat()))
        answers = await self.answers(client, *[Pull(conversation=CONVERSATION)] * 40)
        self.assertIsInstance(answers[0], Page)
        refused = [answer for answer in answers if not isinstance(answer, Page)]
        self.assertNotEqual([], refused)
        for answer in refused:
            self.assert_limited(answer)


class CountTests(BadInputCase):
    async def check_connections_of_an_address_are_limited(self) -> None:
        await self.start_node(connections_per_address=2)
        first = await self.log_in("alice")
        second = await self.log_in("bob")
        close = await self.assert_closed(await self.connect(), Code.RATE_LIMITED)
        self.assertGreaterEqual(close.retry_after_ms, 1_000)
        await self.assert_alive(first)
        await second.leave()
        await self.until(lambda: self.node.connections == 1)
        await self.assert_alive(await self.log_in("bob"))

    async def check_connections_of_a_node_are_limited(self) -> None:
        await self.start_node(connections=1)
        first = await self.log_in("alice")
        close = await self.assert_closed(await self.connect(), Code.RATE_LIMITED)
        self.assertGreaterEqual(close.retry_after_ms, 1_000)
        await self.assert_alive(first)

    async def check_devices_of_a_user_are_limited(self) -> None:
        await self.start_node(devices_per_user=2)
        for device in ("one", "two", "one"):
            await self.log_in("alice", device_id=device)
        client = await self.connect()
        request_id = client.ask(self.online("alice", device_id="three"))
        await self.assert_closed(client, Code.LIMIT_EXCEEDED, request_id)
        await self.assert_alive(await self.log_in("bob", device_id="three"))

    async def check_sessions_of_a_user_are_limited(self) -> None:
        await self.start_node(sessions_per_user=2)
        oldest = await self.log_in("alice", device_id="one")
        others = [await self.log_in("alice", device_id=device) for device in ("two", "three")]
        await self.assert_closed(oldest, Code.DISPLACED)
        for each in others:
            await self.assert_alive(each)
