"""What every store does for lists that are shown, and for what the app itself says."""

from im.core.changing import ChangeMessage, MessageChanged, Recall
from im.core.commands import GetUserState, SetDisabled, UserState
from im.core.contacts import ContactPage, ListContacts, ListRelated, RelatedPage
from im.core.entries import TEXT
from im.core.errors import Code
from im.core.grouping import ChangeGroup, CreateGroup, Dissolve, Invite, Leave
from im.core.groups import group_conversation
from im.core.ids import direct_conversation
from im.core.messages import SendAsApp, Sent
from im.core.relations import AnswerFriend, AskFriend, Block, SetContact
from im.testing.contracts.store_base import DIRECT, StoreContract, a_send, client_id

KEY = client_id(1)
GROUP = group_conversation("alice", KEY)


class ListCase(StoreContract):
    """How these tests ask."""

    async def contacts(self, user: str, after: str = "", limit: int = 10) -> ContactPage:
        """A page of contacts."""
        page = await self.read(ListContacts(user, after, limit))
        assert isinstance(page, ContactPage), page
        return page

    async def names(self, user: str) -> list[str]:
        """The conversations of the first page."""
        return [head.conversation for head in (await self.contacts(user)).heads]

    async def related(self, user: str, is_blocking: bool = False, after: str = "") -> RelatedPage:
        """A page of friends, or of those who are blocked."""
        page = await self.read(ListRelated(user, is_blocking, after, 2))
        assert isinstance(page, RelatedPage), page
        return page


class ListContract(ListCase):
    """Contacts and friends in pages. Mix in."""

    async def say(self, *peers: str) -> None:
        """Have each of them write to alice, one after the other."""
        for peer in peers:
            self.time_ms += 1_000
            await self.send(a_send(self.time_ms, peer, direct_conversation("alice", peer)))

    async def test_contacts_stand_in_the_order_in_which_something_happened(self) -> None:
        """Pinned ones first, page by page."""
        await self.say("bob", "carol", "dave")
        expected = [direct_conversation("alice", peer) for peer in ("bob", "dave", "carol")]
        await self.write(SetContact("alice", DIRECT, pinned=True))
        self.assertEqual(expected, await self.names("alice"))
        found, after = [], ""
        for _ in expected:
            page = await self.contacts("alice", after, 1)
            found += [head.conversation for head in page.heads]
            self.assertEqual(3, page.unread)
            after = page.next
        self.assertEqual((expected, ""), (found, after))

    async def test_muted_contacts_are_not_in_the_sum(self) -> None:
        """Yet they show their own."""
        await self.say("bob", "carol", "carol")
        await self.write(SetContact("alice", direct_conversation("alice", "carol"), muted=True))
        page = await self.contacts("alice")
        self.assertEqual(([2, 1], 1), ([head.unread for head in page.heads], page.unread))

    async def test_hidden_contacts_come_back_with_the_next_entry(self) -> None:
        """And one where nothing was said, as of somebody who blocks, is none."""
        await self.say("bob")
        await self.write(SetContact("alice", DIRECT, hidden=True), Block("erin", "alice", True))
        self.assertEqual([], await self.names("alice"))
        await self.say("bob")
        self.assertEqual([DIRECT], await self.names("alice"))

    async def test_a_group_that_one_left_stands_last_and_shows_nothing_new(self) -> None:
        """However much is said there."""
        await self.write(CreateGroup(GROUP, "alice", KEY, "alice", members=("bob",)))
        await self.send(a_send(2, "alice", GROUP))
        await self.write(ChangeGroup(GROUP, "bob", client_id(3), Leave()))
        await self.say("bob")
        await self.send(a_send(4, "alice", GROUP))
        page = await self.contacts("bob")
        self.assertEqual([DIRECT, GROUP], [head.conversation for head in page.heads])
        last = page.heads[1].last
        assert last is not None
        self.assertEqual((False, 3, 1), (page.heads[1].active, last.seq, page.unread))

    async def test_a_list_goes_on_only_where_a_page_ended(self) -> None:
        """Other texts are refused."""
        self.assert_refused(await self.read(ListContacts("alice", "x", 1)), Code.INVALID_ARGUMENT, "after")
        self.assert_refused(
            await self.read(ListRelated("alice", False, "\0", 1)), Code.INVALID_ARGUMENT, "after"
        )
        self.assert_refused(await self.read(ListRelated("", False, "", 1)), Code.INVALID_ARGUMENT, "user")

    async def test_friends_and_those_who_are_blocked_are_listed(self) -> None:
        """With the names that the user gave them."""
        for peer in ("bob", "carol", "dave"):
            await self.write(AskFriend("alice", peer, ""), AnswerFriend(peer, "alice", True))
        await self.write(Block("alice", "erin", True), SetContact("alice", DIRECT, remark="Bobby"))
        page = await self.related("alice")
        self.assertEqual([("bob", "Bobby"), ("carol", "")], [tuple(each) for each in page.related])
        rest = await self.related("alice", after=page.next)
        self.assertEqual(([("dave", "")], ""), ([tuple(each) for each in rest.related], rest.next))
        self.assertEqual(["erin"], [each.user for each in (await self.related("alice", True)).related])
        self.assertEqual(((), ""), await self.related("erin", True))

    async def test_whether_a_user_may_do_anything_is_told(self) -> None:
        """Nobody is shut out before they come."""
        self.assertEqual(UserState("alice", False), await self.read(GetUserState("alice")))
        await self.write(SetDisabled("alice", True))
        self.assert_refused(await self.read(GetUserState("alice")), Code.DISABLED, "user")
        self.assert_refused(await self.read(GetUserState("")), Code.INVALID_ARGUMENT, "user")


class AppContract(StoreContract):
    """What the app itself says. Mix in."""

    async def say(self, conversation: str, number: int = 1, content: bytes = b"hello") -> Sent:
        """A text of the app's that must be stored."""
        (sent,) = await self.write(SendAsApp(conversation, client_id(number), TEXT, content))
        assert isinstance(sent, Sent), sent
        return sent

    async def test_the_app_writes_to_any_conversation_and_its_message_is_unread_to_all(self) -> None:
        """Also to one that begins with it, and to an inbox."""
        self.assertEqual(1, (await self.say(DIRECT)).seq)
        self.assertEqual(1, (await self.say("i~carol")).seq)
        self.assertEqual([1, 1, 1], [(await self.head(user)).unread for user in ("alice", "bob", "carol")])
        self.assertEqual("", (await self.pull("alice")).entries[0].sender)

    async def test_the_same_again_is_stored_once(self) -> None:
        """Another message under its id is a conflict."""
        first = await self.say(DIRECT)
        again = await self.say(DIRECT)
        self.assertEqual((first.seq, first.time_ms, True), (again.seq, again.time_ms, again.duplicate))
        (other,) = await self.write(SendAsApp(DIRECT, client_id(1), TEXT, b"other"))
        self.assert_refused(other, Code.CONFLICT, "client_msg_id")

    async def test_the_app_mentions_whom_it_wants_in_a_group_that_is_not_over(self) -> None:
        """Without being a member."""
        await self.write(CreateGroup(GROUP, "alice", KEY, "alice", members=("bob",)))
        await self.write(SendAsApp(GROUP, client_id(2), TEXT, b"all", ("",)))
        group = (await self.head("bob")).group
        assert group is not None
        self.assertEqual(1, group.mentions)
        await self.write(ChangeGroup(GROUP, "alice", client_id(3), Dissolve()))
        (refused,) = await self.write(SendAsApp(GROUP, client_id(4), TEXT, b"late"))
        self.assert_refused(refused, Code.PERMISSION_DENIED, "conversation")

    async def test_what_the_app_can_not_say_is_refused(self) -> None:
        """Bad ids, kinds and contents, and conversations that no users name."""
        for send, field in (
            (SendAsApp("g~none", client_id(1), TEXT, b"x"), "conversation"),
            (SendAsApp("d~bob", client_id(1), TEXT, b"x"), "conversation"),
            (SendAsApp(DIRECT, b"short", TEXT, b"x"), "client_msg_id"),
            (SendAsApp(DIRECT, client_id(1), 100, b"x"), "kind"),
            (SendAsApp(DIRECT, client_id(1), TEXT, b""), "content"),
        ):
            (refused,) = await self.write(send)
            code = Code.NOT_FOUND if send.conversation == "g~none" else Code.INVALID_ARGUMENT
            self.assert_refused(refused, code, field)

    async def test_the_app_takes_any_message_back_that_it_has_not_in_mind(self) -> None:
        """After a restart, too, when no conversation is remembered."""
        await self.send(a_send(1))
        self.store = self.reopen_store(self.store, False)
        (recalled,) = await self.write(ChangeMessage(DIRECT, "", client_id(2), 1, Recall()))
        assert isinstance(recalled, MessageChanged), recalled
        self.assertTrue(recalled.is_new)

    async def test_the_app_invites(self) -> None:
        """Whatever the settings say."""
        await self.write(CreateGroup(GROUP, "alice", KEY, "alice"))
        await self.write(ChangeGroup(GROUP, "", client_id(2), Invite(("bob",))))
        self.assertEqual(GROUP, (await self.head("bob")).conversation)
