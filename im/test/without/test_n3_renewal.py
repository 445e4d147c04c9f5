"""N3: a renewal is a compare-and-set on (node, generation, number of the write), and on the epoch."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from unittest import mock

from im.adapters.redis import scripts
from im.test.adapters.redis.cluster import RedisCase
from im.test.without.registry import PHONE, RegistryRuleTests, without_line

PLAIN = """
redis.call('HSET', KEYS[1], 'generation', ARGV[1], 'op', ARGV[2], 'about', ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return {'ok'}
"""
"""As a SET with EX would do it."""


class FlushTests(RegistryRuleTests, RedisCase):
    """N3: Redis loses everything, another node begins anew; the first learns of it, its users are found."""

    async def schedule(self) -> Sequence[str]:
        node = await self.node("n1", "g1", [PHONE])
        keys = self.keys
        await self.forget(keys.epoch, keys.nodes, keys.layout, keys.lease("n1"), keys.user("alice"))
        await self.node("n2")
        await self.renewed(node)
        return await self.unfound()

    def without(self) -> AbstractContextManager[object]:
        return mock.patch.object(scripts, "RENEW", PLAIN)


class LapseTests(RegistryRuleTests, RedisCase):
    """N3: a node stands still until its lease is over; it knows that its users were taken for absent."""

    async def schedule(self) -> Sequence[str]:
        node = await self.node("n1", "g1", [PHONE])
        await self.node("n2")
        await self.forget(self.keys.lease("n1"))
        located = await self.directory().locate(["alice"])
        await self.renewed(node)
        untold = [] if node.doubts else ["the node does not know that alice was taken for absent"]
        return [*untold, *await self.unfound(), *(["the lease was not over"] if located else [])]

    def without(self) -> AbstractContextManager[object]:
        return mock.patch.object(scripts, "RENEW", PLAIN)


class EpochTests(RegistryRuleTests, RedisCase):
    """N3: Redis loses a node's sessions, and not its lease."""

    async def schedule(self) -> Sequence[str]:
        node = await self.node("n1", "g1", [PHONE])
        await self.forget(self.keys.epoch, self.keys.user("alice"))
        await self.node("n2")
        await self.renewed(node)
        return await self.unfound()

    def without(self) -> AbstractContextManager[object]:
        return without_line("the registry lost its memory")
