"""What every store tells of who is online."""

from im.core.ledger import ChangeAppState, CloseSession, OpenSession
from im.core.presence import FindPresence, OnlineDevice, Presence, PresenceFound
from im.testing.contracts.store_base import StoreContract, a_send


def _open(
    session: str = "s1", user: str = "alice", device_class: str = "phone", at_ms: int = 1
) -> OpenSession:
    return OpenSession(session, user, f"d-{session}", device_class, "n1", at_ms, True, 30_000)


def _close(opened: OpenSession, at_ms: int) -> CloseSession:
    return CloseSession(opened, at_ms, "logout", 0)


class PresenceContract(StoreContract):
    """Who is online, who may know it, and who was seen last when."""

    async def found(self, *users: str, viewer: str = "") -> list[Presence]:
        """What is told of users."""
        result = await self.read(FindPresence(users, viewer))
        assert isinstance(result, PresenceFound), result
        return [*result.presences]

    async def test_who_has_an_open_session_is_online(self) -> None:
        """By class, in the foreground if any of it is."""
        web = _open("s3", device_class="web")
        await self.write(_open(), _open("s2"), web, ChangeAppState("s2", "alice", 5, False, 30_000))
        await self.write(ChangeAppState("s3", "alice", 5, False, 30_000))
        devices = (OnlineDevice("phone", True), OnlineDevice("web", False))
        self.assertEqual(await self.found("alice"), [Presence("alice", devices, 0)])

    async def test_who_has_none_was_seen_when_the_last_one_ended(self) -> None:
        """The furthest end, whichever session began last."""
        long, short = _open("s1", at_ms=10), _open("s2", at_ms=20)
        await self.write(long, short, _close(short, 500), _close(long, 900))
        self.assertEqual(await self.found("alice"), [Presence("alice", (), 900)])

    async def test_an_old_session_counts_however_many_came_after(self) -> None:
        """A desktop that stays, and a phone that comes and goes."""
        await self.write(_open("s0", device_class="desktop"))
        for number in range(1, 80):
            passing = _open(f"s{number}", at_ms=10 * number)
            await self.write(passing, _close(passing, 10 * number + 5))
        self.assertEqual((await self.found("alice"))[0].devices, (OnlineDevice("desktop", True),))

    async def test_who_is_unknown_is_offline_and_was_never_seen(self) -> None:
        """As is one who never came."""
        self.assertEqual(await self.found("nobody"), [Presence("nobody")])

    async def test_any_number_is_answered_in_its_order(self) -> None:
        """Over the pages in which it is read."""
        await self.write(*(_open(f"s{number}", f"u{number}") for number in range(0, 150, 2)))
        users = [f"u{number}" for number in reversed(range(150))]
        found = await self.found(*users)
        self.assertEqual([each.user for each in found], users)
        self.assertEqual([bool(each.devices) for each in found], [False, True] * 75)

    async def test_to_a_viewer_only_contacts_are_told(self) -> None:
        """Those of direct conversations, and the viewer."""
        await self.send(a_send(1))
        await self.write(_open("s1", "bob"), _open("s2", "carol"))
        found = await self.found("alice", "bob", "carol", "nobody", viewer="alice")
        self.assertEqual([each.user for each in found], ["alice", "bob"])
        self.assertEqual([each.user for each in await self.found("alice", "bob", viewer="carol")], [])
