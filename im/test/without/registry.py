"""What the tests of the registry's rules share: their schedules are played on a real Redis."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any
from unittest import mock

from im.adapters.redis import scripts
from im.test.adapters.redis.cluster import RedisNode
from im.testing.contracts.registry import a_session

PHONE = a_session()
GUARDED = ("RENEW", "REGISTER", "UNREGISTER", "ENTER", "JOIN", "LEAVE")


class RegistryRuleTests:
    """Mix in with a `RedisCase`. Its docstring states the rule. As `RuleTests`, but asynchronous."""

    async def schedule(self) -> Sequence[str]:
        """Play the rule's schedule, and tell everything that is wrong then."""
        raise NotImplementedError

    def without(self) -> AbstractContextManager[object]:
        """Take the rule out."""
        raise NotImplementedError

    async def test_the_schedule_passes_with_the_rule(self) -> None:
        problems = list(await self.schedule())
        assert not problems, problems

    async def test_the_schedule_fails_without_the_rule(self) -> None:
        with self.without():
            problems = list(await self.schedule())
        assert problems, "the schedule passes without its rule, so it says nothing about it"

    async def renewed(self: Any, node: RedisNode) -> None:
        """Have a node renew its lease; one that doubts then establishes itself anew, with alice's phone."""
        node.workers.clear()
        node.registration.renew()
        while not (node.doubts or node.workers):
            await self.admin.values(["nothing"])
        if node.doubts:
            await node.registration.establish("g2", [PHONE], ())

    async def unfound(self: Any) -> Sequence[str]:
        """A problem, unless a worker finds alice at node n1."""
        located = await self.directory().locate(["alice"])
        found = [each.partition("~")[0] for each in located]
        return [] if found == ["n1"] else [f"alice is found at {found}"]


def without_line(text: str) -> AbstractContextManager[object]:
    """Take the guard's line that holds a text out of every script that has it."""
    changed: dict[str, Any] = {}
    for name in GUARDED:
        lines = getattr(scripts, name).splitlines(keepends=True)
        kept = [line for line in lines if text not in line]
        assert len(kept) == len(lines) - 1, name
        changed[name] = "".join(kept)
    patched: AbstractContextManager[object] = mock.patch.multiple(scripts, **changed)
    return patched
