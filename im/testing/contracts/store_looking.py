"""What every store must answer to a node in doubt."""

from im.core.looking import Changed, WhatChanged
from im.testing.contracts.store_base import StoreContract, a_send


class LookingContract(StoreContract):
    """Who has anything new since a cursor. Mix in."""

    async def _changed(self, epoch: str, position: int, *users: str) -> Changed:
        changed = await self.read(WhatChanged("node-1", users, epoch, position))
        assert isinstance(changed, Changed), changed
        return changed

    async def test_who_was_written_to_since_the_cursor_is_named_and_nobody_else(self) -> None:
        """Both sides of the conversation, of those that were asked about."""
        await self.send(a_send(1, "carol", "d~bob~carol"))
        at = await self._changed("", 0)
        await self.send(a_send(2))
        changed = await self._changed(at.epoch, at.position, "alice", "bob", "carol", "dave")
        self.assertEqual(sorted(changed.users), ["alice", "bob"])
        self.assertEqual(changed.epoch, at.epoch)

    async def test_a_cursor_of_another_epoch_makes_everyone_look(self) -> None:
        """Nothing can be told from it."""
        changed = await self._changed("long ago", 7, "alice", "dave")
        self.assertEqual(changed.users, ("alice", "dave"))

    async def test_the_cursor_of_an_answer_is_good_for_the_next_question(self) -> None:
        """What is committed after it is found by it."""
        await self.send(a_send(1))
        at = await self._changed("", 0, "alice")
        await self.send(a_send(2, after=1))
        later = await self._changed(at.epoch, at.position, "alice")
        self.assertEqual(later.users, ("alice",))

    async def test_many_users_are_asked_about_at_once(self) -> None:
        """More than one statement takes."""
        at = await self._changed("", 0)
        await self.send(a_send(1, "user-7", "d~user-240~user-7"))
        users = [f"user-{number}" for number in range(250)]
        changed = await self._changed(at.epoch, at.position, *users)
        self.assertEqual(sorted(changed.users), ["user-240", "user-7"])
