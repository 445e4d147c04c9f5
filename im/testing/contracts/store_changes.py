"""What every store does with changes of messages: what all see, and what one deletes for oneself."""

from im.core import entries
from im.core.changing import (
    ChangeMessage,
    ClearHistory,
    DeleteEntries,
    Edit,
    GetReaders,
    MessageChange,
    MessageChanged,
    PlaceChanged,
    React,
    Readers,
    Recall,
)
from im.core.commands import Result
from im.core.contents import MOST_REACTIONS
from im.core.errors import Code, Refused
from im.core.folding import Fold, Reaction
from im.core.grouping import Join, Leave, Remove, SetGroup, SetRole
from im.core.ids import direct_conversation
from im.core.messages import MoveRead, Pull, Send, SendAsApp, Sent
from im.core.relations import Block
from im.proto.content_pb2 import Card, Rich
from im.testing.contracts.groups_base import GROUP, GroupCase, creation
from im.testing.contracts.store_base import DIRECT, a_send, client_id

MINUTE_MS = 60_000


class ChangeContract(GroupCase):
    """Recall, edit, reactions; deleting and clearing; who has read."""

    def setUp(self) -> None:
        """Keys count up."""
        super().setUp()
        self._changes = 0

    def change_of(self, user: str, target: int, change: MessageChange, where: str = DIRECT) -> ChangeMessage:
        """A change under a key of its own."""
        self._changes += 1
        return ChangeMessage(where, user, client_id(20_000 + self._changes), target, change)

    async def changed(
        self, user: str, target: int, change: MessageChange, where: str = DIRECT
    ) -> MessageChanged:
        """Make a change that is not refused."""
        (result,) = await self.write(self.change_of(user, target, change, where))
        assert isinstance(result, MessageChanged), result
        return result

    async def refused(
        self, user: str, target: int, change: MessageChange, code: Code, where: str = DIRECT
    ) -> None:
        """Check that a change is refused."""
        (result,) = await self.write(self.change_of(user, target, change, where))
        assert isinstance(result, Refused), result
        self.assertEqual(code, result.code, result)

    async def placed(self, write: DeleteEntries | ClearHistory) -> PlaceChanged:
        """Change one's own place."""
        (result,) = await self.write(write)
        assert isinstance(result, PlaceChanged), result
        return result

    async def contents(self, user: str) -> list[tuple[int, bytes]]:
        """What a user reads in the direct conversation."""
        return [(entry.kind, entry.content) for entry in (await self.pull(user)).entries]

    async def test_a_recalled_message_is_blank_and_told_of_by_an_entry(self) -> None:
        await self.write(a_send(1), a_send(2))
        told = await self.changed("alice", 1, Recall())
        assert told.entry is not None
        self.assertEqual((3, 2, entries.RECALL, True), (*told.entry[:3], told.is_new))
        kinds = [(entry.seq, entry.kind, entry.n) for entry in (await self.pull("bob")).entries]
        self.assertEqual([(1, entries.RECALLED, 1), (2, 1, 2), (3, entries.RECALL, 2)], kinds)
        self.assertEqual(b"", (await self.pull("bob")).entries[0].content)
        self.assertEqual(1, (await self.head("bob")).unread)

    async def test_recalling_what_was_read_changes_no_number(self) -> None:
        await self.write(a_send(1), a_send(2), a_send(3, "bob", seen_seq=1))
        await self.changed("alice", 1, Recall())
        self.assertEqual(1, (await self.head("bob")).unread)
        await self.changed("bob", 3, Recall())
        self.assertEqual([1, 0], [(await self.head(user)).unread for user in ("bob", "alice")])
        (moved,) = await self.write(MoveRead(DIRECT, "bob", 1))
        self.assertEqual((1, 1), (moved.read_seq, moved.unread))  # type: ignore[union-attr]

    async def test_one_s_own_is_recalled_within_a_time(self) -> None:
        await self.write(a_send(1), a_send(2))
        await self.refused("bob", 1, Recall(), Code.PERMISSION_DENIED)
        self.time_ms += 2 * MINUTE_MS
        await self.changed("alice", 1, Recall())
        self.time_ms += 1
        await self.refused("alice", 2, Recall(), Code.PERMISSION_DENIED)
        self.store = self.reopen_store(self.store, False)
        self.assertIsNotNone((await self.changed("", 2, Recall())).entry)

    async def test_the_same_change_is_made_once(self) -> None:
        await self.send(a_send(1))
        recall = self.change_of("alice", 1, Recall())
        first, again = await self.write(recall, recall)
        assert isinstance(first, MessageChanged)
        self.assertEqual(first._replace(is_new=False), again)
        other = await self.changed("alice", 1, Recall())
        self.assertEqual((None, False, 2), (other.entry, other.is_new, (await self.head("bob")).head_seq))
        (conflict,) = await self.write(recall._replace(key=client_id(1)))
        self.assert_refused(conflict, Code.CONFLICT, "key")

    async def test_a_retry_of_a_message_that_was_changed_gets_the_first_answer(self) -> None:
        first, second = await self.send(a_send(1)), await self.send(a_send(2))
        await self.changed("alice", 1, Recall())
        await self.changed("alice", 2, Edit(b"better"))
        self.assertEqual(first._replace(duplicate=True), await self.send(a_send(1)))
        self.assertEqual(second._replace(duplicate=True), await self.send(a_send(2)))

    async def test_an_edited_message_reads_as_edited_and_only_there(self) -> None:
        await self.send(a_send(1))
        await self.changed("alice", 1, Edit(b"better"))
        told = await self.changed("alice", 1, Edit(b"best"))
        assert told.entry is not None
        page = await self.pull("bob")
        self.assertEqual((1, b"best"), (page.entries[0].kind, page.entries[0].content))
        self.assertEqual((Fold(1, 3, ()),), page.folds)
        self.assertNotIn(b"better", b"".join(entry.content for entry in page.entries))
        self.assertIn(b"best", page.entries[2].content)
        self.assertIsNone((await self.changed("alice", 1, Edit(b"best"))).entry)
        self.assertEqual(1, (await self.head("bob")).unread)

    async def test_a_recall_takes_edits_and_reactions_along(self) -> None:
        await self.send(a_send(1))
        await self.changed("alice", 1, Edit(b"secret"))
        await self.changed("bob", 1, React("+1"))
        await self.changed("alice", 1, Recall())
        page = await self.pull("bob")
        self.assertNotIn(b"secret", b"".join(entry.content for entry in page.entries))
        self.assertEqual((), page.folds)
        await self.refused("bob", 1, React("+1"), Code.NOT_FOUND)
        await self.refused("alice", 1, Edit(b"back"), Code.NOT_FOUND)

    async def test_one_s_own_text_is_edited_within_a_time(self) -> None:
        await self.write(a_send(1), a_send(2)._replace(kind=entries.IMAGE))
        await self.refused("bob", 1, Edit(b"mine"), Code.PERMISSION_DENIED)
        await self.refused("alice", 2, Edit(b"other"), Code.PERMISSION_DENIED)
        for wrong in (b"", b"nul\0", b"\xff", b"x" * 40_000):
            await self.refused("alice", 1, Edit(wrong), Code.INVALID_ARGUMENT)
        self.time_ms += 1_440 * MINUTE_MS + 1
        await self.refused("alice", 1, Edit(b"late"), Code.PERMISSION_DENIED)

    async def test_only_what_is_there_is_answered(self) -> None:
        def answer(number: int, reply_to: int, conversation: str = DIRECT) -> Send:
            content = Rich(kind=1, content=b"yes", reply_to=reply_to).SerializeToString()
            return a_send(number, "alice", conversation)._replace(kind=entries.RICH, content=content)

        others = direct_conversation("alice", "carol")
        results: list[Result] = await self.write(
            a_send(1), answer(2, 2), answer(3, 1), answer(4, 1, others), answer(5, 1, GROUP)
        )
        self.assertEqual([Sent, Refused, Sent, Refused, Refused], [type(each) for each in results])
        for number, field in ((1, "reply_to"), (3, "reply_to"), (4, "conversation")):
            self.assert_refused(results[number], Code.NOT_FOUND, field)
        self.assert_refused(
            await self.read(Pull(others, "alice", 0, True, 1)), Code.NOT_FOUND, "conversation"
        )
        app = answer(6, 3)
        (refused,) = await self.write(SendAsApp(DIRECT, app.client_msg_id, app.kind, app.content))
        self.assert_refused(refused, Code.NOT_FOUND, "reply_to")

    async def test_an_edited_answer_still_says_what_it_answers(self) -> None:
        rich = Rich(kind=1, content=b"gern", reply_to=1, mentions=["bob"])
        answer = a_send(2)._replace(kind=entries.RICH, content=rich.SerializeToString())
        await self.write(a_send(1), answer)
        await self.changed("alice", 2, Edit(b"sehr gern"))
        await self.refused("alice", 2, Edit(b"\xff"), Code.INVALID_ARGUMENT)
        edited = Rich.FromString((await self.pull("bob")).entries[1].content)
        self.assertEqual((b"sehr gern", 1, ["bob"]), (edited.content, edited.reply_to, list(edited.mentions)))

    async def test_an_edit_is_of_the_kind_of_its_message(self) -> None:
        card = Card(title="t", url="im:shop").SerializeToString()
        answer = Rich(kind=entries.CARD, content=card, reply_to=1).SerializeToString()
        await self.write(
            a_send(1),
            a_send(2)._replace(kind=entries.CARD, content=card),
            a_send(3)._replace(kind=entries.RICH, content=answer),
        )
        for seq in (2, 3):
            await self.refused("alice", seq, Edit(b"text", entries.TEXT), Code.INVALID_ARGUMENT)
            await self.refused("alice", seq, Edit(b"no card"), Code.INVALID_ARGUMENT)
            await self.changed("alice", seq, Edit(card + b"\x1a\x01x", entries.CARD))
        await self.refused("alice", 1, Edit(card, entries.CARD), Code.INVALID_ARGUMENT)

    async def test_reactions_are_set_and_taken_back(self) -> None:
        await self.send(a_send(1))
        await self.changed("alice", 1, React("👍"))
        await self.changed("bob", 1, React("👍"))
        await self.changed("bob", 1, React("🎉"))
        self.assertIsNone((await self.changed("bob", 1, React("🎉"))).entry)
        folds = (await self.pull("alice")).folds
        self.assertEqual((Fold(1, 0, (Reaction("🎉", 1, False), Reaction("👍", 2, True))),), folds)
        await self.changed("bob", 1, React("🎉", False))
        self.assertIsNone((await self.changed("bob", 1, React("🎉", False))).entry)
        self.assertEqual((Fold(1, 0, (Reaction("👍", 2, True),)),), (await self.pull("bob")).folds)
        await self.refused("bob", 1, React("a b"), Code.INVALID_ARGUMENT)
        self.assertEqual(1, (await self.head("bob")).unread)

    async def test_a_message_has_only_so_many_different_reactions(self) -> None:
        await self.send(a_send(1))
        many = [self.change_of("bob", 1, React(f"r{number}")) for number in range(MOST_REACTIONS + 1)]
        *set_ones, last = await self.write(*many)
        self.assertTrue(all(isinstance(each, MessageChanged) for each in set_ones))
        self.assert_refused(last, Code.LIMIT_EXCEEDED, "reaction")
        self.assertIsNotNone((await self.changed("alice", 1, React("r0"))).entry)

    async def test_what_is_no_message_is_not_changed(self) -> None:
        await self.write(a_send(1), creation("bob"))
        for target in (0, 2, 99):
            await self.refused("alice", target, Recall(), Code.NOT_FOUND)
        await self.refused("alice", 1, Recall(), Code.NOT_FOUND, GROUP)
        await self.refused("eve", 1, React("+1"), Code.NOT_FOUND)
        await self.refused("eve", 1, Recall(), Code.NOT_FOUND, GROUP)
        await self.refused("alice", 1, Recall(), Code.NOT_FOUND, "g~nowhere")
        await self.refused("alice", 2**63, Recall(), Code.INVALID_ARGUMENT)

    async def test_who_is_blocked_recalls_and_does_no_more(self) -> None:
        await self.write(a_send(1), Block("bob", "alice", True))
        await self.refused("alice", 1, Edit(b"look here"), Code.BLOCKED)
        await self.refused("alice", 1, React("+1"), Code.BLOCKED)
        await self.changed("alice", 1, Recall())

    async def test_admins_recall_anything_in_their_group(self) -> None:
        await self.write(creation("bob", "carol"), self.post(1, "bob"), self.post(2, "carol"))
        self.time_ms += 60 * MINUTE_MS
        await self.refused("carol", 2, Recall(), Code.PERMISSION_DENIED, GROUP)
        told = await self.changed("alice", 2, Recall(), GROUP)
        self.assertEqual(1, told.member_version)
        self.assertEqual([1, 0, 1], [(await self.group_head(u)).unread for u in ("alice", "carol", "bob")])
        await self.done("alice", SetRole("carol", "admin"))
        await self.changed("carol", 3, Recall(), GROUP)
        self.assertEqual(0, (await self.group_head("alice")).unread)

    async def test_who_is_out_changes_nothing_and_who_is_muted_only_reacts(self) -> None:
        await self.write(creation("bob", "carol"), self.post(1, "bob"), self.post(2, "carol"))
        await self.done("alice", SetGroup(is_muted=True))
        await self.refused("bob", 2, Edit(b"louder"), Code.PERMISSION_DENIED, GROUP)
        await self.changed("bob", 3, React("+1"), GROUP)
        await self.done("carol", Leave())
        await self.refused("carol", 3, Recall(), Code.PERMISSION_DENIED, GROUP)

    async def test_what_was_before_one_came_is_not_changed(self) -> None:
        await self.write(creation("bob"), self.post(1, "bob"))
        await self.done("alice", Remove(("bob",)))
        await self.write(self.change("alice", SetGroup(joining="open")))
        await self.done("bob", Join())
        await self.refused("bob", 2, Recall(), Code.NOT_FOUND, GROUP)

    async def test_a_deleted_entry_is_blank_for_one_alone(self) -> None:
        await self.write(a_send(1), a_send(2), a_send(3, "bob"))
        placed = await self.placed(DeleteEntries(DIRECT, "bob", (2, 3, 99)))
        self.assertEqual((True, 1, 1), (placed.moved, placed.visible_from, placed.unread))
        self.assertEqual([(1, b"text 1"), (0, b""), (0, b"")], await self.contents("bob"))
        self.assertEqual([1, 1, 1], [kind for kind, _ in await self.contents("alice")])
        self.assertEqual((1, 0), ((await self.head("bob")).unread, (await self.head("bob")).last.kind))  # type: ignore[union-attr]
        again = await self.placed(DeleteEntries(DIRECT, "bob", (2, 3)))
        self.assertEqual((False, 1), (again.moved, again.unread))
        await self.changed("alice", 2, Recall())
        self.assertEqual(1, (await self.head("bob")).unread)

    async def test_deleting_is_told_to_other_devices_by_a_sync(self) -> None:
        await self.send(a_send(1))
        cursor = (await self.sync("bob")).cursor
        await self.placed(DeleteEntries(DIRECT, "bob", (1,)))
        self.assertEqual([DIRECT], [head.conversation for head in (await self.sync("bob", cursor)).heads])

    async def test_a_cleared_history_begins_anew(self) -> None:
        await self.write(a_send(1), a_send(2, "bob"), a_send(3))
        await self.placed(DeleteEntries(DIRECT, "bob", (1,)))
        cleared = await self.placed(ClearHistory(DIRECT, "bob", 2))
        self.assertEqual((True, 3, 1), (cleared.moved, cleared.visible_from, cleared.unread))
        self.assertFalse((await self.placed(ClearHistory(DIRECT, "bob", 1))).moved)
        self.assertEqual([(1, b"text 3")], await self.contents("bob"))
        self.assertEqual(3, len(await self.contents("alice")))
        everything = await self.placed(ClearHistory(DIRECT, "bob", 2**62))
        self.assertEqual((4, 0), (everything.visible_from, everything.unread))
        self.store = self.reopen_store(self.store, False)
        self.assertEqual((4, None), ((await self.head("bob")).visible_from, (await self.head("bob")).last))
        await self.send(a_send(4))
        self.assertEqual(([(1, b"text 4")], 1), (await self.contents("bob"), (await self.head("bob")).unread))

    async def test_strangers_delete_and_clear_nothing(self) -> None:
        await self.send(a_send(1))
        results: list[Result] = await self.write(
            DeleteEntries(DIRECT, "eve", (1,)),
            ClearHistory(DIRECT, "eve", 1),
            DeleteEntries("g~no", "eve", (1,)),
        )
        for result in results:
            self.assert_refused(result, Code.NOT_FOUND, "conversation")
        (empty,) = await self.write(DeleteEntries(DIRECT, "bob", ()))
        self.assert_refused(empty, Code.INVALID_ARGUMENT, "seqs")

    async def test_readers_of_a_message_are_named(self) -> None:
        await self.write(creation("bob", "carol", "dave"), self.post(1))
        await self.write(MoveRead(GROUP, "bob", 2), self.post(2, "carol")._replace(seen_seq=2))
        self.assertEqual(
            Readers(GROUP, 2, 2, 3, ("bob", "carol")), await self.read(GetReaders(GROUP, "alice", 2))
        )
        self.assertEqual(Readers(GROUP, 3, 0, 3, ()), await self.read(GetReaders(GROUP, "alice", 3)))
        await self.done("alice", Remove(("dave",)))
        out = ("dave", 2, Code.PERMISSION_DENIED)
        for user, seq, code in (("zoe", 2, Code.NOT_FOUND), ("alice", 9, Code.NOT_FOUND), out):
            refused = await self.read(GetReaders(GROUP, user, seq))
            assert isinstance(refused, Refused)
            self.assertEqual(code, refused.code)

    async def test_a_change_between_new_messages_leaves_no_hole(self) -> None:
        results = await self.write(
            a_send(1),
            self.change_of("bob", 1, React("+1")),
            a_send(1),
            self.change_of("alice", 1, Recall()),
            a_send(2),
        )
        seqs = [each.seq for each in results if isinstance(each, Sent)]
        seqs += [each.entry.seq for each in results if isinstance(each, MessageChanged) and each.entry]
        self.assertEqual([1, 1, 2, 3, 4], sorted(seqs))
        self.assertEqual([1, 2, 3, 4], [entry.seq for entry in (await self.pull("bob")).entries])
