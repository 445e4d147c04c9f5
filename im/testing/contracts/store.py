"""What every store does. Each class is one concern; `StoreContract` holds what they share."""

from twisted.trial.unittest import TestCase

from im.core.commands import (
    CreateUser,
    CursorMoved,
    GetProfile,
    Head,
    LoggedIn,
    Login,
    MoveDelivered,
    MoveRead,
    ProfileRecord,
    Pull,
    PullPage,
    Query,
    Result,
    Send,
    Sent,
    SetProfile,
    Sync,
    SyncCursor,
    SyncPage,
    Write,
)
from im.core.errors import Code, Refused
from im.core.limits import Limits
from im.ports import IStore

DIRECT = "d~alice~bob"


def client_id(number: int) -> bytes:
    """The client message id that a number stands for; 0: none."""
    return number.to_bytes(16, "big") if number else b""


def a_send(
    number: int,
    sender: str = "alice",
    conversation: str = DIRECT,
    after: int = 0,
    seen_seq: int = 0,
    content: bytes = b"",
) -> Send:
    """A text under the client id of `number`; its content names it unless given."""
    text = content or f"text {number}".encode()
    return Send(conversation, sender, "phone", client_id(number), client_id(after), seen_seq, 1, text)


class StoreContract(TestCase):
    """Mix in with the two methods below."""

    def open_store(self, limits: Limits, users_open: bool) -> IStore:
        """A fresh, empty store that takes its time from `self.now_ms` and ends with the test."""
        raise NotImplementedError

    def reopen_store(self, store: IStore, new_epoch: bool) -> IStore:
        """Another store on the same tables, as after a crash; with `new_epoch` as after a restore."""
        raise NotImplementedError

    def setUp(self) -> None:
        """Open a store with the default limits, where any valid id is a user."""
        self.time_ms = 1_000_000
        self.store = self.open_store(Limits(), True)

    def now_ms(self) -> int:
        """The store's clock."""
        return self.time_ms

    async def write(self, *batch: Write) -> list[Result]:
        """Execute a batch."""
        return await self.store.write(batch)

    async def send(self, send: Send) -> Sent:
        """Execute one send that must be stored."""
        (result,) = await self.write(send)
        assert isinstance(result, Sent), result
        return result

    async def read(self, query: Query) -> Result:
        """Answer a query."""
        return await self.store.read(query)

    async def sync(self, user: str, cursor: SyncCursor | None = None, after: str = "") -> SyncPage:
        """One page of a sync."""
        page = await self.read(Sync(user, cursor, after))
        assert isinstance(page, SyncPage), page
        return page

    async def head(self, user: str) -> Head:
        """The one conversation of a user."""
        (head,) = (await self.sync(user)).heads
        return head

    async def pull(self, user: str, from_seq: int = 0, backward: bool = False, limit: int = 0) -> PullPage:
        """One page of the direct conversation."""
        page = await self.read(Pull(DIRECT, user, from_seq, backward, limit))
        assert isinstance(page, PullPage), page
        return page

    def assert_refused(self, result: Result, code: Code, field: str) -> None:
        """Check that a result is a refusal, why, and of which field."""
        assert isinstance(result, Refused), result
        self.assertEqual((code, field), (result.code, result.field))


class SendingContract(StoreContract):
    """Sends: identity, order, sequence."""

    async def test_a_message_is_stored_with_the_next_seq(self) -> None:
        first, second = await self.write(a_send(1), a_send(2, "bob"))
        third = await self.send(a_send(3))
        self.assertEqual(
            [(1, 1, False), (2, 2, False), (3, 3, False)],
            [(s.seq, s.n, s.duplicate) for s in (first, second, third) if isinstance(s, Sent)],
        )
        page = await self.pull("bob")
        self.assertEqual([1, 2, 3], [entry.seq for entry in page.entries])
        self.assertEqual(["alice", "bob", "alice"], [entry.sender for entry in page.entries])
        self.assertEqual((client_id(1), b"text 1", 1), page.entries[0][4:5] + page.entries[0][6:] + (1,))

    async def test_a_message_has_the_time_of_its_storing(self) -> None:
        self.time_ms = 77_000
        self.assertEqual(77_000, (await self.send(a_send(1))).time_ms)
        self.assertEqual(77_000, (await self.pull("bob")).entries[0].time_ms)

    async def test_a_retry_gets_the_first_answer(self) -> None:
        first = await self.send(a_send(1))
        await self.send(a_send(2))
        self.time_ms += 5_000
        again = await self.send(a_send(1))
        self.assertEqual(first._replace(duplicate=True), again)
        self.assertEqual(2, (await self.head("bob")).head_seq)

    async def test_a_retry_gets_the_first_answer_after_a_crash(self) -> None:
        first = await self.send(a_send(1))
        self.store = self.reopen_store(self.store, False)
        self.assertEqual(first._replace(duplicate=True), await self.send(a_send(1)))
        self.assertEqual(2, (await self.send(a_send(2))).seq)

    async def test_a_retry_in_the_same_batch_is_the_same_message(self) -> None:
        first, again = await self.write(a_send(1), a_send(1))
        assert isinstance(first, Sent)
        self.assertEqual(first._replace(duplicate=True), again)

    async def test_a_retry_between_new_messages_leaves_no_hole(self) -> None:
        await self.send(a_send(1))
        results = await self.write(
            a_send(2), a_send(1), a_send(3, "bob"), a_send(4, conversation="d~alice~eve")
        )
        self.assertEqual([2, 1, 3, 1], [result.seq for result in results if isinstance(result, Sent)])
        self.assertEqual([1, 2, 3], [entry.seq for entry in (await self.pull("bob")).entries])

    async def test_the_same_id_with_other_content_is_a_conflict(self) -> None:
        await self.send(a_send(1))
        (stored,) = await self.write(a_send(1, content=b"other"))
        self.assert_refused(stored, Code.CONFLICT, "client_msg_id")
        _, fresh = await self.write(a_send(2), a_send(2)._replace(kind=2))
        self.assert_refused(fresh, Code.CONFLICT, "client_msg_id")

    async def test_the_same_id_of_another_sender_or_place_is_another_message(self) -> None:
        results = await self.write(a_send(1), a_send(1, "bob"), a_send(1, conversation="d~alice~eve"))
        self.assertEqual([1, 2, 1], [result.seq for result in results if isinstance(result, Sent)])

    async def test_a_message_waits_for_the_one_before_it(self) -> None:
        (early,) = await self.write(a_send(2, after=1))
        self.assert_refused(early, Code.OUT_OF_ORDER, "after")
        await self.send(a_send(1))
        (early,) = await self.write(a_send(3, after=2))
        self.assert_refused(early, Code.OUT_OF_ORDER, "after")
        self.assertEqual(2, (await self.send(a_send(2, after=1))).seq)
        self.assertEqual(3, (await self.send(a_send(3, after=1))).seq)

    async def test_the_one_before_may_stand_earlier_in_the_batch(self) -> None:
        results = await self.write(a_send(1), a_send(3, "alice"), a_send(2, after=1))
        self.assertEqual([1, 2, 3], [result.seq for result in results if isinstance(result, Sent)])

    async def test_the_one_before_must_be_of_the_same_sender_and_place(self) -> None:
        await self.write(a_send(1, "bob"), a_send(2), a_send(3, conversation="d~alice~eve"))
        others, elsewhere = await self.write(a_send(4, after=1), a_send(5, after=3))
        self.assert_refused(others, Code.OUT_OF_ORDER, "after")
        self.assert_refused(elsewhere, Code.OUT_OF_ORDER, "after")

    async def test_a_stored_message_is_answered_though_it_names_another_before_it(self) -> None:
        await self.send(a_send(1))
        self.assertTrue((await self.send(a_send(1, after=9))).duplicate)

    async def test_a_refused_message_does_not_disturb_its_neighbours(self) -> None:
        first, bad, last = await self.write(a_send(1), a_send(2, after=9), a_send(3))
        self.assert_refused(bad, Code.OUT_OF_ORDER, "after")
        assert isinstance(first, Sent)
        assert isinstance(last, Sent)
        self.assertEqual((1, 2), (first.seq, last.seq))

    async def test_what_can_not_be_stored_is_refused_by_its_field(self) -> None:
        long = b"x" * (Limits().content_bytes + 1)
        bad = [
            (a_send(1, content=long), Code.INVALID_ARGUMENT, "content"),
            (a_send(1)._replace(content=b""), Code.INVALID_ARGUMENT, "content"),
            (a_send(1)._replace(client_msg_id=b"short"), Code.INVALID_ARGUMENT, "client_msg_id"),
            (a_send(1)._replace(kind=0), Code.INVALID_ARGUMENT, "kind"),
            (a_send(1)._replace(kind=100), Code.INVALID_ARGUMENT, "kind"),
            (a_send(1, conversation="d~alice~alice"), Code.INVALID_ARGUMENT, "conversation"),
            (a_send(1, conversation="d~bob~alice"), Code.INVALID_ARGUMENT, "conversation"),
            (a_send(1, conversation="d~alice~a b"), Code.INVALID_ARGUMENT, "conversation"),
            (a_send(1, conversation="d~alice~\ud800"), Code.INVALID_ARGUMENT, "conversation"),
            (a_send(1, conversation="g~\ud800"), Code.INVALID_ARGUMENT, "conversation"),
            (a_send(1, conversation="alice"), Code.INVALID_ARGUMENT, "conversation"),
            (a_send(1, conversation="d~bob~eve"), Code.NOT_FOUND, "conversation"),
            (a_send(1, conversation="g~nowhere"), Code.NOT_FOUND, "conversation"),
            (a_send(1, conversation="i~alice"), Code.NOT_FOUND, "conversation"),
        ]
        results = await self.write(*(send for send, _, _ in bad))
        for result, (_, code, field) in zip(results, bad, strict=True):
            self.assert_refused(result, code, field)
        self.assertEqual([], (await self.sync("alice")).heads)

    async def test_others_can_not_send_to_a_direct_conversation(self) -> None:
        await self.send(a_send(1))
        (result,) = await self.write(a_send(2, "eve"))
        self.assert_refused(result, Code.NOT_FOUND, "conversation")

    async def test_known_users_only_where_that_is_asked(self) -> None:
        self.store = self.open_store(Limits(), False)
        (result,) = await self.write(a_send(1))
        self.assert_refused(result, Code.NOT_FOUND, "conversation")
        await self.write(CreateUser("alice"), Login("bob", "phone", "phone", 1))
        self.assertEqual(1, (await self.send(a_send(1))).seq)

    async def test_only_so_many_users_a_minute_are_made_by_mention(self) -> None:
        self.store = self.open_store(Limits(new_users_per_minute=3), True)
        await self.send(a_send(1))
        refused, known = await self.write(a_send(2, conversation="d~ann~zoe", sender="ann"), a_send(3))
        self.assert_refused(refused, Code.RATE_LIMITED, "conversation")
        assert isinstance(refused, Refused)
        self.assertTrue(0 < refused.retry_after_ms <= 60_000)
        self.assertIsInstance(known, Sent)
        self.time_ms += refused.retry_after_ms
        await self.send(a_send(2, conversation="d~ann~zoe", sender="ann"))


class CursorContract(StoreContract):
    """Read and delivered cursors, and the unread number that follows from them."""

    async def unread(self, user: str) -> int:
        """What a sync says is unread."""
        return (await self.head(user)).unread

    async def test_unread_is_what_others_sent(self) -> None:
        await self.write(a_send(1), a_send(2), a_send(3, "bob"))
        self.assertEqual(2, await self.unread("bob"))
        self.assertEqual(1, await self.unread("alice"))

    async def test_one_s_own_message_reads_nothing(self) -> None:
        await self.write(a_send(1), a_send(2), a_send(3, "bob", seen_seq=1))
        self.assertEqual(1, await self.unread("bob"))

    async def test_a_send_reads_what_its_sender_has_seen(self) -> None:
        await self.write(a_send(1), a_send(2))
        sent = await self.send(a_send(3, "bob", seen_seq=2))
        self.assertEqual(CursorMoved(DIRECT, "bob", 2, 0, 0, True), sent.read)
        self.assertEqual(2, (await self.head("alice")).peer_read_seq)

    async def test_a_send_that_moves_no_cursor_says_nothing_of_it(self) -> None:
        await self.send(a_send(1))
        self.assertIsNone((await self.send(a_send(2, "bob"))).read)

    async def test_what_was_seen_is_at_most_the_head(self) -> None:
        await self.send(a_send(1))
        await self.send(a_send(2, "bob", seen_seq=2**64 - 1))
        await self.send(a_send(3))
        head = await self.head("bob")
        self.assertEqual((1, 1), (head.read_seq, head.unread))

    async def test_reading_moves_forward_only(self) -> None:
        await self.write(*(a_send(number) for number in range(1, 6)))
        moved, back, same = await self.write(
            MoveRead(DIRECT, "bob", 3), MoveRead(DIRECT, "bob", 2), MoveRead(DIRECT, "bob", 3)
        )
        self.assertEqual(CursorMoved(DIRECT, "bob", 3, 0, 2, True), moved)
        self.assertEqual(CursorMoved(DIRECT, "bob", 3, 0, 2, False), back)
        self.assertEqual(back, same)

    async def test_reading_beyond_the_head_reads_to_the_head(self) -> None:
        await self.write(a_send(1), a_send(2))
        (moved,) = await self.write(MoveRead(DIRECT, "bob", 2**64 - 1))
        self.assertEqual(CursorMoved(DIRECT, "bob", 2, 0, 0, True), moved)
        await self.send(a_send(3))
        self.assertEqual(1, await self.unread("bob"))

    async def test_one_s_own_messages_between_are_not_unread(self) -> None:
        await self.write(a_send(1), a_send(2, "bob"), a_send(3, "bob"), a_send(4), a_send(5, "bob"))
        self.assertEqual(2, await self.unread("bob"))
        (moved,) = await self.write(MoveRead(DIRECT, "bob", 2))
        self.assertEqual(CursorMoved(DIRECT, "bob", 2, 0, 1, True), moved)
        self.store = self.reopen_store(self.store, False)
        self.assertEqual(1, await self.unread("bob"))

    async def test_cursors_see_what_their_own_batch_stored(self) -> None:
        *_, read, seen = await self.write(
            a_send(1),
            a_send(2, "bob"),
            a_send(3),
            a_send(4, "bob"),
            a_send(5),
            MoveRead(DIRECT, "bob", 1),
            a_send(6, "bob", seen_seq=3),
        )
        self.assertEqual(CursorMoved(DIRECT, "bob", 1, 0, 2, True), read)
        assert isinstance(seen, Sent)
        self.assertEqual(CursorMoved(DIRECT, "bob", 3, 0, 1, True), seen.read)

    async def test_delivered_moves_forward_up_to_the_head(self) -> None:
        await self.write(a_send(1), a_send(2))
        first, back, beyond = await self.write(
            MoveDelivered(DIRECT, "bob", 1), MoveDelivered(DIRECT, "bob", 0), MoveDelivered(DIRECT, "bob", 9)
        )
        self.assertEqual(CursorMoved(DIRECT, "bob", 0, 1, 2, True), first)
        self.assertEqual(CursorMoved(DIRECT, "bob", 0, 1, 2, False), back)
        self.assertEqual(CursorMoved(DIRECT, "bob", 0, 2, 2, True), beyond)
        self.assertEqual(2, (await self.head("bob")).delivered_seq)
        self.assertEqual(2, (await self.head("alice")).peer_delivered_seq)

    async def test_cursors_of_strangers_are_refused(self) -> None:
        await self.send(a_send(1))
        for move in (MoveRead, MoveDelivered):
            stranger, nowhere, malformed = await self.write(
                move(DIRECT, "eve", 1), move("d~bob~eve", "eve", 1), move("d~eve", "eve", 1)
            )
            self.assert_refused(stranger, Code.NOT_FOUND, "conversation")
            self.assert_refused(nowhere, Code.NOT_FOUND, "conversation")
            self.assert_refused(malformed, Code.INVALID_ARGUMENT, "conversation")


class SyncContract(StoreContract):
    """What changed since a cursor."""

    async def test_a_first_sync_has_everything(self) -> None:
        await self.write(a_send(1), a_send(2, conversation="d~alice~eve"))
        page = await self.sync("alice")
        self.assertEqual([DIRECT, "d~alice~eve"], [head.conversation for head in page.heads])
        self.assertEqual("", page.next)
        head = (await self.sync("bob")).heads[0]
        self.assertEqual(
            (1, 1, 1, self.time_ms), (head.head_seq, head.head_n, head.unread, head.head_time_ms)
        )
        self.assertEqual((1, True, 0), (head.visible_from, head.active, head.epoch_seq))
        assert head.last is not None
        self.assertEqual(b"text 1", head.last.content)

    async def test_a_user_without_conversations_has_an_empty_sync(self) -> None:
        self.assertEqual(([], ""), (await self.sync("nobody"))[1:])

    async def test_a_cursor_leaves_out_what_did_not_change(self) -> None:
        await self.write(a_send(1), a_send(2, conversation="d~alice~eve"))
        cursor = (await self.sync("alice")).cursor
        self.assertEqual([], (await self.sync("alice", cursor)).heads)
        await self.send(a_send(3, "eve", "d~alice~eve"))
        page = await self.sync("alice", cursor)
        self.assertEqual(["d~alice~eve"], [head.conversation for head in page.heads])
        self.assertEqual([], (await self.sync("alice", page.cursor)).heads)

    async def test_a_cursor_shows_the_moves_of_cursors_to_both_sides(self) -> None:
        await self.send(a_send(1))
        for move in (MoveDelivered(DIRECT, "bob", 1), MoveRead(DIRECT, "bob", 1)):
            before = {user: (await self.sync(user)).cursor for user in ("alice", "bob")}
            await self.write(move)
            for user, cursor in before.items():
                self.assertEqual(1, len((await self.sync(user, cursor)).heads), (user, move))

    async def test_a_cursor_survives_a_crash(self) -> None:
        await self.send(a_send(1))
        cursor = (await self.sync("bob")).cursor
        self.store = self.reopen_store(self.store, False)
        self.assertEqual([], (await self.sync("bob", cursor)).heads)
        await self.send(a_send(2))
        self.assertEqual(1, len((await self.sync("bob", cursor)).heads))

    async def test_a_cursor_of_another_epoch_is_none(self) -> None:
        await self.write(a_send(1), a_send(2))
        cursor = (await self.sync("bob")).cursor
        self.store = self.reopen_store(self.store, True)
        page = await self.sync("bob", cursor)
        self.assertNotEqual(cursor.epoch, page.cursor.epoch)
        self.assertEqual([2], [head.epoch_seq for head in page.heads])
        self.assertEqual(page.cursor.epoch, (await self.send(a_send(3))).epoch)
        self.assertEqual(page.cursor.epoch, (await self.pull("bob")).epoch)
        self.assertEqual([], (await self.sync("bob", (await self.sync("bob")).cursor)).heads)

    async def test_a_page_after_no_page_is_refused(self) -> None:
        result = await self.read(Sync("alice", None, "\ud800"))
        self.assert_refused(result, Code.INVALID_ARGUMENT, "after")

    async def test_pages_hold_every_conversation_once(self) -> None:
        self.store = self.open_store(Limits(sync_heads=3), True)
        names = [f"d~alice~{letter}" for letter in "bcdefgh"]
        await self.write(*(a_send(1, conversation=name) for name in names))
        page = await self.sync("alice")
        seen, cursor = [head.conversation for head in page.heads], page.cursor
        self.assertEqual(3, len(seen))
        while page.next:
            page = await self.sync("alice", None, page.next)
            seen += [head.conversation for head in page.heads]
        self.assertEqual(names, seen)
        await self.send(a_send(2, conversation=names[0]))
        self.assertEqual(names[:1], [h.conversation for h in (await self.sync("alice", cursor)).heads])

    async def test_a_page_has_room_for_its_bytes_only(self) -> None:
        self.store = self.open_store(Limits(page_bytes=2_000), True)
        names = [f"d~alice~{letter}" for letter in "bcdefghijklmnop"]
        await self.write(*(a_send(1, conversation=name, content=b"x" * 1_200) for name in names))
        page = await self.sync("alice")
        heads = list(page.heads)
        self.assertEqual([True, False], [head.last is not None for head in heads[:2]])
        self.assertTrue(1 < len(heads) < len(names))
        while page.next:
            page = await self.sync("alice", None, page.next)
            heads += page.heads
        self.assertEqual(names, [head.conversation for head in heads])

    async def test_a_page_has_at_least_one_head(self) -> None:
        self.store = self.open_store(Limits(page_bytes=1), True)
        await self.write(a_send(1), a_send(2, conversation="d~alice~eve"))
        page = await self.sync("alice")
        self.assertEqual(([DIRECT], DIRECT), ([head.conversation for head in page.heads], page.next))


class PullContract(StoreContract):
    """Entries by pages, both ways."""

    def setUp(self) -> None:
        """Pages of at most 4 entries."""
        super().setUp()
        self.store = self.open_store(Limits(page_entries=4), True)

    async def seqs(self, from_seq: int, backward: bool = False, limit: int = 0) -> tuple[list[int], bool]:
        """What a page holds, and whether more is left."""
        page = await self.pull("bob", from_seq, backward, limit)
        return [entry.seq for entry in page.entries], page.more

    async def test_pages_go_up_and_down(self) -> None:
        await self.write(*(a_send(number) for number in range(1, 11)))
        self.assertEqual(([1, 2, 3, 4], True), await self.seqs(0))
        self.assertEqual(([5, 6, 7, 8], True), await self.seqs(5))
        self.assertEqual(([7, 8, 9, 10], False), await self.seqs(7))
        self.assertEqual(([5, 6], True), await self.seqs(5, limit=2))
        self.assertEqual(([5, 6, 7, 8], True), await self.seqs(5, limit=2**32 - 1))
        self.assertEqual(([7, 8, 9, 10], True), await self.seqs(0, True))
        self.assertEqual(([3, 4, 5, 6], True), await self.seqs(6, True))
        self.assertEqual(([1, 2], False), await self.seqs(2, True))
        self.assertEqual(([9, 10], True), await self.seqs(99, True, 2))

    async def test_beyond_the_head_is_nothing(self) -> None:
        await self.send(a_send(1))
        self.assertEqual(([], False), await self.seqs(2))
        self.assertEqual(([], False), await self.seqs(2**64 - 1))
        self.assertEqual(([1], False), await self.seqs(2**64 - 1, True))

    async def test_a_page_has_room_for_its_bytes_but_at_least_one_entry(self) -> None:
        self.store = self.open_store(Limits(page_bytes=1_000), True)
        sizes = (400, 400, 3_000, 400)
        await self.write(*(a_send(1 + at, content=b"x" * size) for at, size in enumerate(sizes)))
        self.assertEqual(([1, 2], True), await self.seqs(1))
        self.assertEqual(([3], True), await self.seqs(3))
        self.assertEqual(([4], True), await self.seqs(0, True))
        self.assertEqual(([3], True), await self.seqs(3, True))
        self.assertEqual(([1, 2], False), await self.seqs(2, True))

    async def test_a_page_tells_where_everyone_stands(self) -> None:
        await self.write(a_send(1), a_send(2, "bob", seen_seq=1), MoveDelivered(DIRECT, "alice", 2))
        await self.write(MoveRead(DIRECT, "alice", 2))
        page = await self.pull("bob")
        self.assertEqual(
            (1, 2, True, 1), (page.visible_from, page.head_seq, page.active, page.member_version)
        )
        self.assertEqual((1, 2, 2), (page.read_seq, page.peer_read_seq, page.peer_delivered_seq))

    async def test_strangers_pull_nothing(self) -> None:
        await self.send(a_send(1))
        self.assert_refused(await self.read(Pull(DIRECT, "eve", 0, False, 0)), Code.NOT_FOUND, "conversation")
        unmade = await self.read(Pull("d~bob~eve", "eve", 0, False, 0))
        self.assert_refused(unmade, Code.NOT_FOUND, "conversation")
        malformed = await self.read(Pull("d~eve~eve", "eve", 0, False, 0))
        self.assert_refused(malformed, Code.INVALID_ARGUMENT, "conversation")
        undecodable = await self.read(Pull("g~\ud800", "eve", 0, False, 0))
        self.assert_refused(undecodable, Code.INVALID_ARGUMENT, "conversation")


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
