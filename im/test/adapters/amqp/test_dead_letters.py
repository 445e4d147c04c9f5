"""What an operator does with dead letters, on a real RabbitMQ."""

import json
from contextlib import AbstractAsyncContextManager
from typing import Any

import pika
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, deferLater
from twisted.trial.unittest import SynchronousTestCase

from im.adapters.amqp import dead_letters as module
from im.adapters.amqp.connection import CALL_SECONDS, connect, declare, parameters_of
from im.adapters.amqp.dead import dead_letter
from im.adapters.amqp.dead_letters import DeadLetter, DeadLetters, answered, dead_letters
from im.adapters.amqp.topology import PUSH_ATTEMPTS, Queue, Topology
from im.cli.letters import line, whole
from im.core.errors import Code, RefusedError
from im.ports import UnavailableError
from im.test.adapters.amqp.cluster import AmqpCase, clock

REASON = "invalid_argument: name users"
FRESH = {"x-delivery-count": 0}
"""What a quorum queue adds to whatever it never handed out before."""


class KilledError(Exception):
    """What stands for SIGKILL: nothing more is sent, the connection breaks."""


SOON_SECONDS = 10.0


class DeadLetterCase(AmqpCase):
    @property
    def pushes(self) -> Queue:
        """The queue of pushes, but that its messages can be got without consuming."""
        push = self.topology.push
        arguments = {name: each for name, each in push.arguments.items() if "single" not in name}
        return push._replace(arguments=arguments)

    async def stage(self, *queues: Any) -> Any:
        """The queue of dead letters, and others."""
        channel = await self.channel()
        await channel.confirm_delivery()
        for queue in (self.topology.dead, *queues):
            await declare(channel, queue)
        return channel

    async def bury(self, channel: Any, body: bytes, queue: str = "", key: str = "key") -> None:
        letter = dead_letter(REASON, queue or self.topology.push.name, key)
        await channel.basic_publish("", self.topology.dead.name, body, letter)

    def opened(self) -> AbstractAsyncContextManager[DeadLetters]:
        return dead_letters(parameters_of(self.url, 10), self.topology, clock())

    async def all(self) -> list[DeadLetter]:
        """Every letter; it stays."""
        found = []
        async with self.opened() as letters:
            while (letter := await letters.next()) is not None:
                found.append(letter)
        return found

    async def bodies(self) -> list[bytes]:
        return sorted(letter.body for letter in await self.all())

    async def until_there_are(self, *bodies: bytes) -> None:
        """What was looked at is back in the queue soon after its connection has ended."""
        until = clock().seconds() + SOON_SECONDS
        while (found := await self.bodies()) != [*bodies] and clock().seconds() < until:
            await deferLater(clock(), 0.05)
        self.assertEqual(found, [*bodies])

    async def taken(self, channel: Any, queue: str) -> Any:
        """The next message of a queue, which must come soon."""
        while True:
            message = await channel.basic_get(queue, auto_ack=True)
            if message is not None:
                return message
            await deferLater(clock(), 0.02)


class LookingTests(DeadLetterCase):
    async def test_letters_are_shown_and_stay(self) -> None:
        channel = await self.stage()
        for number in range(3):
            await self.bury(channel, b"%d" % number)
        first = await self.all()
        self.assertEqual([letter.body for letter in first], [b"0", b"1", b"2"])
        await self.until_there_are(b"0", b"1", b"2")
        letter = first[0]
        self.assertEqual(
            (letter.queue, letter.reason, letter.message_id), (self.topology.push.name, REASON, "key")
        )
        self.assertLess(abs(letter.time_ms / 1000 - clock().seconds()), 60)

    async def test_a_letter_has_the_same_id_at_every_look_and_no_other_has_it(self) -> None:
        channel = await self.stage()
        await self.bury(channel, b"one")
        await self.bury(channel, b"one", key="another")
        await self.bury(channel, b"one", queue=self.topology.shard(0).name)
        ids = {letter.id for letter in await self.all()}
        self.assertEqual((len(ids), {letter.id for letter in await self.all()}), (3, ids))

    async def test_what_the_broker_put_aside_says_where_it_came_from_and_when(self) -> None:
        channel = await self.stage(self.pushes)
        await channel.basic_publish("", self.topology.push.name, b"push")
        for _ in range(PUSH_ATTEMPTS + 1):
            message = None
            while message is None:
                message = await channel.basic_get(self.topology.push.name)
            channel.basic_nack(message.method.delivery_tag, requeue=True)
        letters: list[DeadLetter] = []
        while not letters:
            letters = await self.all()
        self.assertEqual((letters[0].queue, letters[0].reason), (self.topology.push.name, "delivery_limit"))
        self.assertLess(abs(letters[0].time_ms / 1000 - clock().seconds()), 60)

    async def test_what_a_stranger_wrote_is_shown_and_dropped_as_any_other(self) -> None:
        channel = await self.stage()
        strange: list[dict[str, Any]] = [
            {"headers": {"x-death": "oops"}},
            {"headers": {"x-death": []}},
            {"headers": {"x-death": ["oops"]}},
            {"headers": {"x-death": [{"time": "oops", "queue": 5}], "im-queue": {"a": [1]}}},
            {"timestamp": 2**62},
            {"timestamp": 2**40},
        ]
        for number, properties in enumerate(strange):
            letter = pika.BasicProperties(delivery_mode=2, **properties)
            await channel.basic_publish("", self.topology.dead.name, b"%d" % number, letter)
        async with self.opened() as letters:
            while (found := await letters.next()) is not None:
                self.assertTrue(line(found))
                self.assertTrue(json.dumps(whole(found)))
                letters.drop(found)
        self.assertEqual(await self.bodies(), [])

    async def test_one_look_is_bounded(self) -> None:
        self.patch(module, "MOST_LETTERS", 2)
        channel = await self.stage()
        for number in range(3):
            await self.bury(channel, b"%d" % number)
        async with self.opened() as letters:
            self.assertEqual(letters.count, 3)
            found = [await letters.next() for _ in range(3)]
        self.assertEqual([each is None for each in found], [False, False, True])

    async def test_a_cluster_that_never_ran_here_has_no_such_queue(self) -> None:
        with self.assertRaisesRegex(RefusedError, "no cluster of this name"):
            await self.all()

    async def test_a_broker_that_lets_nobody_in_is_unavailable(self) -> None:
        parameters = parameters_of(self.url, 10)
        parameters.credentials = pika.PlainCredentials("nobody", "x")
        with self.assertRaisesRegex(UnavailableError, "does not let us in"):
            await connect(parameters, clock())

    async def test_a_broker_that_is_not_there_is_unavailable(self) -> None:
        with self.assertRaisesRegex(UnavailableError, "is not reached"):
            await connect(parameters_of("amqp://127.0.0.1:1/", 10), clock())


class ChangingTests(DeadLetterCase):
    async def change(self, action: str, *bodies: bytes) -> None:
        async with self.opened() as letters:
            while (letter := await letters.next()) is not None:
                if letter.body in bodies:
                    if action == "retry":
                        await letters.retry(letter)
                    else:
                        letters.drop(letter)

    async def test_one_is_dropped_and_the_others_stay(self) -> None:
        channel = await self.stage()
        for body in (b"a", b"b", b"c"):
            await self.bury(channel, body)
        await self.change("drop", b"b")
        await self.until_there_are(b"a", b"c")

    async def test_one_goes_back_to_where_it_came_from_as_it_was(self) -> None:
        channel = await self.stage(self.pushes)
        await self.bury(channel, b"a")
        await self.bury(channel, b"b")
        await self.change("retry", b"a")
        again = await self.taken(channel, self.topology.push.name)
        properties = again.properties
        self.assertEqual((again.body, properties.message_id, properties.headers), (b"a", "key", FRESH))
        self.assertEqual(properties.delivery_mode, 2)
        await self.until_there_are(b"b")

    async def test_headers_of_its_sender_go_back_with_it(self) -> None:
        channel = await self.stage(self.pushes)
        letter = dead_letter(REASON, self.topology.push.name, "key")
        letter.headers |= {"shop": "7", "x-death": [{"queue": "im.push"}]}
        await channel.basic_publish("", self.topology.dead.name, b"a", letter)
        await self.change("retry", b"a")
        again = await self.taken(channel, self.topology.push.name)
        self.assertEqual(again.properties.headers, {"shop": "7", **FRESH})

    async def test_what_fails_again_is_not_taken_twice_in_one_look(self) -> None:
        channel = await self.stage(self.pushes)
        await self.bury(channel, b"a")
        async with self.opened() as letters:
            letter = await letters.next()
            assert letter is not None
            await letters.retry(letter)
            await self.bury(channel, b"a")
            self.assertIsNone(await letters.next())
        await self.until_there_are(b"a")

    async def test_one_whose_queue_is_gone_or_of_others_stays(self) -> None:
        channel = await self.stage()
        for queue in (self.topology.push.name, self.topology.dead.name, "another.push"):
            await self.bury(channel, queue.encode(), queue)
        async with self.opened() as letters:
            while (letter := await letters.next()) is not None:
                with self.assertRaises(RefusedError) as caught:
                    await letters.retry(letter)
                self.assertIs(caught.exception.refused.code, Code.CONFLICT)
        self.assertEqual(len(await self.bodies()), 3)

    async def test_one_whose_queue_is_full_stays(self) -> None:
        shard = self.topology.shard(0)
        full = shard._replace(arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
        channel = await self.stage(full)
        await channel.basic_publish("", shard.name, b"full")
        await self.bury(channel, b"a", shard.name)
        with self.assertRaisesRegex(RefusedError, "takes nothing now"):
            await self.change("retry", b"a")
        await self.until_there_are(b"a")

    async def test_a_kill_between_sending_back_and_taking_out_leaves_it_twice_and_never_lost(self) -> None:
        channel = await self.stage(self.pushes)
        await self.bury(channel, b"a")

        def die(_: object, letter: DeadLetter) -> None:
            raise KilledError

        dropping = self.patch(DeadLetters, "drop", die)
        with self.assertRaises(KilledError):
            await self.change("retry", b"a")
        dropping.restore()
        self.assertEqual((await self.taken(channel, self.topology.push.name)).body, b"a")
        await self.until_there_are(b"a")
        await self.change("retry", b"a")
        again = await self.taken(channel, self.topology.push.name)
        self.assertEqual((again.body, again.properties.message_id, await self.bodies()), (b"a", "key", []))

    async def test_a_kill_while_it_looks_changes_nothing(self) -> None:
        channel = await self.stage()
        await self.bury(channel, b"a")
        with self.assertRaises(KilledError):
            await self._look_and_die()
        await self.until_there_are(b"a")

    async def _look_and_die(self) -> None:
        async with self.opened() as letters:
            await letters.next()
            raise KilledError


class SilenceTests(SynchronousTestCase):
    def test_a_broker_that_does_not_answer_in_time_is_unavailable(self) -> None:
        time = Clock()
        asking = Deferred.fromCoroutine(answered(Deferred(), time))
        time.advance(CALL_SECONDS)
        self.failureResultOf(asking, UnavailableError)

    def test_a_queue_of_another_cluster_is_not_ours(self) -> None:
        topology = Topology("im", 1)
        self.assertTrue(topology.is_ours("im.push"))
        self.assertFalse(any(map(topology.is_ours, ("", "im.dead", "imm.push", "other.push"))))
