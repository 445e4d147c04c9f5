"""What every store tells of a person, and what is left of one who was erased."""

import json
from typing import Any

from im.core import entries
from im.core.changing import ChangeMessage, ClearHistory, DeleteEntries, Edit, React
from im.core.commands import CreateUser, GetProfile, Login, Result, SetDisabled, SetProfile
from im.core.custom import Conclude, CustomReply
from im.core.errors import Code
from im.core.explaining import UnreadVerified, VerifyUnread
from im.core.grouping import Invite, Leave, Remove, SetRole, Transfer
from im.core.ledger import CloseSession, OpenSession
from im.core.messages import MoveRead, Pull, PullPage, Send
from im.core.personal import (
    EraseMessages,
    EraseUser,
    ExportUser,
    FindTraces,
    MessagesErased,
    Trace,
    Traces,
    UserErased,
    UserExported,
)
from im.core.pushing import Push, PushStored, StorePush
from im.core.reaching import RegisterPushToken
from im.core.relations import AskFriend, SetContact
from im.testing.contracts.groups_base import GROUP, GroupCase, creation
from im.testing.contracts.store_base import DIRECT, a_send, client_id

INBOX = "i~alice"
NOTHING = CustomReply(0, b"")
WORDS = (
    "text 1",
    "text 2",
    "text 3",
    "changed",
    "Liddell",
    "pixel",
    "hello dave",
    "Ally",
    "record of",
    "spring",
)
"""What only alice said, or was said of her alone."""


class PersonalContract(GroupCase):
    """All of a person, and what is left."""

    async def live(self) -> None:
        """Alice does a bit of everything."""
        opened = OpenSession("s1", "alice", "pixel", "phone", "n1", self.time_ms - 9_000, True, 30_000)
        await self.write(
            CreateUser("alice"),
            SetProfile("alice", "Alice Liddell", None, {"town": "Oxford Liddell"}),
            Login("alice", "pixel", "phone", 1),
            RegisterPushToken("alice", "pixel", "fcm", "token-of-the-pixel"),
            opened,
            CloseSession(opened, self.time_ms - 1_000, "logout", 31_000),
            a_send(1),
            a_send(2),
            a_send(3),
            a_send(4, "bob"),
            AskFriend("dave", "alice", "hello alice"),
            AskFriend("alice", "dora", "hello dave"),
            SetContact("bob", DIRECT, remark="Ally"),
            SetContact("alice", DIRECT, pinned=True, remark="Bobby"),
            DeleteEntries(DIRECT, "alice", (4,)),
            StorePush(Push(client_id(70), b"spring sale", self.time_ms + 60_000), ("alice",)),
        )
        changes = (("alice", b"record of alice"), ("alice~poll", b"record of a poll"), ("alicia", b"hers"))
        await self.write(
            ChangeMessage(DIRECT, "alice", client_id(60), 2, Edit(b"changed")),
            ChangeMessage(DIRECT, "bob", client_id(61), 2, React("+1")),
            ChangeMessage(DIRECT, "alice", client_id(62), 4, React("-1")),
            Conclude("vote", "alice", client_id(80), (), changes, (), NOTHING),
            creation("bob", "carol"),
            Send(GROUP, "alice", "phone", client_id(90), b"", 0, entries.TEXT, b"text 1", ("bob",)),
            self.post(91, "bob", ("alice",)),
        )

    async def export(self, user: str) -> list[dict[str, Any]]:
        """All pages."""
        records: list[dict[str, Any]] = []
        after = ""
        while True:
            page = await self.read(ExportUser(user, after))
            assert isinstance(page, UserExported), page
            records += map(json.loads, page.lines)
            after = page.next
            if not after:
                return records

    async def erase_user(self) -> int:
        """Remove what is alice's alone; how many rows that were."""
        rows = 0
        while True:
            (erased,) = await self.write(EraseUser("alice", 2))
            assert isinstance(erased, UserErased), erased
            rows += erased.rows
            if erased.rows < 2:
                return rows

    async def erase_messages(self, conversation: str) -> int:
        """Empty all that alice wrote somewhere; how many messages that were."""
        messages, following = 0, 1
        while following:
            (erased,) = await self.write(EraseMessages(conversation, "alice", following))
            assert isinstance(erased, MessagesErased), erased
            messages, following = messages + erased.messages, erased.next_seq
        return messages

    async def traces(self, after: str = "") -> Traces:
        """Where alice is."""
        traces = await self.read(FindTraces("alice", after))
        assert isinstance(traces, Traces), traces
        return traces

    async def entries_of(self, user: str, conversation: str) -> list[tuple[int, int, bytes]]:
        """Seq, kind and content of what a user may read."""
        page = await self.read(Pull(conversation, user, 1, False, 0))
        assert isinstance(page, PullPage), page
        return [(each.seq, each.kind, each.content) for each in page.entries]

    async def test_an_export_has_all_that_is_stored(self) -> None:
        await self.live()
        records = await self.export("alice")
        found: dict[str, list[dict[str, Any]]] = {}
        for each in records:
            found.setdefault(each.pop("record"), []).append(each)
        counts = {name: len(each) for name, each in found.items() if name not in ("message", "event")}
        expected = dict.fromkeys(("user", "device", "push_token", "request_sent", "request_received"), 1)
        expected |= dict.fromkeys(("deleted", "session", "handler_reply"), 1)
        self.assertEqual({**expected, "place": 5, "handler_record": 2}, counts)
        self.assertEqual({"town": "Oxford Liddell"}, found["user"][0]["fields"])
        self.assertEqual(["alice", "alice~poll"], [each["key"] for each in found["handler_record"]])
        (place,) = [each for each in found["place"] if each["conversation"] == DIRECT]
        self.assertEqual(("Bobby", 1), (place["remark"], place["pinned"]))

    async def test_an_export_has_what_one_wrote_and_may_see(self) -> None:
        await self.live()
        log = [each for each in await self.export("alice") if each["record"] == "message"]
        direct = [(each["seq"], each["name"]) for each in log if each["conversation"] == DIRECT]
        names = [(1, "text"), (2, "text"), (3, "text"), (5, "edit"), (6, "reaction"), (7, "reaction")]
        self.assertEqual(names, direct)
        texts = {each["seq"]: each.get("text") for each in log if each["conversation"] == DIRECT}
        self.assertEqual(("text 1", "changed"), (texts[1], texts[2]))
        group = [each for each in log if each["conversation"] == GROUP]
        self.assertEqual(["group created", "text", "text"], [each["name"] for each in group])
        self.assertEqual(["alice", "bob", "carol"], group[0]["body"]["users"])

    async def test_who_left_is_told_their_own_words_and_what_they_could_see(self) -> None:
        await self.live()
        await self.write(self.post(92))
        await self.done("bob", Leave())
        later = ChangeMessage(GROUP, "alice", client_id(63), 4, Edit(b"for those who stay"))
        await self.write(self.post(93), later)
        log = [each for each in await self.export("bob") if each["record"] == "message"]
        self.assertEqual([1, 2, 3, 5], [each["seq"] for each in log if each["conversation"] == GROUP])

    async def test_an_export_comes_in_pages(self) -> None:
        many = [a_send(number, content=b"x" * 20_000) for number in range(1, 30)]
        await self.write(*many, *(a_send(1, conversation=f"d~alice~b{number:03}") for number in range(250)))
        pages, after, records = 0, "", []
        while pages == 0 or after:
            page = await self.read(ExportUser("alice", after))
            assert isinstance(page, UserExported)
            self.assertLess(sum(map(len, page.lines)), 400_000)
            records += [json.loads(each) for each in page.lines]
            pages, after = pages + 1, page.next
        self.assertGreater(pages, 5)
        kept = [each for each in records if each["record"] == "message"]
        self.assertEqual(29 + 250, len({(each["conversation"], each["seq"]) for each in kept}))
        self.assertEqual(29 + 250, len(kept))

    async def test_a_wrong_question_is_refused(self) -> None:
        self.assert_refused(await self.read(ExportUser("nobody")), Code.NOT_FOUND, "user")
        self.assert_refused(await self.read(ExportUser("a b")), Code.INVALID_ARGUMENT, "user")
        self.assert_refused(await self.read(FindTraces("a b")), Code.INVALID_ARGUMENT, "user")
        await self.write(CreateUser("alice"), a_send(1))
        pages = (
            "x",
            "[]",
            "[1]",
            '[99, ""]',
            '[-1, ""]',
            "[1, 5]",
            '[8, "", -2]',
            '[1, "\\n"]',
            '[1, {"bytes": 1}]',
        )
        for after in pages:
            refused = await self.read(ExportUser("alice", after))
            self.assert_refused(refused, Code.INVALID_ARGUMENT, "after")
        first, unknown, early, strange = await self.write(
            EraseUser("nobody"),
            EraseUser("a b"),
            EraseMessages(DIRECT, "alice"),
            EraseMessages("x", "alice"),
        )
        self.assert_refused(first, Code.NOT_FOUND, "user")
        self.assert_refused(unknown, Code.INVALID_ARGUMENT, "user")
        self.assert_refused(early, Code.CONFLICT, "user")
        self.assert_refused(strange, Code.INVALID_ARGUMENT, "conversation")
        await self.write(EraseUser("alice"))
        for conversation in (GROUP, "d~alice~eve"):
            (missing,) = await self.write(EraseMessages(conversation, "alice"))
            self.assert_refused(missing, Code.NOT_FOUND, "conversation")

    async def test_traces_say_who_has_a_group_next(self) -> None:
        await self.live()
        places = (await self.traces()).traces
        self.assertEqual(Trace(GROUP, "owner", "bob"), places[3])
        self.assertEqual({("", "")}, {each[1:] for each in (*places[:3], *places[4:])})
        await self.done("alice", SetRole("carol", "admin"))
        self.assertEqual("carol", (await self.traces(DIRECT)).traces[-2].successor)
        await self.done("alice", Transfer("carol"))
        self.assertEqual(Trace(GROUP, "admin", ""), (await self.traces(DIRECT)).traces[-2])
        self.assertEqual((("vote", "alice"), ("vote", "alice~poll")), (await self.traces()).handlers)
        self.assertEqual((True, ()), ((await self.traces(INBOX)).is_last, (await self.traces(INBOX)).traces))

    async def erase(self) -> tuple[int, int]:
        """All of it: rows and messages."""
        rows = await self.erase_user()
        for trace in (await self.traces()).traces:
            if trace.role == "owner":
                await self.done("", Transfer(trace.successor))
                await self.done("", Remove(("alice",)))
        for number, (handler, key) in enumerate((await self.traces()).handlers):
            forget = Conclude(handler, "", client_id(500 + number), (), ((key, None),), (), NOTHING)
            await self.write(forget)
        messages = 0
        for trace in (await self.traces()).traces:
            messages += await self.erase_messages(trace.conversation)
        return rows, messages

    async def test_an_erased_user_s_words_are_gone_and_their_places_in_the_log_stay(self) -> None:
        await self.live()
        before = await self.entries_of("bob", DIRECT)
        await self.erase()
        after = await self.entries_of("bob", DIRECT)
        self.assertEqual([seq for seq, *_ in before], [seq for seq, *_ in after])
        recalled, text, placeholder = entries.RECALLED, entries.TEXT, entries.PLACEHOLDER
        kinds = [recalled, recalled, recalled, text, placeholder, entries.REACTION, placeholder]
        self.assertEqual(kinds, [kind for _, kind, _ in after])
        self.assertEqual({b""}, {content for _, kind, content in after if kind in (recalled, placeholder)})
        group = [kind for _, kind, _ in await self.entries_of("carol", GROUP)]
        told = [entries.OWNER_SET, entries.MEMBERS_REMOVED]
        self.assertEqual([entries.GROUP_CREATED, recalled, text, *told], group)

    async def test_nothing_of_an_erased_user_is_told_to_anybody(self) -> None:
        await self.live()
        await self.erase()
        for user in ("alice", "bob", "carol", "dave", "dora"):
            whole = json.dumps(await self.export(user))
            self.assertEqual([], [word for word in WORDS if word in whole], user)
        records = {each["record"] for each in await self.export("alice")}
        self.assertEqual({"user", "place", "message"}, records)

    async def test_nothing_is_kept_for_an_erased_user_any_more(self) -> None:
        """Also where a back end asks for it."""
        await self.live()
        await self.erase()
        results: list[Result] = await self.write(
            SetContact("alice", DIRECT, remark="Bobby"),
            DeleteEntries(DIRECT, "alice", (1,)),
            ClearHistory(DIRECT, "alice", 1),
        )
        for result in results:
            self.assert_refused(result, Code.DISABLED, "user")

    async def test_unread_stays_right_while_a_user_is_erased(self) -> None:
        await self.live()
        self.assertEqual(3, (await self.sync("bob")).heads[0].unread)
        await self.erase_user()
        for trace in (await self.traces()).traces:
            await self.erase_messages(trace.conversation)
            page = await self.read(VerifyUnread())
            assert isinstance(page, UnreadVerified)
            self.assertEqual((), page.differences)
        self.assertEqual(0, (await self.sync("bob")).heads[0].unread)
        await self.write(MoveRead(DIRECT, "bob", 2))
        self.assertEqual(0, (await self.sync("bob")).heads[0].unread)

    async def test_others_hear_of_it_at_their_next_sync(self) -> None:
        await self.live()
        cursor = (await self.sync("bob")).cursor
        await self.erase()
        changed = [head.conversation for head in (await self.sync("bob", cursor)).heads]
        self.assertEqual([DIRECT, GROUP], changed)

    async def test_nobody_is_that_user_any_more(self) -> None:
        await self.live()
        await self.erase()
        made, let_in, login, said, asked, pushed = await self.write(
            CreateUser("alice"),
            SetDisabled("alice", False),
            Login("alice", "pixel", "phone", 9),
            a_send(200, "bob"),
            AskFriend("bob", "alice", ""),
            StorePush(Push(client_id(71), b"more", self.time_ms + 60_000), ("alice",)),
        )
        self.assert_refused(made, Code.CONFLICT, "user")
        self.assert_refused(let_in, Code.CONFLICT, "user")
        self.assert_refused(login, Code.DISABLED, "user")
        self.assert_refused(said, Code.BLOCKED, "conversation")
        self.assert_refused(asked, Code.BLOCKED, "conversation")
        assert isinstance(pushed, PushStored)
        self.assertEqual(("alice",), pushed.unknown)
        self.assert_refused(await self.read(GetProfile("alice")), Code.NOT_FOUND, "user")
        (stranger,) = await self.write(a_send(1, "eve", "d~alice~eve"))
        self.assert_refused(stranger, Code.NOT_FOUND, "conversation")
        await self.denied("bob", Invite(("alice",)), code=Code.NOT_FOUND)
        self.store = self.reopen_store(self.store, False)
        (again,) = await self.write(a_send(201))
        self.assert_refused(again, Code.DISABLED, "user")

    async def test_erasing_twice_is_erasing_once(self) -> None:
        await self.live()
        self.assertEqual((6, 5), await self.erase())
        before = await self.export("bob"), await self.export("alice")
        self.time_ms += 1_000
        self.assertEqual((0, 0), await self.erase())
        self.assertEqual(before, (await self.export("bob"), await self.export("alice")))

    async def test_an_open_session_is_told_and_goes_when_it_is_closed(self) -> None:
        opened = OpenSession("s1", "alice", "pixel", "phone", "n1", self.time_ms, True, 30_000)
        await self.write(Login("alice", "pixel", "phone", 1), opened)
        (erased,) = await self.write(EraseUser("alice"))
        self.assertEqual(UserErased("alice", 1, 1), erased)
        closing = CloseSession(opened, self.time_ms, "disabled", 31_000)
        _, erased = await self.write(closing, EraseUser("alice"))
        self.assertEqual(UserErased("alice", 1, 0), erased)
