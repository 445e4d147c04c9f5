"""Who may write to whom where strangers may not."""

from im.adapters.sql.sqlite import StorePolicy
from im.core.errors import Code
from im.core.limits import Limits
from im.core.relations import EndFriendship, OpenDirect
from im.ports import IStore
from im.test.memory_store import memory_store
from im.testing.contracts.store_base import a_send
from im.testing.contracts.store_relations import ACCEPT, ASK, RelationCase


class FriendsOnlyTests(RelationCase):
    """A store where only friends write to each other."""

    def open_store(self, limits: Limits, users_open: bool) -> IStore:
        policy = StorePolicy(limits, users_open, is_for_friends=True)
        return memory_store(self, self.now_ms, policy)

    async def test_a_stranger_cannot_write_before_they_are_friends_nor_after(self) -> None:
        """And the first word makes no conversation."""
        self.assertEqual(await self.refused(a_send(1)), Code.PERMISSION_DENIED)
        self.assertEqual((await self.sync("bob")).heads, [])
        self.assertEqual(await self.refused(a_send(1, conversation="g~nowhere")), Code.NOT_FOUND)
        await self.write(ASK)
        self.assertEqual(await self.refused(a_send(1)), Code.PERMISSION_DENIED)
        await self.write(ACCEPT)
        await self.send(a_send(1))
        await self.write(EndFriendship("bob", "alice"))
        self.assertEqual(await self.refused(a_send(2, after=1)), Code.PERMISSION_DENIED)
        self.assertTrue((await self.send(a_send(1))).duplicate)

    async def test_who_was_let_in_may_write_and_is_answered_only_by_who_was_let_in(self) -> None:
        """It is one direction."""
        await self.write(OpenDirect("alice", "bob"))
        await self.send(a_send(1))
        self.assertEqual(await self.refused(a_send(1, "bob")), Code.PERMISSION_DENIED)
