"""What happens to sessions and audiences while their node establishes itself anew."""

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from im.adapters.redis import scripts
from im.adapters.redis.connection import RedisConnection
from im.ports import Session, UnavailableError
from im.test.adapters.redis.cluster import RedisCase, RedisNode
from im.testing.contracts.registry import a_session

PHONE = a_session()
MANY = [a_session(id=f"s{number}", user=f"user-{number}") for number in range(450)]
LAST = MANY[-1]


class EstablishmentTests(RedisCase):
    """Logins and ends go on meanwhile, and come to the same as if they had come before or after."""

    def when_written(self, node: RedisNode, script: str, then: Callable[[], "Deferred[Any]"]) -> list[Any]:
        """Do something right after a node's first call of a script was sent; what it returned."""
        done: list[Any] = []
        call = RedisConnection.call

        def called(
            self: RedisConnection, what: str, keys: Sequence[str], arguments: Sequence[str]
        ) -> "Deferred[Any]":
            answering = call(self, what, keys, arguments)
            if self is node.connection and what == script and not done:
                done.append(None)
                done[0] = then()
            return answering

        self.patch(RedisConnection, "call", called)
        return done

    async def users(self, user: str) -> list[Session]:
        return await self.directory().sessions(user)

    async def test_a_session_that_ends_before_the_lease_is_there_does_not_come_back(self) -> None:
        node = await self.node("n1", "g1", [PHONE])
        establishing = node.registration.establish("g2", [PHONE], ())
        await node.registration.unregister(PHONE)
        await establishing
        self.assertEqual(await self.users("alice"), [])

    async def test_a_session_that_ends_while_others_are_entered_does_not_come_back(self) -> None:
        node = await self.node("n1")
        ended = self.when_written(node, scripts.ENTER, lambda: node.registration.unregister(LAST))
        await node.registration.establish("g2", MANY, ())
        await ended[0]
        self.assertEqual(await self.users(LAST.user), [])
        self.assertEqual(len(await self.directory().sessions(None)), len(MANY) - 1)

    async def test_a_session_that_registers_while_others_are_entered_is_there_once(self) -> None:
        node = await self.node("n1")
        registered = self.when_written(node, scripts.ENTER, lambda: node.registration.register(LAST))
        await node.registration.establish("g2", MANY, ())
        self.assertEqual([each.id for each in await registered[0]], [LAST.id])
        (value,) = await self.admin.values([self.keys.user(LAST.user)])
        assert value is not None
        self.assertEqual(value.count(LAST.id.encode()), 1)
        self.assertEqual(node.doubts, [])

    async def test_an_audience_that_is_left_meanwhile_is_not_held(self) -> None:
        node = await self.node("n1")
        held = [f"g~{number}" for number in range(250)]
        left = self.when_written(node, scripts.JOIN, lambda: node.registration.leave(["g~249"]))
        await node.registration.establish("g2", (), held)
        await left[0]
        self.assertEqual(list((await self.directory().audiences(held))["n1~g2"]), held[:-1])

    async def test_an_audience_that_is_joined_before_the_lease_is_there_is_held(self) -> None:
        node = await self.node("n1")
        establishing = node.registration.establish("g2", (), ["g~1"])
        with self.assertRaises(UnavailableError):
            await node.registration.join(["g~2"])
        with self.assertRaises(UnavailableError):
            await node.registration.join(["g~3"])
        await node.registration.leave(["g~3"])
        await establishing
        held = await self.directory().audiences(["g~1", "g~2", "g~3"])
        self.assertEqual({each: set(held[each]) for each in held}, {"n1~g2": {"g~1", "g~2"}})

    async def test_calls_at_once_take_effect_in_their_order(self) -> None:
        node = await self.node("n1")
        registration, asked = node.registration, ["g~1"]
        calls: list[Deferred[Any]] = [
            registration.register(PHONE),
            registration.join(asked),
            registration.leave(asked),
            registration.unregister(PHONE),
            registration.join(asked),
        ]
        await gatherResults(calls)
        self.assertEqual(await self.users("alice"), [])
        self.assertEqual(dict(await self.directory().audiences(asked)), {"n1~g1": asked})
        self.assertEqual(node.doubts, [])

    async def test_a_later_establishment_overtakes_an_earlier(self) -> None:
        node = await self.node("n1")
        earlier = node.registration.establish("g2", MANY, ())
        await node.registration.establish("g3", [PHONE], ())
        with self.assertRaises(UnavailableError):
            await earlier
        self.assertEqual([each.generation for each in await self.directory().sessions(None)], ["g3"])
        await node.registration.register(PHONE)
        self.assertEqual(node.doubts, [])

    async def test_one_that_the_end_overtakes_leaves_no_lease_that_is_renewed(self) -> None:
        node = await self.node("n1")
        establishing = node.registration.establish("g2", [PHONE], ())
        await node.registration.close()
        with self.assertRaises(UnavailableError):
            await establishing
        with self.assertRaises(UnavailableError):
            await node.registration.register(PHONE)

    async def test_a_doubt_meanwhile_fails_it(self) -> None:
        node = await self.node("n1")
        forget = "return redis.call('DEL', KEYS[1])"
        lease = [self.keys.lease("n1")]
        forgotten = self.when_written(node, scripts.ENTER, lambda: node.connection.call(forget, lease, []))
        with self.assertRaises(UnavailableError):
            await node.registration.establish("g2", MANY, ())
        await forgotten[0]
        self.assertEqual(node.doubts, ["the lease is over"])
