"""What back ends have of RabbitMQ: pushes taken from a queue, events told, types of their own answered."""

from collections.abc import Mapping
from typing import Any

import pika
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock, deferLater
from twisted.trial.unittest import SynchronousTestCase

from im.adapters.amqp import custom as custom_module
from im.adapters.amqp import jobs
from im.adapters.amqp.connection import declare_topic
from im.adapters.amqp.custom import Answer, CustomAsker
from im.adapters.amqp.events import EventPublisher
from im.adapters.amqp.jobs import Job, JobConsumer
from im.adapters.amqp.tables import UNREADABLE
from im.adapters.amqp.topology import PUSH_ATTEMPTS, Topology
from im.core.custom import ENVELOPE_BYTES, Custom, CustomReply
from im.core.errors import Code, Refused, RefusedError, invalid
from im.ports import UnavailableError
from im.test.adapters.amqp.cluster import AmqpCase, clock
from im.wire.codec import pack_raw

POLL = Custom("d~alice~bob", "alice", "phone", 10_001, 7, bytes(range(16)), b"which?")
MOST_BYTES = 1000
FRAME_BYTES = MOST_BYTES + ENVELOPE_BYTES


class PushTests(AmqpCase):
    """Jobs of the queue `im.push`."""

    def setUp(self) -> None:
        super().setUp()
        self.jobs: list[Job] = []
        self.outcomes: list[Deferred[None]] = []

    def do(self, job: Job) -> "Deferred[None]":
        self.jobs.append(job)
        return self.outcomes.pop(0) if self.outcomes else succeed(None)

    async def consumer(self) -> JobConsumer:
        consumer = JobConsumer(self.topology, self.topology.push, self.do, clock())
        await self.part(consumer)
        return consumer

    def push(self, channel: Any, body: bytes, key: str = "") -> None:
        properties = pika.BasicProperties(delivery_mode=2, message_id=key or None)
        channel.basic_publish("", self.topology.push.name, body, properties)

    async def left(self, channel: Any, queue: str) -> int:
        declared = await channel.queue_declare(queue=queue, passive=True)
        return int(declared.method.message_count)

    async def letter(self, channel: Any) -> Any:
        """The next dead letter."""
        while True:
            letter = await channel.basic_get(self.topology.dead.name, auto_ack=True)
            if letter is not None:
                return letter
            await deferLater(clock(), 0.02)

    async def test_pushes_are_done_in_order_and_are_gone_after_it(self) -> None:
        consumer, channel = await self.consumer(), await self.channel()
        for number in range(20):
            self.push(channel, b"%d" % number, f"key-{number}")
        await self.until(lambda: consumer.done == 20)
        self.assertEqual(self.jobs, [Job(b"%d" % number, f"key-{number}") for number in range(20)])
        await consumer.stop()
        self.assertEqual(await self.left(channel, self.topology.push.name), 0)

    async def test_what_is_refused_is_a_dead_letter_with_the_reason_and_the_next_is_done(self) -> None:
        consumer, channel = await self.consumer(), await self.channel()
        self.outcomes = [fail(RefusedError(invalid("to", "name users")))]
        self.push(channel, b"bad", "key")
        self.push(channel, b"good")
        await self.until(lambda: (consumer.refused, consumer.done) == (1, 1))
        letter = await self.letter(channel)
        self.assertEqual((letter.body, letter.properties.message_id), (b"bad", "key"))
        headers = letter.properties.headers
        self.assertEqual(headers["im-reason"], "invalid_argument: name users")
        self.assertEqual(headers["im-queue"], self.topology.push.name)

    async def test_what_cannot_be_done_now_is_tried_again_for_as_long_as_it_takes(self) -> None:
        self.patch(jobs, "PAUSE_SECONDS", (0.01, 0.02))
        consumer, channel = await self.consumer(), await self.channel()
        self.outcomes = [fail(UnavailableError("no database")) for _ in range(PUSH_ATTEMPTS + 2)]
        self.push(channel, b"push", "key")
        await self.until(lambda: consumer.done)
        self.assertEqual(self.jobs, [Job(b"push", "key")] * (PUSH_ATTEMPTS + 3))

    async def test_what_fails_each_time_is_put_aside_by_the_broker(self) -> None:
        self.patch(jobs, "PAUSE_SECONDS", (0.0, 0.0))
        consumer, channel = await self.consumer(), await self.channel()
        self.outcomes = [fail(ZeroDivisionError()) for _ in range(PUSH_ATTEMPTS + 1)]
        self.push(channel, b"push")
        letter = await self.letter(channel)
        self.assertEqual((letter.body, consumer.failed), (b"push", PUSH_ATTEMPTS + 1))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), PUSH_ATTEMPTS + 1)

    async def test_what_a_worker_had_in_hand_goes_to_the_next_when_it_dies(self) -> None:
        never: Deferred[None] = Deferred()
        self.outcomes = [never]
        first = JobConsumer(self.topology, self.topology.push, self.do, clock())
        connection, channel = await self.part(first), await self.channel()
        self.push(channel, b"push", "key")
        await self.until(lambda: self.jobs)
        await self.consumer()
        await connection.stop()
        await self.until(lambda: len(self.jobs) == 2)
        self.assertEqual(self.jobs, [Job(b"push", "key")] * 2)

    async def test_a_stop_lets_what_is_in_hand_end(self) -> None:
        outcome: Deferred[None] = Deferred()
        self.outcomes = [outcome]
        consumer, channel = await self.consumer(), await self.channel()
        self.push(channel, b"push")
        await self.until(lambda: self.jobs)
        stopping = Deferred.fromCoroutine(consumer.stop())
        self.assertFalse(stopping.called)
        outcome.callback(None)
        await stopping
        self.assertEqual((consumer.done, await self.left(channel, self.topology.push.name)), (1, 0))

    async def test_a_queue_that_somebody_removed_is_made_again(self) -> None:
        consumer, channel = await self.consumer(), await self.channel()
        await channel.queue_delete(queue=self.topology.push.name)
        await self.until(lambda: consumer._channel is None)
        await self.until(lambda: consumer._channel is not None)
        self.push(channel, b"push")
        await self.until(lambda: consumer.done)


class EventTests(AmqpCase):
    """The exchange `im.events`."""

    async def test_whoever_bound_a_queue_to_a_kind_gets_its_events(self) -> None:
        events = EventPublisher(self.topology, clock())
        await self.part(events)
        channel = await self.channel()
        await channel.queue_declare(queue=self.topology.push.name, durable=True)
        await channel.queue_bind(
            queue=self.topology.push.name, exchange=self.topology.events, routing_key="read"
        )
        await events.publish("online", "id-1", b"{}")
        await events.publish("read", "id-2", b'{"kind":"read"}')
        self.assertEqual(events.published, 2)
        told = await channel.basic_get(self.topology.push.name, auto_ack=True)
        self.assertEqual((told.body, told.properties.message_id), (b'{"kind":"read"}', "id-2"))
        self.assertIsNone(await channel.basic_get(self.topology.push.name, auto_ack=True))

    async def test_without_a_connection_an_event_is_not_taken(self) -> None:
        events = EventPublisher(self.topology, clock())
        connection = await self.part(events)
        await connection.stop()
        with self.assertRaises(UnavailableError):
            await events.publish("online", "id-1", b"{}")

    async def test_an_exchange_of_another_kind_is_named(self) -> None:
        channel = await self.channel()
        await channel.exchange_declare(exchange=self.topology.events, exchange_type="fanout", durable=True)
        with self.assertRaises(UnavailableError) as caught:
            await declare_topic(channel, self.topology.events)
        self.assertIn(f"the exchange {self.topology.events} can't be used", str(caught.exception))


class CustomTests(AmqpCase):
    """Types that somebody outside owns."""

    async def asker(self) -> CustomAsker:
        asker = CustomAsker(self.topology, FRAME_BYTES, clock())
        self.connection = await self.part(asker)
        return asker

    async def owner(self, headers: Mapping[str, object], body: bytes) -> list[Any]:
        """Whoever owns a type, and answers everything alike; gives what it was asked."""
        channel, asked = await self.channel(), []
        queue = self.topology.custom(POLL.type)
        await channel.queue_declare(queue=queue, exclusive=True)
        messages, _ = await channel.basic_consume(queue, auto_ack=True)

        def answer(message: Any) -> None:
            asked.append(message)
            properties = pika.BasicProperties(
                correlation_id=message.properties.correlation_id, headers=headers
            )
            channel.basic_publish("", message.properties.reply_to, body, properties)

        messages.get().addCallback(answer)
        return asked

    async def test_the_owner_is_asked_with_all_that_it_needs_and_its_answer_comes_back(self) -> None:
        asker, asked = await self.asker(), await self.owner({"im-type": 10_002}, b"this")
        self.assertEqual(await asker.ask(POLL), CustomReply(10_002, b"this"))
        self.assertEqual((asked[0].body, asked[0].properties.message_id), (b"which?", POLL.key.hex()))
        self.assertEqual(
            asked[0].properties.headers,
            {"im-user": "alice", "im-device": "phone", "im-conversation": "d~alice~bob", "im-id": "7"},
        )

    async def test_a_type_without_an_owner_is_unknown(self) -> None:
        answer = await (await self.asker()).ask(POLL)
        self.assertEqual(answer, Refused(Code.UNKNOWN_TYPE, "nobody owns this type"))

    async def test_an_owner_may_have_nothing_to_say(self) -> None:
        asker, _ = await self.asker(), await self.owner({}, b"")
        self.assertEqual(await asker.ask(POLL), CustomReply(0, b""))

    async def test_an_owner_may_refuse(self) -> None:
        error = {"im-error": "permission_denied", "im-text": "not in this room"}
        asker, _ = await self.asker(), await self.owner(error, b"")
        self.assertEqual(await asker.ask(POLL), Refused(Code.PERMISSION_DENIED, "not in this room"))

    async def test_an_owner_s_silence_is_told_in_time(self) -> None:
        self.patch(custom_module, "ANSWER_SECONDS", 0.1)
        channel, asker = await self.channel(), await self.asker()
        await channel.queue_declare(queue=self.topology.custom(POLL.type), exclusive=True)
        answer = await asker.ask(POLL)
        self.assertIsInstance(answer, Refused)
        self.assertIn("in time", answer[1])

    async def test_who_waits_when_the_connection_goes_is_told(self) -> None:
        channel, asker = await self.channel(), await self.asker()
        await channel.queue_declare(queue=self.topology.custom(POLL.type), exclusive=True)
        asked = asker.ask(POLL)
        await self.connection.stop()
        for answer in (await asked, await asker.ask(POLL)):
            self.assertIsInstance(answer, Refused)
            self.assertIn("not reached", answer[1])


class AnswerTests(SynchronousTestCase):
    """What an owner may answer, without a broker."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.asker = CustomAsker(Topology("im", 1), FRAME_BYTES, self.clock)

    def test_only_types_of_apps_and_bodies_within_the_limit_go_to_clients(self) -> None:
        good: list[tuple[object, bytes]] = [(10_000, b""), (2**32 - 1, bytes(MOST_BYTES)), (0, b"")]
        bad: list[tuple[object, bytes]] = [
            (9_999, b""),
            (2**32, b""),
            (-1, b""),
            ("10000", b""),
            (None, b"x"),
            (0, b"x"),
            (10_000, bytes(MOST_BYTES + 1)),
        ]
        for number, body in good:
            self.assertEqual(self.asker._read({"im-type": number}, body), CustomReply(int(str(number)), body))
        for number, body in bad:
            self.assertEqual(self.asker._read({"im-type": number}, body)[0], Code.INTERNAL, number)

    def test_an_error_that_is_no_code_is_an_internal_one(self) -> None:
        for error in ("nonsense", 7, ["x"], None):
            answer = self.asker._read({"im-error": error, "im-text": "x" * 900}, b"")
            self.assertEqual((answer[0], len(answer[1])), (Code.INTERNAL, 200))

    def test_the_largest_answer_fits_into_a_frame(self) -> None:
        reply = self.asker._read({"im-type": 2**32 - 1}, bytes(MOST_BYTES))
        assert isinstance(reply, CustomReply)
        self.assertLessEqual(len(pack_raw(reply.type, reply.body, 2**64 - 1)), FRAME_BYTES)

    def test_an_answer_whose_headers_nobody_can_read_is_no_consent(self) -> None:
        self.assertEqual(self.asker._read({UNREADABLE: "year is out of range"}, b"")[0], Code.INTERNAL)

    def test_so_many_may_wait_and_no_more(self) -> None:
        self.patch(custom_module, "MOST_ASKED", 20)
        self.asker._connection = self.asker._channel = _Silent()
        asked = [self.asker.ask(POLL) for _ in range(20)]
        refused: list[Answer] = []
        self.asker.ask(POLL).addCallback(refused.append)
        self.assertIsInstance(refused[0], Refused)
        self.clock.advance(custom_module.ANSWER_SECONDS)
        self.assertTrue(all(each.called for each in asked))
        self.assertEqual((self.asker._asked, self.clock.getDelayedCalls()), ({}, []))

    def test_a_key_that_is_none_is_refused(self) -> None:
        self.asker._connection = self.asker._channel = _Silent()
        answers: list[Answer] = []
        self.asker.ask(POLL._replace(key=bytes(200))).addCallback(answers.append)
        self.assertEqual((answers[0][0], self.asker._asked), (Code.INVALID_ARGUMENT, {}))

    def test_nobody_waits_for_a_broker_that_reads_nothing(self) -> None:
        self.asker._connection = self.asker._channel = silent = _Silent()
        silent.is_blocked = True
        answers: list[Answer] = []
        self.asker.ask(POLL).addCallback(answers.append)
        self.assertIsInstance(answers[0], Refused)
        self.assertEqual(self.asker._asked, {})


class _Silent:
    """A connection and its channel that take everything."""

    is_open = True
    is_blocked = False

    def basic_publish(self, *arguments: object, **more: object) -> None:
        """Let it be."""
