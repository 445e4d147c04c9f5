"""N5: what stands in the registry holds the generation, and counts only while the lease has the same."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from unittest import mock

from im.adapters.redis import directory
from im.test.adapters.redis.cluster import RedisCase
from im.test.without.registry import PHONE, RegistryRuleTests


def node_of(value: bytes) -> Iterable[str]:
    """Where sessions are, without the generations."""
    return (each.partition("~")[0] for each in value.decode().split(" "))


class ReusedNameTests(RegistryRuleTests, RedisCase):
    """N5: a node is killed, and begins again under its name; what it held then does not count."""

    async def schedule(self) -> Sequence[str]:
        await self.node("n1", "before", [PHONE])
        await self.node("n1", "after")
        located = await self.directory().locate(["alice"])
        return [f"the ghost of alice is found at {list(located)}"] if located else []

    def without(self) -> AbstractContextManager[object]:
        return mock.patch.multiple(directory, address=lambda node, generation: node, addresses=node_of)
