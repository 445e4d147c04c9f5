"""What every store answers: what changed, and the entries page by page."""

from im.core.errors import Code
from im.core.limits import Limits
from im.core.messages import MoveDelivered, MoveRead, Pull, Sync
from im.testing.contracts.store_base import DIRECT, StoreContract, a_send


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
