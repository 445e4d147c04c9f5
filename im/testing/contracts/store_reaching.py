"""What every store does to reach those who are away."""

from im.core.commands import Login, LogOut, Write
from im.core.errors import Code
from im.core.ledger import CloseSession, OpenSession
from im.core.reaching import ListPushTokens, PushToken, PushTokens, RegisterPushToken, RemovePushToken
from im.testing.contracts.store_base import StoreContract


class PushTokenContract(StoreContract):
    """Push tokens of devices."""

    async def devices(self, *devices: tuple[str, str]) -> None:
        """Let devices of users log in."""
        await self.write(*(Login(user, device, "phone", 1) for user, device in devices))

    async def tokens(self, user: str) -> tuple[PushToken, ...]:
        """The tokens of a user."""
        found = await self.read(ListPushTokens(user))
        assert isinstance(found, PushTokens), found
        return found.tokens

    async def test_a_device_has_the_token_that_it_registered_last(self) -> None:
        await self.devices(("bob", "d1"), ("bob", "d2"))
        for write in (
            RegisterPushToken("bob", "d2", "apns", "old"),
            RegisterPushToken("bob", "d1", "fcm", "f1"),
            RegisterPushToken("bob", "d2", "apns", "a2"),
            RegisterPushToken("bob", "d2", "apns", "a2"),
        ):
            (result,) = await self.write(write)
        expected = (PushToken("d1", "fcm", "f1"), PushToken("d2", "apns", "a2"))
        self.assertEqual(PushTokens("bob", expected), result)
        self.store = self.reopen_store(self.store, False)
        self.assertEqual(expected, await self.tokens("bob"))

    async def test_an_empty_token_forgets_it(self) -> None:
        await self.devices(("bob", "d1"))
        await self.write(RegisterPushToken("bob", "d1", "fcm", "f1"))
        (result,) = await self.write(RegisterPushToken("bob", "d1", "fcm", ""))
        self.assertEqual(PushTokens("bob", ()), result)

    async def test_a_token_moves_to_who_logs_in_on_the_same_phone(self) -> None:
        await self.devices(("bob", "d1"), ("carol", "d1"), ("carol", "d9"))
        await self.write(
            RegisterPushToken("bob", "d1", "fcm", "same"), RegisterPushToken("carol", "d9", "fcm", "same")
        )
        self.assertEqual(((), (PushToken("d9", "fcm", "same"),)), await self.both())
        await self.write(RegisterPushToken("bob", "d1", "apns", "same"))
        self.assertEqual(
            ((PushToken("d1", "apns", "same"),), (PushToken("d9", "fcm", "same"),)), await self.both()
        )

    async def both(self) -> tuple[tuple[PushToken, ...], tuple[PushToken, ...]]:
        """The tokens of bob, and of carol."""
        return await self.tokens("bob"), await self.tokens("carol")

    async def test_a_service_that_refuses_a_token_has_it_forgotten(self) -> None:
        await self.devices(("bob", "d1"), ("bob", "d2"))
        await self.write(
            RegisterPushToken("bob", "d1", "fcm", "f1"), RegisterPushToken("bob", "d2", "fcm", "f2")
        )
        remove = RemovePushToken("fcm", "f1")
        self.assertEqual(
            [PushTokens("bob", (PushToken("d2", "fcm", "f2"),)), PushTokens("", ())],
            await self.write(remove, remove),
        )

    async def test_a_logout_forgets_the_token_and_no_later_one(self) -> None:
        opened = OpenSession("s1", "bob", "d1", "phone", "n1", self.time_ms, True, 30_000)
        await self.devices(("bob", "d1"))
        for reason, is_kept in (("lost", True), ("heartbeat", True), ("logout", False)):
            await self.write(RegisterPushToken("bob", "d1", "fcm", "f1"))
            await self.write(opened._replace(session=reason))
            self.time_ms += 5
            await self.write(CloseSession(opened._replace(session=reason), self.time_ms, reason, 0))
            self.assertEqual(is_kept, bool(await self.tokens("bob")), reason)
        await self.write(opened)
        self.time_ms += 5
        late = CloseSession(opened, self.time_ms, "logout", 0)
        self.time_ms += 5
        await self.write(RegisterPushToken("bob", "d1", "fcm", "new"), late)
        self.assertEqual((PushToken("d1", "fcm", "new"),), await self.tokens("bob"))

    async def test_a_device_that_is_logged_out_has_none(self) -> None:
        await self.devices(("bob", "d1"), ("bob", "d2"))
        await self.write(
            RegisterPushToken("bob", "d1", "fcm", "f1"), RegisterPushToken("bob", "d2", "fcm", "f2")
        )
        await self.write(LogOut("bob", "d1", 1), LogOut("bob", "d3", 1))
        self.assertEqual((PushToken("d2", "fcm", "f2"),), await self.tokens("bob"))

    async def test_what_is_no_device_or_no_token_is_refused(self) -> None:
        await self.devices(("bob", "d1"))
        good = RegisterPushToken("bob", "d1", "fcm", "f1")
        wrong: list[tuple[Write, Code, str]] = [
            (good._replace(user="a b"), Code.INVALID_ARGUMENT, "user"),
            (good._replace(device=""), Code.INVALID_ARGUMENT, "device"),
            (good._replace(platform=""), Code.INVALID_ARGUMENT, "platform"),
            (good._replace(token="nul\0"), Code.INVALID_ARGUMENT, "token"),
            (good._replace(device="d2"), Code.NOT_FOUND, "device"),
            (RemovePushToken("", "f1"), Code.INVALID_ARGUMENT, "platform"),
        ]
        for write, code, field in wrong:
            (result,) = await self.write(write)
            self.assert_refused(result, code, field)
        self.assert_refused(await self.read(ListPushTokens("a b")), Code.INVALID_ARGUMENT, "user")
        self.assertEqual((), await self.tokens("bob"))
