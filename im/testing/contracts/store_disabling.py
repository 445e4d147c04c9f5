"""What every store does with users that are disabled."""

from im.core.commands import LoggedIn, Login, SetDisabled, UserState
from im.core.errors import Code
from im.core.limits import Limits
from im.core.messages import MoveRead, Sent, Sync, SyncPage
from im.testing.contracts.store_base import StoreContract, a_send

_DISABLE, _ENABLE = SetDisabled("alice", True), SetDisabled("alice", False)


class DisablingContract(StoreContract):
    """Users that are shut out, and let in again."""

    async def test_a_disabled_user_neither_logs_in_nor_syncs(self) -> None:
        await self.write(Login("alice", "d1", "phone", 1))
        self.assertEqual([UserState("alice", True)] * 2, await self.write(_DISABLE, _DISABLE))
        for _ in range(2):
            (refused,) = await self.write(Login("alice", "d1", "phone", 2))
            self.assert_refused(refused, Code.DISABLED, "user")
            self.assert_refused(await self.read(Sync("alice", None, "")), Code.DISABLED, "user")
            self.store = self.reopen_store(self.store, False)
        self.assertIsInstance(await self.read(Sync("bob", None, "")), SyncPage)

    async def test_an_enabled_user_goes_on_as_before(self) -> None:
        await self.send(a_send(1))
        await self.write(_DISABLE)
        self.assertEqual([UserState("alice", False)] * 2, await self.write(_ENABLE, _ENABLE))
        self.assertEqual([LoggedIn("alice", "d1", 1)], await self.write(Login("alice", "d1", "phone", 1)))
        self.assertEqual(2, (await self.send(a_send(2, after=1))).seq)

    async def test_from_the_disabling_on_nothing_new_is_stored(self) -> None:
        before, _, after, by_bob = await self.write(a_send(1), _DISABLE, a_send(2), a_send(3, sender="bob"))
        assert isinstance(before, Sent)
        self.assert_refused(after, Code.DISABLED, "user")
        assert isinstance(by_bob, Sent)
        self.assertEqual((1, 2), (before.seq, by_bob.seq))
        self.store = self.reopen_store(self.store, False)
        (after,) = await self.write(a_send(2))
        self.assert_refused(after, Code.DISABLED, "user")

    async def test_a_retry_of_what_was_stored_still_gets_its_first_answer(self) -> None:
        first = await self.send(a_send(1))
        await self.write(_DISABLE)
        self.assertEqual(first._replace(duplicate=True), await self.send(a_send(1)))

    async def test_a_disabled_user_makes_no_conversation(self) -> None:
        await self.write(_DISABLE)
        (refused,) = await self.write(a_send(1))
        self.assert_refused(refused, Code.DISABLED, "user")
        self.assertEqual([], (await self.sync("bob")).heads)

    async def test_others_may_write_to_a_disabled_user(self) -> None:
        await self.write(_DISABLE)
        await self.send(a_send(1, sender="bob"))
        await self.write(_ENABLE)
        self.assertEqual(1, (await self.head("alice")).unread)

    async def test_cursors_of_before_still_move(self) -> None:
        await self.send(a_send(1, sender="bob"))
        *_, moved = await self.write(_DISABLE, MoveRead("d~alice~bob", "alice", 1))
        self.assertEqual("alice", getattr(moved, "user", None))

    async def test_a_user_may_be_disabled_before_the_first_login(self) -> None:
        self.store = self.open_store(Limits(), False)
        self.assertEqual([UserState("eve", True)], await self.write(SetDisabled("eve", True)))
        (refused,) = await self.write(Login("eve", "d1", "phone", 1))
        self.assert_refused(refused, Code.DISABLED, "user")

    async def test_what_can_not_be_disabled_or_enabled_is_refused(self) -> None:
        for change, code in (
            (SetDisabled("a b", True), Code.INVALID_ARGUMENT),
            (SetDisabled("\ud800", False), Code.INVALID_ARGUMENT),
            (SetDisabled("nobody", False), Code.NOT_FOUND),
        ):
            (result,) = await self.write(change)
            self.assert_refused(result, code, "user")
