"""What every store does for pushes and back ends."""

from im.core.backends import (
    REMEMBERED_MS,
    ApiKey,
    ApiKeys,
    CreateKey,
    FindKey,
    KeepAnswer,
    ListKeys,
    Remember,
    Remembered,
    RevokeKey,
)
from im.core.commands import CreateUser, Login
from im.core.entries import PUSH
from im.core.errors import Code, Refused
from im.core.limits import Limits
from im.core.messages import MoveDelivered, MoveRead, Pull, PullPage
from im.core.pushing import (
    KEPT_MS,
    MAX_TTL_MS,
    ExpirePushes,
    FindUsers,
    GetPush,
    InboxEntry,
    Push,
    PushDevice,
    PushesExpired,
    PushRecord,
    PushStored,
    StorePush,
    UsersFound,
)
from im.testing.contracts.store_base import StoreContract, a_send, client_id

_TTL_MS = 60_000


class PushContract(StoreContract):
    """Pushes in inboxes, each once, and only the newest of a key."""

    async def know(self, *users: str) -> None:
        """Make users known."""
        await self.write(*(CreateUser(user) for user in users))

    def a_push(self, number: int, key: str = "", classes: str = "") -> Push:
        """The push that a number stands for; its content names it."""
        expires_ms = self.time_ms + _TTL_MS
        return Push(client_id(number), f"push {number}".encode(), expires_ms, key, classes)

    async def push(self, push: Push, *users: str) -> PushStored:
        """Execute one that must be stored."""
        (result,) = await self.write(StorePush(push, users))
        assert isinstance(result, PushStored), result
        return result

    async def inbox(self, user: str) -> list[tuple[int, bytes]]:
        """Kind and content of every entry of a user's inbox."""
        page = await self.read(Pull(f"i~{user}", user, 0, False, 0))
        assert isinstance(page, PullPage), page
        return [(entry.kind, entry.content) for entry in page.entries]

    async def record(self, number: int, after: str = "", limit: int = 10) -> PushRecord:
        """What became of a push."""
        record = await self.read(GetPush(client_id(number), after, limit))
        assert isinstance(record, PushRecord), record
        return record

    async def test_a_push_begins_inboxes_and_tells_the_unknown(self) -> None:
        await self.know("alice", "bob")
        stored = await self.push(self.a_push(1), "alice", "nobody", "a~b", "bob")
        self.assertEqual((InboxEntry("alice", 1, True), InboxEntry("bob", 1, True)), stored.entries)
        self.assertEqual(("nobody", "a~b"), stored.unknown)
        self.assertEqual([(PUSH, b"push 1")], await self.inbox("bob"))
        head = await self.head("bob")
        self.assertEqual(("i~bob", 1, 0), (head.conversation, head.head_seq, head.unread))

    async def test_a_push_is_stored_once(self) -> None:
        await self.know("alice", "bob")
        await self.push(self.a_push(1), "alice")
        again = await self.push(self.a_push(1), "alice", "bob")
        self.assertEqual((InboxEntry("alice", 1, False), InboxEntry("bob", 1, True)), again.entries)
        self.store = self.reopen_store(self.store, False)
        twice = await self.write(*[StorePush(self.a_push(1), ("bob", "alice"))] * 2)
        for result in twice:
            assert isinstance(result, PushStored)
            self.assertEqual([(1, False)] * 2, [(entry.seq, entry.is_new) for entry in result.entries])
        self.assertEqual([(PUSH, b"push 1")], await self.inbox("alice"))

    async def test_of_a_collapse_key_only_the_newest_is_shown(self) -> None:
        await self.know("alice")
        await self.push(self.a_push(1, "order"), "alice")
        await self.push(self.a_push(2), "alice")
        await self.write(*(StorePush(self.a_push(number, "order"), ("alice",)) for number in (3, 4)))
        shown = [(0, b""), (PUSH, b"push 2"), (0, b""), (PUSH, b"push 4")]
        self.assertEqual(shown, await self.inbox("alice"))

    async def test_a_repetition_does_not_take_the_newest_ones_place(self) -> None:
        await self.know("alice")
        for number in (1, 2, 1):
            await self.push(self.a_push(number, "order"), "alice")
        self.assertEqual([(0, b""), (PUSH, b"push 2")], await self.inbox("alice"))

    async def test_the_read_cursor_moves_over_placeholders(self) -> None:
        await self.know("alice")
        for number in (1, 2, 3):
            await self.push(self.a_push(number, "order"), "alice")
        await self.write(MoveRead("i~alice", "alice", 2))
        head = await self.head("alice")
        self.assertEqual((2, 0), (head.read_seq, head.unread))

    async def test_what_is_over_is_shown_no_more_step_by_step(self) -> None:
        await self.know("alice", "bob", "carol")
        await self.push(self.a_push(1, "order"), "alice", "bob", "carol")
        self.time_ms += _TTL_MS - 1
        self.assertEqual([PushesExpired(0)], await self.write(ExpirePushes(2)))
        self.time_ms += 1
        self.assertEqual([PushesExpired(2)], await self.write(ExpirePushes(2)))
        self.assertEqual([PushesExpired(2)], await self.write(ExpirePushes(2)))
        self.assertEqual([PushesExpired(0)], await self.write(ExpirePushes(2)))
        for user in ("alice", "bob", "carol"):
            self.assertEqual([(0, b"")], await self.inbox(user))
        self.assertEqual(3, len((await self.record(1)).users))
        self.time_ms += KEPT_MS
        await self.write(ExpirePushes(2))
        self.assert_refused(await self.read(GetPush(client_id(1), "", 10)), Code.NOT_FOUND, "id")

    async def test_bad_pushes_are_refused(self) -> None:
        await self.know("alice")
        past = self.a_push(1)._replace(expires_ms=self.time_ms)
        distant = self.a_push(1)._replace(expires_ms=self.time_ms + MAX_TTL_MS + 1)
        large = self.a_push(1)._replace(content=bytes(Limits().content_bytes + 1))
        for push, code, field in (
            (past, Code.INVALID_ARGUMENT, "ttl_seconds"),
            (distant, Code.INVALID_ARGUMENT, "ttl_seconds"),
            (large, Code.TOO_LARGE, "body"),
            (self.a_push(1, "k" * 65), Code.INVALID_ARGUMENT, "collapse_key"),
        ):
            (result,) = await self.write(StorePush(push, ("alice",)))
            self.assert_refused(result, code, field)
        self.assertEqual(0, len((await self.sync("alice")).heads))

    async def test_a_record_says_when_each_device_acknowledged(self) -> None:
        for device, kind in (("laptop", "desktop"), ("phone", "phone")):
            await self.write(Login("alice", device, kind, 1))
        await self.push(self.a_push(1), "alice")
        await self.push(self.a_push(2, classes="phone"), "alice")
        self.time_ms += 5
        await self.write(MoveDelivered("i~alice", "alice", 2, "phone"))
        self.time_ms += 5
        await self.write(MoveDelivered("i~alice", "alice", 1, "laptop"))
        at = self.time_ms
        (user,) = (await self.record(1)).users
        expected = (PushDevice("laptop", "desktop", at), PushDevice("phone", "phone", at - 5))
        self.assertEqual(expected, user.devices)
        (user,) = (await self.record(2)).users
        self.assertEqual((PushDevice("phone", "phone", at - 5),), user.devices)

    async def test_a_record_comes_in_pages(self) -> None:
        await self.know("a", "b", "c")
        await self.push(self.a_push(1), "c", "a", "b")
        first = await self.record(1, limit=2)
        self.assertEqual((["a", "b"], "b"), ([each.user for each in first.users], first.next))
        rest = await self.record(1, first.next, 2)
        self.assertEqual((["c"], ""), ([each.user for each in rest.users], rest.next))

    async def test_only_the_app_puts_things_into_an_inbox(self) -> None:
        await self.know("alice")
        await self.push(self.a_push(1), "alice")
        (result,) = await self.write(a_send(5, "alice", "i~alice"))
        self.assert_refused(result, Code.BLOCKED, "conversation")

    async def test_users_are_found(self) -> None:
        await self.know("alice")
        self.assertEqual(UsersFound(frozenset({"alice"})), await self.read(FindUsers(("alice", "bob"))))


class BackendContract(StoreContract):
    """Keys, and requests that are done once."""

    async def test_a_key_is_found_by_its_digest_until_it_is_revoked(self) -> None:
        key = ApiKey("k1", "shop", ("push", "users:read"), self.time_ms)
        self.assertEqual([key], await self.write(CreateKey("k1", b"d" * 32, "shop", key.scopes)))
        self.assertEqual(key, await self.read(FindKey(b"d" * 32)))
        self.assert_refused(await self.read(FindKey(b"e" * 32)), Code.NOT_FOUND, "id")
        self.time_ms += 7
        revoked = key._replace(revoked_ms=self.time_ms)
        self.assertEqual([revoked], await self.write(RevokeKey("k1")))
        self.time_ms += 7
        self.assertEqual([revoked], await self.write(RevokeKey("k1")))
        self.store = self.reopen_store(self.store, False)
        self.assertEqual(revoked, await self.read(FindKey(b"d" * 32)))
        self.assertEqual(ApiKeys((revoked,)), await self.read(ListKeys()))
        (unknown,) = await self.write(RevokeKey("k2"))
        self.assert_refused(unknown, Code.NOT_FOUND, "id")

    async def test_a_repeated_request_gets_its_first_token_then_its_first_answer(self) -> None:
        begin = Remember("k1", "order 7", b"digest", client_id(1))
        self.assertEqual([Remembered(client_id(1), 0, b"")], await self.write(begin))
        again = begin._replace(token=client_id(2))
        self.assertEqual([Remembered(client_id(1), 0, b"")], await self.write(again))
        answered = Remembered(client_id(1), 200, b"{}")
        self.assertEqual([answered], await self.write(KeepAnswer("k1", "order 7", 200, b"{}")))
        self.assertEqual([answered], await self.write(KeepAnswer("k1", "order 7", 200, b"other")))
        self.assertEqual([answered], await self.write(again))

    async def test_another_request_under_the_same_key_is_a_conflict_but_not_of_another_owner(self) -> None:
        begin = Remember("k1", "order 7", b"digest", client_id(1))
        other = begin._replace(digest=b"other", token=client_id(2))
        _, conflict, apart = await self.write(begin, other, other._replace(owner="k2"))
        self.assert_refused(conflict, Code.CONFLICT, "Idempotency-Key")
        self.assertEqual(Remembered(client_id(2), 0, b""), apart)

    async def test_a_request_is_forgotten_after_a_day(self) -> None:
        begin = Remember("k1", "order 7", b"digest", client_id(1))
        await self.write(begin)
        self.time_ms += REMEMBERED_MS
        later = begin._replace(digest=b"other", token=client_id(2))
        self.assertEqual([Remembered(client_id(2), 0, b"")], await self.write(later))
        (unknown,) = await self.write(KeepAnswer("k1", "order 8", 200, b""))
        self.assertIsInstance(unknown, Refused)
