"""What every store does with sends and cursors."""

from im.core.commands import CreateUser, Login
from im.core.errors import Code, Refused
from im.core.limits import Limits
from im.core.messages import CursorMoved, MoveDelivered, MoveRead, Sent
from im.testing.contracts.store_base import DIRECT, StoreContract, a_send, client_id


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
            (a_send(1, content=b"nul\0"), Code.INVALID_ARGUMENT, "content"),
            (a_send(1, content=b"\xff"), Code.INVALID_ARGUMENT, "content"),
            (a_send(1)._replace(after=bytes(15)), Code.INVALID_ARGUMENT, "after"),
            (a_send(1)._replace(seen_seq=2**63), Code.INVALID_ARGUMENT, "seen_seq"),
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
        await self.send(a_send(2, "bob", seen_seq=2**63 - 1))
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
