"""A Redis that dies, stands still or loses everything: calls fail in time, and nothing piles up."""

from collections.abc import Iterable
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from im.adapters.redis.connection import RedisConnection
from im.ports import UnavailableError
from im.test.adapters.redis.cluster import RedisCase
from im.testing.contracts.registry import a_session
from im.testing.services.redis import RedisServer

PHONE = a_session()
COUNT = "return redis.call('INCR', KEYS[1])"


class OutageTests(RedisCase):
    """On a Redis of the test's own."""

    def setUp(self) -> None:
        super().setUp()
        self.server = RedisServer()
        self.addCleanup(self.server.stop)
        self.server.start()
        self.url = self.server.url
        self.admin = self.connect()

    def text(self, rest: str) -> str:
        return f"Redis at 127.0.0.1:{self.server.port}{rest}"

    async def failures(self, calls: "Iterable[Deferred[Any]]") -> set[str]:
        """What calls failed with, all of them."""
        found = set()
        for each in calls:
            with self.assertRaises(UnavailableError) as caught:
                await each
            found.add(str(caught.exception))
        return found

    async def until_it_answers(self, connection: RedisConnection) -> None:
        while True:
            try:
                await connection.values(["n"])
            except UnavailableError:
                continue
            return

    async def test_calls_to_one_that_is_away_are_given_up_and_never_done(self) -> None:
        await self.admin.values(["n"])
        self.server.kill()
        await self.failures([self.admin.call(COUNT, ["n"], []) for _ in range(100)])
        self.server.start()
        await self.until_it_answers(self.admin)
        self.assertEqual(await self.admin.values(["n"]), [None])
        self.assertEqual(self.admin.problem, "")

    async def test_calls_to_one_that_stands_still_do_not_pile_up(self) -> None:
        await self.admin.values(["n"])
        self.server.pause()
        self.addCleanup(self.server.go_on)
        told = await self.failures([self.admin.values(["n"]) for _ in range(100)])
        self.assertIn(self.text(" does not answer"), told)
        while self.admin._factory.pool:
            await deferLater(reactor, 0)
        self.assertEqual(list(self.admin._factory.connectionQueue.waiting), [])
        self.server.go_on()
        await self.until_it_answers(self.admin)

    async def test_a_node_doubts_once_and_is_there_again_after_it(self) -> None:
        node = await self.node("n1", "g1", [PHONE])
        self.server.kill()
        calls = [node.registration.register(PHONE) for _ in range(5)]
        await self.failures([*calls, node.registration.register(PHONE)])
        self.assertEqual(len(node.doubts), 1, node.doubts)
        self.server.start()
        await self.until_it_answers(node.connection)
        await node.registration.establish("g2", [PHONE], ["g~1"])
        directory = self.directory()
        self.assertEqual(dict(await directory.locate(["alice"])), {"n1~g2": ["alice"]})
        self.assertEqual(dict(await directory.audiences(["g~1"])), {"n1~g2": ["g~1"]})

    async def test_a_node_goes_down_in_order_without_it(self) -> None:
        node = await self.node("n1", "g1", [PHONE])
        self.server.kill()
        await node.registration.close()
        self.assertEqual(node.doubts, [])

    async def test_scripts_that_it_has_forgotten_are_sent_again(self) -> None:
        node = await self.node("n1")
        await node.registration.register(PHONE)
        await self.admin.call("return redis.call('DEL', KEYS[1])", [self.keys.user("alice")], [])
        await self.admin._pool.execute_command("SCRIPT", "FLUSH")
        await node.registration.register(PHONE)
        self.assertEqual(node.doubts, [])
        self.assertEqual(dict(await self.directory().locate(["alice"])), {"n1~g1": ["alice"]})

    async def test_a_password_is_asked_for_and_given(self) -> None:
        self.server.kill()
        self.server.password = "p%/ s"
        self.server.start()
        without = self.connect()
        self.assertEqual(
            await self.failures([without.values(["n"])]),
            {self.text(" does not let us in: NOAUTH Authentication required.")},
        )
        self.url = f"redis://:p%25%2F%20s@127.0.0.1:{self.server.port}/0"
        self.assertEqual(await self.connect().values(["n"]), [None])
