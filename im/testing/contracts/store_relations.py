"""What every store does for friends, blocks and contact lists."""

from im.core.commands import Query, Write
from im.core.entries import RELATION, TEXT
from im.core.errors import Code, Refused
from im.core.messages import CursorMoved, MoveRead, Pull, PullPage
from im.core.relations import (
    ACCEPTED,
    DECLINED,
    EXPIRED,
    FRIEND,
    KEPT_MS,
    MOST_PENDING,
    OPEN,
    PENDING,
    STRANGER,
    WITHDRAWN,
    AnswerFriend,
    AskFriend,
    Block,
    Contact,
    ContactChanged,
    EndFriendship,
    ExpireRequests,
    GetRelation,
    ListRequests,
    OpenDirect,
    RelationChanged,
    RequestPage,
    RequestsExpired,
    RequestsSeen,
    SeeRequests,
    SetContact,
    WithdrawRequest,
)
from im.testing.contracts.store_base import DIRECT, StoreContract, a_send

FAR_MS = 2**62
ASK = AskFriend("alice", "bob", "it's me")
ACCEPT = AnswerFriend("bob", "alice", True, "你好")


class RelationCase(StoreContract):
    """How these tests ask."""

    async def changed(self, write: Write) -> RelationChanged:
        """Execute a write that must be done."""
        (result,) = await self.write(write)
        assert isinstance(result, RelationChanged), result
        return result

    async def refused(self, write: Write) -> Code:
        """Execute a write that must be refused."""
        (result,) = await self.write(write)
        assert isinstance(result, Refused), result
        return result.code

    async def relation(self, user: str, peer: str) -> str:
        """What `peer` is to `user`."""
        result = await self.read(GetRelation(user, peer))
        assert isinstance(result, RelationChanged), result
        return result.relation

    async def requests(self, user: str, sent: bool = False, limit: int = 10) -> RequestPage:
        """The first page of a user's requests."""
        result = await self.read(ListRequests(user, sent, FAR_MS, "", limit))
        assert isinstance(result, RequestPage), result
        return result

    async def contact(self, user: str, conversation: str = DIRECT) -> Contact:
        """What a sync says that a user keeps of a conversation."""
        (head,) = [each for each in (await self.sync(user)).heads if each.conversation == conversation]
        return head.contact

    async def conversations(self, *users: str) -> list[list[str]]:
        """The conversations that a sync tells each of some users of."""
        return [[head.conversation for head in (await self.sync(user)).heads] for user in users]

    async def kinds(self, query: Query) -> list[tuple[int, str, bytes]]:
        """Kind, sender and content of the entries of a pull."""
        page = await self.read(query)
        assert isinstance(page, PullPage), page
        return [(each.kind, each.sender, each.content) for each in page.entries]


class FriendContract(RelationCase):
    """From the request to the end of a friendship. Mix in."""

    async def test_accepting_makes_both_friends_and_says_hello(self) -> None:
        """The conversation, both contacts and the greeting are there at once."""
        await self.changed(ASK)
        changed = await self.changed(ACCEPT)
        self.assertEqual((changed.relation, changed.moved), (FRIEND, True))
        self.assertEqual(
            [await self.relation("alice", "bob"), await self.relation("bob", "alice")], [FRIEND] * 2
        )
        self.assertEqual(
            await self.kinds(Pull(DIRECT, "alice", 1, False, 10)),
            [
                (RELATION, "alice", b"requested"),
                (RELATION, "bob", b"accepted"),
                (TEXT, "bob", "你好".encode()),
            ],
        )
        (head,) = (await self.sync("alice")).heads
        self.assertEqual((head.unread, head.contact.relation), (1, FRIEND))
        (head,) = (await self.sync("bob")).heads
        self.assertEqual((head.unread, head.contact.relation), (0, FRIEND))

    async def test_a_change_tells_the_entries_that_are_to_be_delivered(self) -> None:
        """With their seqs."""
        asked = await self.changed(ASK)
        self.assertEqual([(each.seq, each.n, each.kind) for each in asked.entries], [(1, 0, RELATION)])
        accepted = await self.changed(ACCEPT)
        self.assertEqual([(each.seq, each.n) for each in accepted.entries], [(2, 0), (3, 1)])

    async def test_the_same_again_is_the_same_answer_and_no_entry(self) -> None:
        """Whichever step is repeated."""
        for write in (ASK, ACCEPT):
            first = await self.changed(write)
            again = await self.changed(write)
            self.assertEqual(again.request, first.request)
            self.assertEqual((again.relation, again.moved, again.entries), (first.relation, False, ()))
        self.assertFalse((await self.changed(ASK)).moved)

    async def test_crossing_requests_become_one_friendship(self) -> None:
        """Nobody has to answer."""
        await self.changed(ASK)
        changed = await self.changed(AskFriend("bob", "alice", "me, too"))
        self.assertEqual(changed.relation, FRIEND)
        self.assertEqual(
            [each.state for each in (await self.requests("alice", sent=True)).requests], [ACCEPTED]
        )
        self.assertEqual((await self.requests("bob", sent=True)).requests, ())

    async def test_a_declined_or_withdrawn_request_may_be_asked_again(self) -> None:
        """There is one row a pair and direction."""
        await self.changed(ASK)
        await self.changed(AnswerFriend("bob", "alice", False))
        self.assertEqual((await self.requests("alice", sent=True)).requests[0].state, DECLINED)
        self.assertEqual(await self.refused(ACCEPT), Code.NOT_FOUND)
        await self.changed(ASK)
        await self.changed(WithdrawRequest("alice", "bob"))
        self.assertEqual((await self.requests("bob")).requests[0].state, WITHDRAWN)
        self.assertFalse((await self.changed(WithdrawRequest("alice", "bob"))).moved)
        self.assertEqual(await self.refused(ACCEPT), Code.NOT_FOUND)
        self.assertEqual(await self.relation("alice", "bob"), STRANGER)

    async def test_only_what_was_asked_can_be_answered(self) -> None:
        """Neither a stranger's nor one's own request."""
        self.assertEqual(await self.refused(ACCEPT), Code.NOT_FOUND)
        await self.changed(ASK)
        self.assertEqual(await self.refused(AnswerFriend("alice", "bob", True)), Code.NOT_FOUND)
        self.assertEqual(await self.refused(WithdrawRequest("bob", "alice")), Code.NOT_FOUND)
        self.assertEqual(await self.refused(AskFriend("alice", "alice", "")), Code.INVALID_ARGUMENT)
        self.assertEqual(await self.refused(AskFriend("alice", "bob", "x" * 201)), Code.INVALID_ARGUMENT)
        self.assertEqual(await self.refused(AskFriend("alice", "b ob", "")), Code.INVALID_ARGUMENT)

    async def test_what_can_be_neither_answered_nor_ended_leaves_nothing_in_anyone_s_list(self) -> None:
        """Else strangers could fill it."""
        self.assertEqual(await self.refused(ACCEPT), Code.NOT_FOUND)
        self.assertEqual(await self.refused(WithdrawRequest("bob", "alice")), Code.NOT_FOUND)
        for write in (EndFriendship("bob", "alice"), Block("bob", "alice", False)):
            self.assertFalse((await self.changed(write)).moved)
        self.assertEqual(await self.conversations("alice", "bob"), [[], []])

    async def test_the_end_of_a_friendship_is_one_for_both_and_keeps_the_history(self) -> None:
        """And may be asked for again."""
        await self.changed(ASK)
        await self.changed(ACCEPT)
        self.assertTrue((await self.changed(EndFriendship("alice", "bob"))).moved)
        self.assertEqual(await self.relation("bob", "alice"), STRANGER)
        self.assertEqual(len(await self.kinds(Pull(DIRECT, "bob", 1, False, 10))), 3)
        self.assertFalse((await self.changed(EndFriendship("bob", "alice"))).moved)
        self.assertTrue((await self.changed(ASK)).moved)

    async def test_received_requests_are_unseen_until_they_are_seen(self) -> None:
        """Those that are decided no longer count."""
        for number, user in enumerate(("carol", "dave", "erin")):
            self.time_ms += 1
            await self.changed(AskFriend(user, "bob", f"text {number}"))
        page = await self.requests("bob", limit=2)
        self.assertEqual([each.requester for each in page.requests], ["erin", "dave"])
        self.assertEqual((page.unseen, page.more), (3, True))
        last = page.requests[-1]
        rest = await self.read(ListRequests("bob", False, last.created_ms, last.requester, 2))
        assert isinstance(rest, RequestPage)
        self.assertEqual([each.requester for each in rest.requests], ["carol"])
        await self.changed(AnswerFriend("bob", "dave", False))
        self.assertEqual((await self.requests("bob")).unseen, 2)
        self.assertEqual(await self.write(SeeRequests("bob")), [RequestsSeen("bob", 3)])
        self.assertEqual((await self.requests("bob")).unseen, 0)
        await self.changed(AskFriend("dave", "bob", "again"))
        self.assertEqual((await self.requests("bob")).unseen, 1)

    async def test_what_is_not_answered_in_time_expires_and_is_forgotten_later(self) -> None:
        """By the upkeep."""
        await self.changed(ASK)
        self.time_ms += 1_000
        self.assertEqual(await self.write(ExpireRequests(1_000, 10)), [RequestsExpired(0)])
        self.assertEqual(await self.write(ExpireRequests(999, 10)), [RequestsExpired(1)])
        self.assertEqual((await self.requests("bob")).requests[0].state, EXPIRED)
        self.assertEqual(await self.refused(ACCEPT), Code.NOT_FOUND)
        self.time_ms += KEPT_MS + 1
        self.assertEqual(await self.write(ExpireRequests(FAR_MS, 10)), [RequestsExpired(1)])
        self.assertEqual((await self.requests("bob")).requests, ())

    async def test_what_is_decided_is_kept_from_then_on(self) -> None:
        """However long it was pending."""
        await self.changed(ASK)
        self.time_ms += KEPT_MS
        await self.changed(ACCEPT)
        self.time_ms += 1
        self.assertEqual(await self.write(ExpireRequests(FAR_MS, 10)), [RequestsExpired(0)])
        self.time_ms += KEPT_MS
        self.assertEqual(await self.write(ExpireRequests(FAR_MS, 10)), [RequestsExpired(1)])

    async def test_nobody_asks_everybody(self) -> None:
        """So many wait at most."""
        asked = await self.write(
            *(AskFriend("alice", f"user-{number}", "") for number in range(MOST_PENDING))
        )
        self.assertTrue(all(isinstance(each, RelationChanged) for each in asked))
        self.assertEqual(await self.refused(AskFriend("alice", "one-more", "")), Code.LIMIT_EXCEEDED)

    async def test_all_steps_may_be_in_one_batch(self) -> None:
        """Also where the conversation begins in it."""
        results = await self.write(ASK, ACCEPT, EndFriendship("alice", "bob"), a_send(1))
        self.assertEqual([type(each).__name__ for each in results], ["RelationChanged"] * 3 + ["Sent"])
        reopened = self.reopen_store(self.store, False)
        found = await reopened.read(GetRelation("bob", "alice"))
        assert isinstance(found, RelationChanged)
        self.assertEqual(found.relation, STRANGER)
        self.assertEqual((await self.requests("bob")).requests[0].state, ACCEPTED)


class BlockContract(RelationCase):
    """Blocks. Mix in."""

    async def test_a_blocked_user_can_neither_send_nor_ask(self) -> None:
        """The one who blocks may still write, and sees nothing of it."""
        await self.send(a_send(1))
        cursor = (await self.sync("alice")).cursor
        changed = await self.changed(Block("bob", "alice", True))
        self.assertEqual((changed.is_blocking, changed.entries), (True, ()))
        self.assertEqual((await self.sync("alice", cursor)).heads, [])
        self.assertEqual(await self.refused(a_send(2)), Code.BLOCKED)
        self.assertEqual(await self.refused(ASK), Code.BLOCKED)
        await self.send(a_send(3, "bob"))
        self.assertTrue((await self.contact("bob")).is_blocking)
        self.assertFalse((await self.contact("alice")).is_blocking)

    async def test_who_is_blocked_before_the_first_word_cannot_begin(self) -> None:
        """There need not be a conversation yet."""
        await self.changed(Block("bob", "alice", True))
        self.assertEqual(await self.refused(a_send(1)), Code.BLOCKED)
        found = await self.read(GetRelation("alice", "bob"))
        assert isinstance(found, RelationChanged)
        self.assertFalse(found.is_blocking)

    async def test_a_block_before_the_first_word_is_seen_by_nobody_else(self) -> None:
        """The conversation is there only for who keeps something of it."""
        await self.changed(Block("bob", "alice", True))
        self.assertEqual(await self.conversations("alice", "bob"), [[], [DIRECT]])
        for write in (MoveRead(DIRECT, "alice", 1), SetContact("alice", DIRECT, pinned=True)):
            self.assertEqual(await self.refused(write), Code.NOT_FOUND)
        pulled = await self.read(Pull(DIRECT, "alice", 1, False, 10))
        assert isinstance(pulled, Refused)
        self.assertEqual(pulled.code, Code.NOT_FOUND)
        cursor = (await self.sync("bob")).cursor
        await self.write(Block("bob", "alice", False), SetContact("bob", DIRECT, hidden=False))
        self.assertEqual([head.contact for head in (await self.sync("bob", cursor)).heads], [Contact()])
        await self.send(a_send(1))
        self.assertEqual(await self.conversations("alice", "bob"), [[DIRECT], [DIRECT]])

    async def test_unblocking_lets_in_again(self) -> None:
        """Also after a restart."""
        await self.changed(Block("bob", "alice", True))
        self.store = self.reopen_store(self.store, False)
        self.assertEqual(await self.refused(a_send(1)), Code.BLOCKED)
        self.assertFalse((await self.changed(Block("bob", "alice", True))).moved)
        self.assertTrue((await self.changed(Block("bob", "alice", False))).moved)
        await self.send(a_send(1))

    async def test_a_block_and_a_send_in_one_batch_are_done_in_order(self) -> None:
        """What was sent before the block is stored."""
        results = await self.write(a_send(1), Block("bob", "alice", True), a_send(2, after=1))
        self.assertEqual([type(each).__name__ for each in results], ["Sent", "RelationChanged", "Refused"])

    async def test_an_accepting_user_who_is_blocked_says_nothing(self) -> None:
        """The friendship stands without the greeting."""
        await self.changed(ASK)
        await self.changed(Block("alice", "bob", True))
        changed = await self.changed(ACCEPT)
        self.assertEqual([each.kind for each in changed.entries], [RELATION])

    async def test_somebody_may_be_let_in_who_is_no_friend(self) -> None:
        """By whoever decides about that."""
        self.assertTrue((await self.changed(OpenDirect("alice", "bob"))).moved)
        self.assertFalse((await self.changed(OpenDirect("alice", "bob"))).moved)
        self.assertEqual(await self.relation("alice", "bob"), OPEN)
        self.assertEqual(await self.relation("bob", "alice"), STRANGER)


class ContactContract(RelationCase):
    """What a user keeps of a conversation. Mix in."""

    async def test_a_user_keeps_a_remark_and_flags_that_only_they_see(self) -> None:
        """What is not named stays as it is."""
        await self.send(a_send(1))
        await self.write(SetContact("alice", DIRECT, remark="Bobby", pinned=True))
        await self.write(SetContact("alice", DIRECT, muted=True, marked=True))
        self.assertEqual(await self.contact("alice"), Contact("Bobby", pinned=True, muted=True, marked=True))
        self.assertEqual(await self.contact("bob"), Contact())
        (again,) = await self.write(SetContact("alice", DIRECT, muted=True))
        assert isinstance(again, ContactChanged)
        self.assertFalse(again.moved)

    async def test_a_hidden_conversation_comes_back_with_the_next_entry(self) -> None:
        """By itself."""
        await self.send(a_send(1))
        await self.write(SetContact("bob", DIRECT, hidden=True))
        self.assertTrue((await self.contact("bob")).hidden)
        await self.send(a_send(2, after=1))
        self.assertFalse((await self.contact("bob")).hidden)
        await self.write(SetContact("bob", DIRECT, hidden=True), SetContact("bob", DIRECT, hidden=False))
        self.assertFalse((await self.contact("bob")).hidden)

    async def test_a_mark_is_over_with_the_next_read(self) -> None:
        """Whether it moves the cursor or not, and by a send that says what was seen."""
        await self.write(a_send(1), MoveRead(DIRECT, "bob", 1), SetContact("bob", DIRECT, marked=True))
        self.assertTrue((await self.contact("bob")).marked)
        cursor = (await self.sync("bob")).cursor
        (moved,) = await self.write(MoveRead(DIRECT, "bob", 1))
        self.assertEqual(moved, CursorMoved(DIRECT, "bob", 1, 0, 0, True, was_marked=True))
        self.assertEqual([head.contact for head in (await self.sync("bob", cursor)).heads], [Contact()])
        self.store = self.reopen_store(self.store, False)
        await self.write(SetContact("bob", DIRECT, marked=True, remark="Al"), a_send(2, after=1))
        self.assertTrue((await self.contact("bob")).marked)
        self.store = self.reopen_store(self.store, False)
        sent = await self.send(a_send(3, "bob", seen_seq=2))
        self.assertEqual(sent.read, CursorMoved(DIRECT, "bob", 2, 0, 0, True, was_marked=True))
        self.assertEqual(await self.contact("bob"), Contact("Al"))
        (moved,) = await self.write(MoveRead(DIRECT, "bob", 2))
        self.assertEqual(moved, CursorMoved(DIRECT, "bob", 2, 0, 0, False))

    async def test_a_change_is_found_by_the_next_sync(self) -> None:
        """So that other devices learn of it."""
        await self.send(a_send(1))
        cursor = (await self.sync("alice")).cursor
        await self.write(SetContact("alice", DIRECT, pinned=True))
        page = await self.sync("alice", cursor)
        self.assertEqual([head.contact.pinned for head in page.heads], [True])

    async def test_nothing_is_kept_of_a_conversation_of_others(self) -> None:
        """Nor of one that isn't there."""
        await self.send(a_send(1))
        self.assertEqual(await self.refused(SetContact("carol", DIRECT, pinned=True)), Code.NOT_FOUND)
        self.assertEqual(await self.refused(SetContact("carol", "d~bob~carol", muted=True)), Code.NOT_FOUND)
        self.assertEqual(await self.refused(SetContact("alice", DIRECT, remark="x\0")), Code.INVALID_ARGUMENT)

    async def test_what_is_kept_survives_messages_and_a_restart(self) -> None:
        """No send writes over it."""
        await self.write(a_send(1), SetContact("alice", DIRECT, remark="Bobby"))
        await self.send(a_send(2, after=1))
        self.store = self.reopen_store(self.store, False)
        await self.send(a_send(3, after=2))
        self.assertEqual((await self.contact("alice")).remark, "Bobby")
        await self.write(SetContact("alice", DIRECT, pinned=True))
        self.assertEqual((await self.contact("alice")).remark, "Bobby")

    async def test_a_request_is_pending_until_it_is_answered(self) -> None:
        """On both sides."""
        await self.changed(ASK)
        self.assertEqual(
            (await self.requests("alice", sent=True)).requests, (await self.requests("bob")).requests
        )
        self.assertEqual((await self.requests("bob")).requests[0].state, PENDING)
