"""A4: a registry that says that it is empty-handed gives no answer; the outbox row stays."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from unittest import mock

from im.adapters.redis.directory import Directory
from im.ports import UnavailableError
from im.test.adapters.redis.cluster import RedisCase
from im.test.without.registry import PHONE, RegistryRuleTests


class EmptyHandedTests(RegistryRuleTests, RedisCase):
    """A4: Redis loses everything between two refreshes of a worker; nobody is taken for absent by that."""

    async def schedule(self) -> Sequence[str]:
        await self.node("n1", "g1", [PHONE])
        directory, keys = self.directory(), self.keys
        await directory.locate(["alice"])
        held = keys.audience("g~1")
        await self.forget(keys.epoch, keys.nodes, keys.lease("n1"), keys.user("alice"), held)
        taken = []
        for what, asked in (("alice", directory.locate(["alice"])), ("g~1", directory.audiences(["g~1"]))):
            try:
                await asked
            except UnavailableError:
                continue
            taken.append(f"{what} is taken for absent")
        return taken

    def without(self) -> AbstractContextManager[object]:
        return mock.patch.object(Directory, "_know", lambda self, epoch: None)
