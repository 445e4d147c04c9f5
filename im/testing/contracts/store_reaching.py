"""What every store does to reach those who are away."""

from im.core.changing import ChangeMessage, Recall
from im.core.commands import CreateUser, Login, LogOut, SetDisabled, Write
from im.core.entries import PUSH
from im.core.errors import Code
from im.core.grouping import ChangeGroup, CreateGroup, Invite, Leave
from im.core.groups import group_conversation
from im.core.ledger import CloseSession, OpenSession
from im.core.limits import Limits
from im.core.messages import MoveDelivered, MoveRead
from im.core.pushing import PUSH_ID_BYTES, Push, StorePush
from im.core.reaching import (
    HOOKS,
    PREVIEW_BYTES,
    WEBHOOKS,
    Away,
    AwayDevice,
    AwayPassed,
    FindAway,
    ListPushTokens,
    OfflineMessage,
    PassAway,
    Place,
    PushToken,
    PushTokens,
    RegisterPushToken,
    RemovePushToken,
)
from im.core.relations import SetContact
from im.testing.contracts.store_base import DIRECT, StoreContract, a_send, client_id


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


class AwayContract(StoreContract):
    """Whom messages did not reach."""

    away_consumers = frozenset({HOOKS, WEBHOOKS})

    async def find(self, consumer: str = HOOKS, most: int = 64, age_ms: int = 0) -> Away:
        """Look at what was stored up to `age_ms` ago."""
        away = await self.read(FindAway(consumer, self.time_ms - age_ms, most))
        assert isinstance(away, Away), away
        return away

    async def pass_on(self, away: Away, consumer: str = HOOKS) -> bool:
        """Pass on from there; whether that was new."""
        (passed,) = await self.write(PassAway(consumer, away.since, away.until, away.batches))
        assert isinstance(passed, AwayPassed), passed
        return passed.is_new

    async def whom(self) -> list[tuple[str, int]]:
        """User and seq of all that reached nobody."""
        return [(each.user, each.seq) for each in (await self.find()).messages]

    async def test_a_message_that_nobody_acknowledged_is_found_with_all_that_a_push_needs(self) -> None:
        await self.write(
            Login("bob", "d1", "phone", 1),
            Login("bob", "d2", "web", 1),
            Login("bob", "d3", "web", 1),
            RegisterPushToken("bob", "d1", "fcm", "f1"),
            RegisterPushToken("bob", "d2", "web", "w1"),
        )
        await self.write(a_send(1), a_send(2, conversation="d~alice~carol"))
        first, other = (await self.find()).messages
        devices = (AwayDevice("d1", "phone", "fcm", "f1"), AwayDevice("d2", "web", "web", "w1"))
        expected = OfflineMessage(
            "bob", DIRECT, 1, "alice", 1, self.time_ms, b"text 1", False, 1, False, False, devices
        )
        self.assertEqual(expected, first)
        self.assertEqual(("carol", "d~alice~carol", ()), (other.user, other.conversation, other.devices))
        self.assertEqual(f"{DIRECT} 1 bob", first.key)

    async def test_it_is_found_until_it_is_passed_on_and_once_for_each_consumer(self) -> None:
        await self.write(a_send(1), a_send(2))
        away = await self.find()
        self.store = self.reopen_store(self.store, False)
        self.assertEqual(away, await self.find())
        self.assertTrue(await self.pass_on(away))
        self.assertFalse(await self.pass_on(away))
        self.assertEqual([], await self.whom())
        self.assertEqual(2, len((await self.find(WEBHOOKS)).messages))

    async def test_what_is_not_due_waits(self) -> None:
        await self.write(a_send(1))
        stored_ms = self.time_ms
        self.time_ms += 5
        await self.write(a_send(2))
        self.time_ms += 5
        away = await self.find(age_ms=6)
        self.assertEqual([1], [each.seq for each in away.messages])
        self.assertEqual(stored_ms + 5, away.next_ms)
        await self.pass_on(away)
        waiting = await self.find(age_ms=6)
        self.assertEqual(((), (), stored_ms + 5), (waiting.batches, waiting.messages, waiting.next_ms))
        self.assertEqual([("bob", 2)], await self.whom())
        await self.pass_on(await self.find())
        self.assertEqual(Away(Place(), Place(), (), ()), await self.find())

    async def test_a_session_in_the_foreground_reaches_the_user_one_in_the_background_does_not(self) -> None:
        await self.write(a_send(1), a_send(2), a_send(3))
        await self.write(MoveDelivered(DIRECT, "bob", 3, is_foreground=False))
        await self.write(MoveDelivered(DIRECT, "bob", 1))
        self.assertEqual([("bob", 2), ("bob", 3)], await self.whom())
        self.store = self.reopen_store(self.store, False)
        await self.write(MoveDelivered(DIRECT, "bob", 2, is_foreground=False))
        await self.write(MoveDelivered(DIRECT, "bob", 9))
        self.assertEqual([], await self.whom())

    async def test_who_has_seen_it_is_reached(self) -> None:
        await self.write(a_send(1))
        await self.write(a_send(2))
        await self.write(MoveRead(DIRECT, "bob", 1))
        self.assertEqual([("bob", 2)], await self.whom())
        await self.write(a_send(3, "bob", seen_seq=2))
        self.assertEqual([("alice", 3)], await self.whom())

    async def test_the_disabled_and_those_who_muted_are_not_told_of(self) -> None:
        await self.write(a_send(1), a_send(2, conversation="d~alice~carol"))
        await self.write(SetDisabled("carol", True))
        self.assertEqual([("bob", 1)], await self.whom())
        await self.write(SetContact("bob", DIRECT, muted=True))
        self.assertEqual([], await self.whom())

    async def test_the_badge_counts_what_is_unread_everywhere_but_where_it_is_muted_or_hidden(self) -> None:
        sends = [a_send(n, "carol", "d~bob~carol") for n in (1, 2)]
        muted = [a_send(n, "dave", "d~bob~dave") for n in (3, 4)]
        hidden = a_send(9, "erin", "d~bob~erin")
        await self.write(*sends, *muted, a_send(5), a_send(6), a_send(7, "bob"), a_send(8), hidden)
        await self.write(SetContact("bob", "d~bob~dave", muted=True), MoveRead(DIRECT, "bob", 1))
        await self.write(SetContact("bob", "d~bob~erin", hidden=True))
        badges = {each.badge for each in (await self.find()).messages if each.user == "bob"}
        self.assertEqual({2 + 2}, badges)

    async def test_a_push_in_the_inbox_is_told_of_to_devices_that_it_is_for(self) -> None:
        await self.write(
            CreateUser("bob"),
            Login("bob", "d1", "phone", 1),
            Login("bob", "d2", "web", 1),
            RegisterPushToken("bob", "d1", "fcm", "f1"),
            RegisterPushToken("bob", "d2", "web", "w1"),
        )
        push = Push(bytes(PUSH_ID_BYTES), b"paid", self.time_ms + 60_000, "order", "phone,tablet")
        await self.write(StorePush(push, ("bob",)))
        (told,) = (await self.find()).messages
        self.assertEqual(
            ("bob", "i~bob", "", PUSH, b"paid", 0),
            (*told[:2], told.sender, told.kind, told.content, told.badge),
        )
        self.assertEqual(["d1"], [each.device for each in told.devices])
        newer = push._replace(id=b"2" * PUSH_ID_BYTES, content=b"sent")
        await self.write(StorePush(newer, ("bob",)))
        self.assertEqual([b"sent"], [each.content for each in (await self.find()).messages])

    async def test_a_long_message_is_told_of_by_its_beginning(self) -> None:
        long = b"x" * PREVIEW_BYTES
        await self.write(a_send(1, content=long), a_send(2, content=long + b"y"))
        found = (await self.find()).messages
        self.assertEqual([(long, False), (long, True)], [(each.content, each.is_cut) for each in found])

    async def test_a_look_goes_on_where_the_last_one_ended(self) -> None:
        await self.write(a_send(1), a_send(2), a_send(3, "bob"))
        await self.write(a_send(4))
        found: list[tuple[str, int]] = []
        turns = 0
        while True:
            away = await self.find(most=1)
            found += [(each.user, each.seq) for each in away.messages]
            if not away.batches and not away.until.batch:
                break
            self.assertTrue(await self.pass_on(away))
            turns += 1
        self.assertEqual([("bob", 1), ("bob", 2), ("alice", 3), ("bob", 4)], found)
        self.assertEqual(4 + 1, turns)

    async def test_in_a_group_its_members_are_told_of_and_in_a_muted_one_only_those_mentioned(self) -> None:
        group = group_conversation("alice", client_id(1))
        members = ("bob", "carol", "dave", "eve")
        users = tuple(CreateUser(user) for user in ("alice", "frank", *members))
        await self.write(*users, CreateGroup(group, "alice", client_id(1), "alice", members=members))
        await self.write(
            SetContact("bob", group, muted=True),
            SetContact("carol", group, muted=True),
            ChangeGroup(group, "eve", client_id(2), Leave()),
        )
        await self.write(
            a_send(3, conversation=group), a_send(4, conversation=group)._replace(mentions=("bob",))
        )
        await self.write(ChangeGroup(group, "alice", client_id(5), Invite(("frank",))))
        found = (await self.find()).messages
        self.assertEqual(
            [("dave", "text 3"), ("bob", "text 4"), ("dave", "text 4")],
            [(each.user, each.content.decode()) for each in found],
        )
        self.assertEqual([(False, False), (True, True), (False, False)], [each[9:11] for each in found])
        paged: list[OfflineMessage] = []
        away = await self.find(most=2)
        while away.batches or away.until.batch:
            paged += away.messages
            await self.pass_on(away)
            away = await self.find(most=2)
        self.assertEqual([*found], paged)

    async def test_what_was_recalled_is_not_told_nor_counted(self) -> None:
        await self.write(a_send(1), a_send(2))
        await self.write(ChangeMessage(DIRECT, "alice", client_id(3), 1, Recall()))
        (told,) = (await self.find()).messages
        self.assertEqual((2, 1), (told.seq, told.badge))

    async def test_what_nobody_wants_to_know_is_not_noted(self) -> None:
        self.away_consumers = frozenset({WEBHOOKS})
        self.store = self.open_store(Limits(), True)
        await self.write(a_send(1))
        self.assertEqual([], await self.whom())
        self.assertEqual(1, len((await self.find(WEBHOOKS)).messages))
