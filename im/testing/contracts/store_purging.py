"""What every store leaves of messages that are older than they are kept."""

from im.core import entries
from im.core.changing import ChangeMessage, DeleteEntries, Edit, MessageChanged, React, Recall
from im.core.entries import EDIT, PLACEHOLDER, REACTION, TEXT
from im.core.errors import Code
from im.core.explaining import ExplainUnread, UnreadExplained, UnreadVerified, VerifyUnread
from im.core.messages import MoveRead, Pull, PullPage, Send, SendAsApp, Sent
from im.core.personal import EraseMessages, EraseUser
from im.core.purging import FindOld, MessagesPurged, OldFound, PurgeMessages
from im.core.pushing import Push, StorePush
from im.core.seeing import TracedEntry, TraceEntry
from im.testing.contracts.groups_base import GROUP, GroupCase, creation
from im.testing.contracts.store_base import DIRECT, a_send, client_id

LATER_MS = 100_000


class PurgingContract(GroupCase):
    """Old content goes, numbers stay."""

    async def purge(self, conversation: str = DIRECT, most: int = 100) -> int:
        """Remove all that is old by now; how many messages that were."""
        count = 0
        while True:
            (purged,) = await self.write(PurgeMessages(conversation, self.time_ms, most))
            assert isinstance(purged, MessagesPurged), purged
            count += purged.messages
            if not purged.is_more:
                return count

    async def old(self, after: str = "", most: int = 100) -> OldFound:
        """A page of conversations with old content."""
        found = await self.read(FindOld(self.time_ms, after, most))
        assert isinstance(found, OldFound), found
        return found

    async def log(self, user: str = "bob", conversation: str = DIRECT) -> list[tuple[int, bytes]]:
        """Kind and content of all that a user may read."""
        page = await self.read(Pull(conversation, user, 1, False, 0))
        assert isinstance(page, PullPage), page
        return [(each.kind, each.content) for each in page.entries]

    async def unread(self, user: str, conversation: str = DIRECT) -> int:
        """A user's number, which must be what a recount has."""
        page = await self.read(VerifyUnread())
        assert isinstance(page, UnreadVerified)
        self.assertEqual((), page.differences)
        heads = {head.conversation: head for head in (await self.sync(user)).heads}
        return heads[conversation].unread

    async def test_every_seq_is_answered_and_the_content_is_gone(self) -> None:
        await self.write(a_send(1), a_send(2), a_send(3))
        self.time_ms += LATER_MS
        await self.send(a_send(4))
        self.assertEqual(3, await self.purge())
        gone = (PLACEHOLDER, b"")
        self.assertEqual([gone, gone, gone, (TEXT, b"text 4")], await self.log())
        page = await self.pull("bob", 3, backward=True, limit=2)
        self.assertEqual([2, 3], [each.seq for each in page.entries])
        self.assertEqual([("alice", 2), ("alice", 3)], [(each.sender, each.n) for each in page.entries])

    async def test_a_sync_shows_a_placeholder_where_everything_is_old(self) -> None:
        await self.send(a_send(1))
        self.time_ms += LATER_MS
        cursor = (await self.sync("bob")).cursor
        await self.purge()
        head = await self.head("bob")
        assert head.last is not None
        self.assertEqual((1, PLACEHOLDER, b""), (head.head_seq, head.last.kind, head.last.content))
        self.assertEqual([], (await self.sync("bob", cursor)).heads, "nobody is told to look")

    async def test_a_purge_goes_in_small_parts_and_is_done_once(self) -> None:
        await self.write(*map(a_send, range(1, 11)))
        self.time_ms += LATER_MS
        (first,) = await self.write(PurgeMessages(DIRECT, self.time_ms, 4))
        self.assertEqual(MessagesPurged(DIRECT, 4, True), first)
        self.assertEqual([PLACEHOLDER] * 4 + [TEXT] * 6, [kind for kind, _ in await self.log()])
        self.assertEqual(6, await self.purge(most=4))
        self.assertEqual(0, await self.purge(most=4))

    async def test_what_is_not_old_stays(self) -> None:
        await self.write(a_send(1), a_send(2))
        (purged,) = await self.write(PurgeMessages(DIRECT, self.time_ms, 100))
        self.assertEqual(MessagesPurged(DIRECT, 0, False), purged)
        self.assertEqual([(TEXT, b"text 1"), (TEXT, b"text 2")], await self.log())
        (nothing,) = await self.write(PurgeMessages(GROUP, self.time_ms, 100))
        self.assertEqual(MessagesPurged(GROUP, 0, False), nothing)

    async def test_conversations_with_old_content_are_found_page_by_page(self) -> None:
        await self.write(a_send(1), a_send(1, conversation="d~alice~carol"))
        self.time_ms += LATER_MS
        await self.write(a_send(1, conversation="d~alice~dave"), a_send(2))
        self.assertEqual(OldFound((DIRECT, "d~alice~carol"), ""), await self.old())
        self.assertEqual(OldFound((DIRECT,), DIRECT), await self.old(most=1))
        self.assertEqual(OldFound(("d~alice~carol",), "d~alice~dave"), await self.old(DIRECT, 2))
        await self.purge()
        self.assertEqual(("d~alice~carol",), (await self.old()).conversations)
        await self.purge("d~alice~carol")
        self.assertEqual((), (await self.old()).conversations)

    async def test_what_nobody_read_counts_until_it_is_read(self) -> None:
        await self.write(a_send(1), a_send(2), a_send(3, "bob"), a_send(4))
        self.time_ms += LATER_MS
        await self.send(a_send(5))
        await self.purge()
        self.assertEqual((4, 1), (await self.unread("bob"), await self.unread("alice")))
        await self.write(MoveRead(DIRECT, "bob", 2))
        self.assertEqual(2, await self.unread("bob"))
        await self.write(MoveRead(DIRECT, "bob", 5))
        self.assertEqual(0, await self.unread("bob"))

    async def test_recalled_deleted_and_erased_ones_still_do_not_count(self) -> None:
        await self.write(*map(a_send, range(1, 7)))
        await self.write(
            ChangeMessage(DIRECT, "alice", client_id(60), 2, Recall()), DeleteEntries(DIRECT, "bob", (3,))
        )
        self.time_ms += LATER_MS
        await self.purge()
        self.assertEqual(4, await self.unread("bob"))
        await self.write(DeleteEntries(DIRECT, "bob", (4,)))
        self.assertEqual(3, await self.unread("bob"))
        await self.write(EraseUser("alice"), EraseMessages(DIRECT, "alice"))
        self.assertEqual(3, await self.unread("bob"))
        recalled = (entries.RECALLED, b"")
        self.assertEqual(recalled, (await self.log())[1])

    async def test_a_repeated_send_is_known_and_another_is_a_conflict(self) -> None:
        first = await self.send(a_send(1))
        self.time_ms += LATER_MS
        await self.purge()
        again = await self.send(a_send(1))
        self.assertEqual((first.seq, True), (again.seq, again.duplicate))
        image = Send(DIRECT, "alice", "phone", client_id(1), b"", 0, entries.CUSTOM, b"x")
        (other,) = await self.write(image)
        self.assert_refused(other, Code.CONFLICT, "client_msg_id")
        following = await self.send(a_send(2, after=1))
        self.assertEqual(2, following.seq)

    async def test_edits_reactions_and_mentions_of_an_old_message_go_along(self) -> None:
        await self.write(creation("bob", "carol"), self.post(1, "alice", ("bob",)))
        self.time_ms += LATER_MS
        before_ms = self.time_ms
        await self.write(
            ChangeMessage(GROUP, "alice", client_id(60), 2, Edit(b"changed")),
            ChangeMessage(GROUP, "carol", client_id(61), 2, React("+1")),
            self.post(2, "alice", ("bob",)),
            ChangeMessage(GROUP, "carol", client_id(62), 5, React("-1")),
        )
        self.assertEqual(2, self.mentions(await self.sync("bob")))
        for most in (1, 1, 1, 1, 1, 100):
            await self.write(PurgeMessages(GROUP, before_ms, most))
        self.assertEqual(1, self.mentions(await self.sync("bob")))
        page = await self.read(Pull(GROUP, "bob", 1, False, 0))
        assert isinstance(page, PullPage)
        self.assertEqual([(5, 1)], [(fold.seq, len(fold.reactions)) for fold in page.folds])
        kinds = [entries.GROUP_CREATED, PLACEHOLDER, PLACEHOLDER, PLACEHOLDER, TEXT, REACTION]
        self.assertEqual(kinds, [each.kind for each in page.entries])
        self.assertNotIn(b"changed", b"".join(each.content for each in page.entries))
        self.assertTrue(page.entries[0].content, "the group's own history stays")
        self.assertEqual(2, await self.unread("bob", GROUP))

    def mentions(self, page: object) -> int:
        """Of the one group of a sync."""
        (facts,) = [head.group for head in page.heads if head.group is not None]  # type: ignore[attr-defined]
        count: int = facts.mentions
        return count

    async def test_a_repeated_edit_is_known_when_what_it_said_is_gone(self) -> None:
        await self.send(a_send(1))
        edit = ChangeMessage(DIRECT, "alice", client_id(60), 1, Edit(b"changed"))
        await self.write(edit)
        self.time_ms += LATER_MS
        await self.purge()
        (again,) = await self.write(edit)
        assert isinstance(again, MessageChanged), again
        assert again.entry is not None
        told = (again.entry.seq, again.entry.kind, again.entry.content, again.is_new)
        self.assertEqual((2, PLACEHOLDER, b"", False), told)
        self.assertNotEqual(EDIT, again.entry.kind)

    async def test_nothing_can_be_done_to_what_is_gone(self) -> None:
        await self.send(a_send(1))
        self.time_ms += LATER_MS
        await self.purge()
        changes: tuple[Recall | Edit | React, ...] = (Edit(b"x"), React("+1"), Recall())
        for number, change in enumerate(changes):
            (refused,) = await self.write(ChangeMessage(DIRECT, "", client_id(60 + number), 1, change))
            self.assert_refused(refused, Code.NOT_FOUND, "target")

    async def test_an_inbox_keeps_pushes_for_their_own_time(self) -> None:
        push = Push(client_id(70), b"sale", self.time_ms + 10 * LATER_MS)
        await self.write(a_send(1), StorePush(push, ("bob",)))
        await self.write(SendAsApp("i~bob", client_id(71), TEXT, b"welcome"))
        self.time_ms += LATER_MS
        self.assertEqual(1, await self.purge("i~bob"))
        self.assertEqual([(entries.PUSH, b"sale"), (PLACEHOLDER, b"")], await self.log("bob", "i~bob"))

    async def test_operators_are_told_of_a_placeholder(self) -> None:
        await self.send(a_send(1))
        self.time_ms += LATER_MS
        await self.purge()
        traced = await self.read(TraceEntry(DIRECT, 1))
        explained = await self.read(ExplainUnread(DIRECT, "bob"))
        assert isinstance(traced, TracedEntry)
        assert isinstance(explained, UnreadExplained)
        self.assertEqual((PLACEHOLDER, "alice"), (traced.kind, traced.sender))
        self.assertEqual([PLACEHOLDER], [each.kind for each in explained.messages])
        self.assertEqual((1, 1), (explained.unread, explained.recounted))

    async def test_a_message_sent_in_the_same_batch_is_seen(self) -> None:
        await self.send(a_send(1))
        self.time_ms += LATER_MS
        sent, purged = await self.write(a_send(2), PurgeMessages(DIRECT, self.time_ms, 100))
        assert isinstance(sent, Sent)
        self.assertEqual(MessagesPurged(DIRECT, 1, False), purged)
        self.assertEqual([(PLACEHOLDER, b""), (TEXT, b"text 2")], await self.log())
