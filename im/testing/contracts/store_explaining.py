"""What every store says of an unread number, and of all of them beside a recount."""

from im.core import entries
from im.core.changing import ChangeMessage, ClearHistory, DeleteEntries, Recall
from im.core.errors import Code
from im.core.explaining import (
    MOST_SHOWN,
    CountedMessage,
    ExplainUnread,
    Mark,
    UnreadDifference,
    UnreadExplained,
    UnreadVerified,
    VerifyUnread,
)
from im.core.grouping import Invite, Leave, SetGroup
from im.core.messages import MoveRead
from im.core.relations import SetContact
from im.testing.contracts.groups_base import GROUP, GroupCase, creation
from im.testing.contracts.store_base import DIRECT, a_send, client_id


class ExplainingContract(GroupCase):
    """The terms of a number, and every number counted a second time."""

    async def explained(self, user: str, conversation: str = DIRECT) -> UnreadExplained:
        """The terms, which give the number."""
        told = await self.read(ExplainUnread(conversation, user))
        assert isinstance(told, UnreadExplained), told
        gone = told.own_after + told.recalled + told.deleted
        self.assertEqual(told.unread, told.head.n - told.seen.n - gone)
        self.assertEqual(told.seen, max(told.read, told.own_last, told.clear, told.join))
        self.assertEqual(told.unread, told.recounted)
        return told

    async def verified(self, user: str = "") -> tuple[int, list[UnreadDifference]]:
        """How many places there are, and what differs, by all pages."""
        places, differences, after = 0, list[UnreadDifference](), ("", "")
        while True:
            page = await self.read(VerifyUnread(user, *after))
            assert isinstance(page, UnreadVerified), page
            places += page.places
            differences += page.differences
            after = (page.next_conversation, page.next_user)
            if after == ("", ""):
                return places, differences

    async def busy(self) -> None:
        """A direct conversation and a group in which everything happens that moves a number."""
        await self.write(*(a_send(number) for number in range(1, 7)), a_send(7, "bob", seen_seq=2))
        await self.write(ChangeMessage(DIRECT, "alice", client_id(50), 4, Recall()))
        await self.write(DeleteEntries(DIRECT, "bob", (4, 5)))
        await self.write(creation("bob", "carol"), self.post(11), self.post(12, "bob"), self.post(13))
        await self.done("alice", SetGroup(name="x"))
        await self.write(ChangeMessage(GROUP, "bob", client_id(51), 3, Recall()))
        await self.write(MoveRead(GROUP, "bob", 2), ClearHistory(GROUP, "carol", 2))
        await self.done("carol", Leave())
        await self.write(self.post(14))
        await self.done("alice", Invite(("dave",)))
        await self.write(self.post(15), self.post(16, "dave"))

    async def test_a_number_is_explained_by_its_terms_and_its_messages(self) -> None:
        await self.busy()
        told = await self.explained("bob")
        self.assertEqual((2, Mark(8, 7), Mark(2, 2)), (told.unread, told.head, told.seen))
        self.assertEqual((1, 1, 1), (told.own_after, told.recalled, told.deleted))
        self.assertEqual(
            tuple(CountedMessage(seq, entries.TEXT, "alice", self.time_ms) for seq in (3, 6)), told.messages
        )
        self.assertEqual((Mark(2, 2), Mark(0, 0)), (told.read, told.clear))

    async def test_an_explanation_tells_how_the_number_is_shown(self) -> None:
        await self.send(a_send(1))
        told = await self.explained("bob")
        self.assertEqual((False, False), (told.marked, told.muted))
        await self.write(SetContact("bob", DIRECT, marked=True, muted=True))
        told = await self.explained("bob")
        self.assertEqual((True, True, 1), (told.marked, told.muted, told.unread))

    async def test_only_the_first_messages_are_named(self) -> None:
        await self.write(*(a_send(number) for number in range(1, MOST_SHOWN + 6)))
        told = await self.explained("bob")
        self.assertEqual(MOST_SHOWN + 5, told.unread)
        self.assertEqual([*range(1, MOST_SHOWN + 1)], [each.seq for each in told.messages])

    async def test_there_is_nothing_to_explain_where_one_is_not(self) -> None:
        await self.send(a_send(1))
        cases = (
            (DIRECT, "eve", Code.NOT_FOUND, "conversation"),
            (GROUP, "alice", Code.NOT_FOUND, "conversation"),
            ("x", "alice", Code.INVALID_ARGUMENT, "conversation"),
            (DIRECT, "", Code.INVALID_ARGUMENT, "user"),
        )
        for conversation, user, code, field in cases:
            self.assert_refused(await self.read(ExplainUnread(conversation, user)), code, field)

    async def test_every_number_is_the_number_of_messages(self) -> None:
        self.assertEqual((0, []), await self.verified())
        await self.busy()
        for user in ("alice", "bob", "carol", "dave"):
            await self.explained(user, GROUP)
        self.assertEqual((6, []), await self.verified())
        self.assertEqual((2, []), await self.verified("bob"))
        self.assertEqual((0, []), await self.verified("nobody"))

    async def test_a_number_that_is_wrong_is_found(self) -> None:
        await self.busy()
        self.spoil("UPDATE member SET read_n = read_n - 1 WHERE conversation_id = 'd~alice~bob'")
        wrong = [UnreadDifference(DIRECT, "bob", 3, 2)]
        self.assertEqual((6, wrong), await self.verified())
        self.assertEqual((2, wrong), await self.verified("bob"))

    async def test_a_page_after_no_place_is_refused(self) -> None:
        cases = (("", "\n", "", "after"), ("", "", "\n", "after"), ("a b", "", "", "user"))
        for *asked, field in cases:
            self.assert_refused(await self.read(VerifyUnread(*asked)), Code.INVALID_ARGUMENT, field)

    def spoil(self, statement: str) -> None:
        """Change what is stored behind the store's back."""
        raise NotImplementedError
