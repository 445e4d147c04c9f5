"""What every adapter of `IWatchers` does."""

from collections.abc import Mapping, Sequence

from twisted.trial.unittest import TestCase

from im.ports import IWatchers


class WatchersContract(TestCase):
    """Mix in with the method below."""

    def make_watchers(self) -> IWatchers:
        """A fresh one where nobody watches, which ends with the test."""
        raise NotImplementedError

    def setUp(self) -> None:
        """Make it."""
        self.watchers = self.make_watchers()

    async def watching(self, *users: str) -> dict[str, list[str]]:
        """Who watches users, sorted."""
        found: Mapping[str, Sequence[str]] = await self.watchers.watching(users)
        return {node: sorted(watched) for node, watched in found.items()}

    async def test_a_node_that_joined_is_found_by_each_user(self) -> None:
        """And by no other user."""
        await self.watchers.join("n1", ["alice", "bob"])
        await self.watchers.join("n2", ["bob"])
        self.assertEqual(
            await self.watching("alice", "bob", "carol"), {"n1": ["alice", "bob"], "n2": ["bob"]}
        )
        self.assertEqual(await self.watching("carol"), {})

    async def test_one_that_left_is_found_no_more(self) -> None:
        """The other stays."""
        await self.watchers.join("n1", ["alice"])
        await self.watchers.join("n2", ["alice"])
        self.watchers.leave("n1", ["alice"])
        await self.watchers.join("n3", ["bob"])
        self.assertEqual(await self.watching("alice"), {"n2": ["alice"]})

    async def test_joining_twice_is_joining_once(self) -> None:
        """And so is leaving."""
        for _ in range(2):
            await self.watchers.join("n1", ["alice"])
        for _ in range(2):
            self.watchers.leave("n1", ["alice"])
        await self.watchers.join("n1", ["bob"])
        self.assertEqual(await self.watching("alice", "bob"), {"n1": ["bob"]})

    async def test_who_left_may_join_again(self) -> None:
        """What is called later takes effect later."""
        await self.watchers.join("n1", ["alice"])
        self.watchers.leave("n1", ["alice"])
        await self.watchers.join("n1", ["alice"])
        self.assertEqual(await self.watching("alice"), {"n1": ["alice"]})
