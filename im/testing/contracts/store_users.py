"""What every store does with users, profiles and devices."""

from im.core.commands import (
    CreateUser,
    GetProfile,
    LoggedIn,
    LoggedOut,
    Login,
    LogOut,
    ProfileRecord,
    SetProfile,
)
from im.core.errors import Code, Refused
from im.core.limits import Limits
from im.core.messages import Sync, SyncPage
from im.testing.contracts.store_base import StoreContract


class UserContract(StoreContract):
    """Users, profiles, devices."""

    async def test_a_device_takes_larger_attempts_only(self) -> None:
        self.assertEqual(
            [LoggedIn("alice", "d1", 5), LoggedIn("alice", "d1", 6), LoggedIn("alice", "d2", 1)],
            await self.write(
                Login("alice", "d1", "phone", 5),
                Login("alice", "d1", "tablet", 6),
                Login("alice", "d2", "web", 1),
            ),
        )
        for attempt in (5, 6):
            (stale,) = await self.write(Login("alice", "d1", "phone", attempt))
            self.assert_refused(stale, Code.STALE_ATTEMPT, "attempt")
            assert isinstance(stale, Refused)
            self.assertEqual(6, stale.last_attempt)
        self.store = self.reopen_store(self.store, False)
        (stale,) = await self.write(Login("alice", "d1", "phone", 6))
        self.assert_refused(stale, Code.STALE_ATTEMPT, "attempt")

    async def test_a_user_has_so_many_devices(self) -> None:
        self.store = self.open_store(Limits(devices_per_user=2), True)
        *_, last, other, known = await self.write(
            Login("alice", "d1", "phone", 1),
            Login("alice", "d2", "phone", 1),
            Login("alice", "d3", "phone", 1),
            Login("bob", "d3", "phone", 1),
            Login("alice", "d2", "phone", 2),
        )
        self.assert_refused(last, Code.LIMIT_EXCEEDED, "device")
        self.assertEqual((LoggedIn("bob", "d3", 1), LoggedIn("alice", "d2", 2)), (other, known))

    async def test_a_login_with_a_bad_field_is_refused(self) -> None:
        good = Login("alice", "d1", "phone", 1)
        bad = [
            (good._replace(user="a~b"), "user"),
            (good._replace(device=""), "device"),
            (good._replace(device_class="fridge"), "device_class"),
            (good._replace(attempt=0), "attempt"),
            (good._replace(attempt=2**63), "attempt"),
        ]
        results = await self.write(*(login for login, _ in bad))
        for result, (_, field) in zip(results, bad, strict=True):
            self.assert_refused(result, Code.INVALID_ARGUMENT, field)

    async def test_a_logged_out_device_takes_newer_tokens_only(self) -> None:
        await self.write(Login("alice", "d1", "phone", 1, 500), Login("alice", "d2", "phone", 1, 500))
        logout = LogOut("alice", "d1", 600)
        self.assertEqual(
            [LoggedOut("alice", "d1")] * 2, await self.write(logout, logout._replace(before_ms=9))
        )
        self.store = self.reopen_store(self.store, False)
        for issued_ms in (0, 599):
            (old,) = await self.write(Login("alice", "d1", "phone", 2, issued_ms))
            self.assert_refused(old, Code.LOGGED_OUT, "device")
        self.assertEqual(
            [LoggedIn("alice", "d1", 2), LoggedIn("alice", "d2", 2)],
            await self.write(Login("alice", "d1", "phone", 2, 600), Login("alice", "d2", "phone", 2, 500)),
        )

    async def test_a_login_that_was_logged_out_before_its_sync_gets_none(self) -> None:
        await self.write(Login("alice", "d1", "phone", 1, 500), LogOut("alice", "d1", 600))
        self.assert_refused(await self.read(Sync("alice", None, "", "d1", 500)), Code.LOGGED_OUT, "device")
        for sync in (
            Sync("alice", None, "", "d1", 600),
            Sync("alice", None, "", "d2"),
            Sync("alice", None, ""),
        ):
            self.assertIsInstance(await self.read(sync), SyncPage)

    async def test_a_logout_of_what_is_not_there_is_refused(self) -> None:
        await self.write(Login("alice", "d1", "phone", 1))
        for logout, code, field in (
            (LogOut("alice", "d2", 1), Code.NOT_FOUND, "device"),
            (LogOut("bob", "d1", 1), Code.NOT_FOUND, "device"),
            (LogOut("a b", "d1", 1), Code.INVALID_ARGUMENT, "user"),
            (LogOut("alice", "", 1), Code.INVALID_ARGUMENT, "device"),
            (LogOut("alice", "d1", -1), Code.INVALID_ARGUMENT, "before_ms"),
            (LogOut("alice", "d1", 2**63), Code.INVALID_ARGUMENT, "before_ms"),
        ):
            (result,) = await self.write(logout)
            self.assert_refused(result, code, field)

    async def test_a_user_is_made_once_with_an_empty_profile(self) -> None:
        empty = ProfileRecord("alice", "", "", {})
        self.assertEqual([empty, empty], await self.write(CreateUser("alice"), CreateUser("alice")))
        self.assertEqual(empty, await self.read(GetProfile("alice")))
        (bad,) = await self.write(CreateUser("a b"))
        self.assert_refused(bad, Code.INVALID_ARGUMENT, "user")

    async def test_the_unknown_have_no_profile(self) -> None:
        self.assert_refused(await self.read(GetProfile("alice")), Code.NOT_FOUND, "user")
        (result,) = await self.write(SetProfile("alice", "Alice", None, {}))
        self.assert_refused(result, Code.NOT_FOUND, "user")
        self.assert_refused(await self.read(GetProfile("\ud800")), Code.INVALID_ARGUMENT, "user")
        (result,) = await self.write(SetProfile("\ud800", "Alice", None, {}))
        self.assert_refused(result, Code.INVALID_ARGUMENT, "user")

    async def test_a_profile_changes_by_field(self) -> None:
        await self.write(
            CreateUser("alice"), SetProfile("alice", "Alice", "a.png", {"city": "Wien", "x": "1"})
        )
        expected = ProfileRecord("alice", "Alice", "", {"city": "Graz"})
        change = SetProfile("alice", None, "", {"city": "Graz", "x": "", "never": ""})
        self.assertEqual([expected], await self.write(change))
        self.assertEqual(expected, await self.read(GetProfile("alice")))

    async def test_a_profile_that_can_not_be_stored_is_refused(self) -> None:
        await self.write(CreateUser("alice"))
        for name in ("x" * (Limits().profile_bytes + 1), "nul\0", "half \ud800"):
            (result,) = await self.write(SetProfile("alice", name, None, {}))
            self.assert_refused(result, Code.INVALID_ARGUMENT, "profile")
        self.assertEqual(ProfileRecord("alice", "", "", {}), await self.read(GetProfile("alice")))
