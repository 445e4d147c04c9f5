"""PostgreSQL against SQLite: any commands, spread over two shards, crashes between; the same results."""

from collections.abc import Callable, Sequence
from random import Random
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from im.adapters.sql.policy import StorePolicy
from im.adapters.sql.postgres import PostgresDatabase, PostgresStore, ShardStore, StoreClock
from im.adapters.sql.postgres import store as store_module
from im.adapters.sql.runners import T, inline_runners
from im.adapters.sql.sqlite import MemoryDatabase, SqliteStore
from im.core.changing import (
    ChangeMessage,
    ClearHistory,
    DeleteEntries,
    Edit,
    GetReaders,
    MessageChange,
    React,
    Recall,
)
from im.core.commands import GetProfile, Login, Query, Result, SetDisabled, SetProfile, Write
from im.core.custom import Conclude, CustomReply, GetRecord, Post
from im.core.errors import Code, Refused
from im.core.explaining import VerifyUnread
from im.core.grouping import (
    ChangeGroup,
    CreateGroup,
    GetGroup,
    GetMemberships,
    GroupChange,
    Invite,
    Join,
    Leave,
    ListMembers,
    Remove,
    SetGroup,
)
from im.core.groups import OPEN, group_conversation
from im.core.ids import direct_conversation
from im.core.limits import Limits
from im.core.messages import MoveDelivered, MoveRead, Pull, Sync, SyncPage
from im.core.purging import FindOld, PurgeMessages
from im.core.pushing import GetPush, Push, StorePush
from im.core.relations import AnswerFriend, AskFriend, Block, EndFriendship, ListRequests, SetContact
from im.core.shards import shard_key, shard_of
from im.test.adapters.sql.postgres.support import emptied, execute, settle
from im.testing.contracts.store import a_send, client_id

USERS = ("alice", "bob", "eve")
GROUPS = tuple(group_conversation("alice", client_id(100 + number)) for number in (1, 2))
DIRECTS = tuple(direct_conversation(*pair) for pair in (("alice", "bob"), ("alice", "eve"), ("bob", "eve")))
PLACES = (*DIRECTS, *GROUPS, "i~alice", "i~bob", "g~nowhere")
SHARDS = 2
LIMITS = Limits(page_entries=6, sync_heads=2, group_members=3)


class Chance:
    """Makes any command, by a random generator of its own."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self._makers: Sequence[Callable[[], Write]] = (
            *[self._send] * 6,
            *[self._move] * 3,
            *[self._change] * 3,
            *[self._change_group] * 2,
            lambda: Login(self.user(), "a1", "phone", self.number()),
            lambda: SetDisabled(self.pick("eve", "zoe"), self.random.random() < 0.3),
            lambda: SetProfile(self.user(), self.text(), None, {self.pick("a", "b"): self.text()}),
            lambda: AskFriend(self.user(), self.user(), self.text()),
            lambda: AnswerFriend(self.user(), self.user(), self.flag(), self.text()),
            lambda: EndFriendship(self.user(), self.user()),
            lambda: Block(self.user(), self.user(), self.random.random() < 0.2),
            lambda: SetContact(self.user(), self.place(), self.text(), self.flag(), None, self.flag()),
            lambda: CreateGroup(GROUPS[1], "alice", client_id(102), "alice", "Group", members=("bob",)),
            lambda: DeleteEntries(self.place(), self.user(), (self.number(), self.number())),
            lambda: ClearHistory(self.place(), self.user(), self.number()),
            lambda: PurgeMessages(self.place(), 1_000_000 + self.number() * 5_000, self.number()),
            self._push,
            self._conclude,
        )

    def batch(self) -> list[Write]:
        """Up to a dozen writes."""
        return [self.random.choice(self._makers)() for _ in range(self.number())]

    def pick(self, *values: T) -> T:
        return self.random.choice(values)

    def user(self) -> str:
        return self.pick(*USERS)

    def place(self) -> str:
        return self.pick(*DIRECTS, *DIRECTS, GROUPS[0], *PLACES)

    def number(self) -> int:
        return self.random.randint(1, 12)

    def key(self) -> bytes:
        return client_id(self.random.randint(1, 60))

    def flag(self) -> bool:
        return self.random.random() < 0.5

    def text(self) -> str:
        return self.pick("", "text", 'it\'s \\ "quoted" {a,b} %s ? 漢')

    def _send(self) -> Write:
        number, after = self.random.randint(1, 60), self.pick(0, 0, 0, self.number())
        return a_send(number, self.user(), self.place(), after, self.number() - 1, self.text().encode())

    def _move(self) -> Write:
        place, user, seq = self.place(), self.user(), self.number()
        if self.flag():
            return MoveRead(place, user, seq)
        return MoveDelivered(place, user, seq, "a1", self.flag())

    def _change(self) -> Write:
        changes: list[MessageChange] = [Recall(), Edit(b"edited"), React("+1"), React("+1", False)]
        return ChangeMessage(
            self.place(), self.user(), self.key(), self.number(), self.random.choice(changes)
        )

    def _change_group(self) -> Write:
        changes: list[GroupChange] = [Invite((self.user(),)), Remove((self.user(),)), Join("please"), Leave()]
        changes.append(SetGroup(name=self.text(), joining=OPEN))
        return ChangeGroup(self.pick(*GROUPS), self.user(), self.key(), self.pick(*changes))

    def _push(self) -> Write:
        to = tuple(self.random.sample([*USERS, "nobody"], self.random.randint(1, 3)))
        return StorePush(Push(self.key(), b"push", 9_000_000, self.pick("", "key")), to)

    def _conclude(self) -> Write:
        key, places = self.key(), {self.place(), self.place()}
        posts = tuple(
            Post(place, "", bytes([200 + at]) + key[1:], 100, b"posted")
            for at, place in enumerate(sorted(places))
        )
        changes = (("record", self.text().encode() or None),)
        read = (("record", self.random.randint(0, 2)),) if self.flag() else ()
        return Conclude("h", self.user(), key, read, changes, posts, CustomReply(10_001, b"done"))


def told(result: Result) -> object:
    """A result; of whoever has no business there it depends on what is remembered what is found first."""
    if isinstance(result, Refused) and result.code in (Code.NOT_FOUND, Code.DISABLED):
        return "not for you"
    return result


class Twins:
    """Two stores that are told the same. Their memories are tiny, so that they read again all the time."""

    def __init__(self) -> None:
        self.url = emptied()
        execute(self.url, "UPDATE meta SET store_epoch = 'memory'")
        self.sqlite = MemoryDatabase()
        self.now_ms = 1_000_000
        self.postgres: PostgresStore | None = None
        self.shards: list[ShardStore] = []
        self.crash(1)
        group = CreateGroup(GROUPS[0], "alice", client_id(101), "alice", "Group", members=("bob", "eve"))
        first = [
            a_send(number, conversation[2:].split("~")[0], conversation)
            for number, conversation in enumerate(DIRECTS, 20)
        ]
        self.write([group, *first, a_send(30, "bob", GROUPS[0])], 0)

    def end(self) -> None:
        self.sqlite.close()
        self.close()

    def close(self) -> None:
        for shard in self.shards:
            shard.close()
        if self.postgres is not None:
            self.postgres.close()

    def fired(self, outcome: "Deferred[T]") -> T:
        fired: list[T] = []
        outcome.addCallback(fired.append)
        return fired[0]

    def crash(self, remembered: int) -> None:
        """New stores on the same tables."""
        self.close()
        policy = StorePolicy(LIMITS, True)
        self.store = SqliteStore(self.sqlite, inline_runners(), lambda: self.now_ms, policy, self.fatal)
        time = StoreClock(Clock(), lambda: self.now_ms)
        database = PostgresDatabase(self.url)
        self.postgres = PostgresStore(database, inline_runners().read, time, policy, SHARDS)
        with patch.object(store_module, "REMEMBERED_CONVERSATIONS", remembered):
            self.shards = [self.fired(self.postgres.claim(shard, "worker")) for shard in range(SHARDS)]

    def fatal(self, text: str) -> None:
        raise AssertionError(text)

    def write(self, batch: list[Write], elapsed_ms: int) -> None:
        self.now_ms += elapsed_ms
        for shard, store in enumerate(self.shards):
            part = [each for each in batch if shard_of(shard_key(each), SHARDS) == shard]
            if part:
                expected, actual = self.fired(self.store.write(part)), self.fired(store.write(part))
                assert [told(each) for each in expected] == [told(each) for each in actual]

    def read(self, user: str, place: str, number: int) -> None:
        assert self.postgres is not None
        queries: list[Query] = [
            Pull(place, user, 0, False, 0),
            Pull(place, user, number, True, 3),
            GetProfile(user),
            GetRecord("h", "record"),
            GetMemberships(user),
            GetGroup(GROUPS[0], user),
            ListMembers(GROUPS[0], user, "", 0),
            GetReaders(place, user, number),
            ListRequests(user, bool(number % 2), 1 << 60, "", 10),
            GetPush(client_id(number), "", 10),
            FindOld(self.now_ms, place, number),
            VerifyUnread(),
        ]
        for query in queries:
            expected, actual = self.fired(self.store.read(query)), self.fired(self.postgres.read(query))
            assert expected == actual, query
        settle(self.url)
        after = ""
        while True:
            query = Sync(user, None, after)
            page, other = self.fired(self.store.read(query)), self.fired(self.postgres.read(query))
            if not isinstance(page, SyncPage) or not isinstance(other, SyncPage):
                assert page == other
                break
            assert (page.heads, page.next) == (other.heads, other.next)
            after = page.next
            if not after:
                break


class OracleTests(SynchronousTestCase):
    @settings(derandomize=True, deadline=None, max_examples=12)
    @given(seed=st.integers(0, 1 << 32))
    def test_postgresql_does_what_sqlite_does(self, seed: int) -> None:
        chance, twins = Chance(seed), Twins()
        try:
            for _ in range(20):
                twins.write(chance.batch(), chance.random.randint(0, 5_000))
                if chance.random.random() < 0.3:
                    twins.read(chance.user(), chance.place(), chance.number())
                if chance.random.random() < 0.1:
                    twins.crash(chance.number())
            for user in USERS:
                twins.read(user, GROUPS[0], 1)
        finally:
            twins.end()
