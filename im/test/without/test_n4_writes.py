"""N4: every write of a node is numbered, and only the next one is taken."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any
from unittest import mock

from twisted.internet.defer import Deferred, succeed

from im.adapters.redis import scripts
from im.adapters.redis.connection import RedisConnection
from im.ports import UnavailableError
from im.test.adapters.redis.cluster import RedisCase
from im.test.without.registry import PHONE, RegistryRuleTests, without_line


class RolledBackTests(RegistryRuleTests, RedisCase):
    """N4: a replica takes over that had not heard of the node's last write."""

    async def schedule(self) -> Sequence[str]:
        node = await self.node("n1")
        await node.registration.register(PHONE)
        await self.forget(self.keys.user("alice"))
        await self.admin.call("return redis.call('HSET', KEYS[1], 'op', 0)", [self.keys.lease("n1")], [])
        await self.renewed(node)
        return await self.unfound()

    def without(self) -> AbstractContextManager[object]:
        return without_line("a write was lost")


class LateTests(RegistryRuleTests, RedisCase):
    """N4: a registration that is late on its way arrives after the session's end."""

    async def schedule(self) -> Sequence[str]:
        node = await self.node("n1")
        late: list[tuple[str, Sequence[str], Sequence[str]]] = []
        call = RedisConnection.call

        def called(
            self: RedisConnection, script: str, keys: Sequence[str], arguments: Sequence[str]
        ) -> "Deferred[Any]":
            if script == scripts.REGISTER:
                late.append((script, keys, arguments))
                return succeed([b"ok"])
            return call(self, script, keys, arguments)

        with mock.patch.object(RedisConnection, "call", called):
            await node.registration.register(PHONE)
            try:
                await node.registration.unregister(PHONE)
            except UnavailableError:
                await node.registration.establish("g2", (), ())
        (written,) = late
        await self.admin.call(*written)
        located = await self.directory().locate(["alice"])
        return [f"a session that has ended is found at {list(located)}"] if located else []

    def without(self) -> AbstractContextManager[object]:
        return without_line("a write was lost")
