"""Two at once on PostgreSQL, by two workers: what comes out is one of what comes out in turn.

The two workers take the shard from each other, until each has done what it was asked for. What they answer,
and what everybody sees afterwards, must be what the model says of one order or the other.
"""

import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.task import Clock

from im.adapters.sql.policy import StorePolicy
from im.adapters.sql.postgres import PostgresDatabase, PostgresStore, ShardLostError, StoreClock
from im.adapters.sql.postgres.connection import PostgresConnection
from im.adapters.sql.runners import inline_runners
from im.core.commands import Query, Result, Write
from im.core.contacts import ListContacts
from im.core.grouping import (
    ChangeGroup,
    CreateGroup,
    Dissolve,
    GetGroup,
    GroupChange,
    Invite,
    Join,
    Leave,
    Remove,
    Transfer,
)
from im.core.groups import GroupSettings, group_conversation
from im.core.limits import Limits
from im.core.messages import Send
from im.core.relations import AnswerFriend, AskFriend, Block, GetRelation, ListRequests, WithdrawRequest
from im.core.shards import shard_key, shard_of
from im.test.adapters.sql.postgres.support import PostgresTestCase, emptied, execute, settle
from im.test.model import seen, views
from im.test.model.memory import EPOCH
from im.test.model.oracle import Oracle
from im.test.model.shop import Rules, Shop
from im.test.model.targets import fired

USERS = ("alice", "bob", "carol", "dave")
DIRECT = "d~alice~bob"
ROUNDS = 4
SECONDS = 30.0
MEET_SECONDS = 0.1
RULES = Rules(group_members=3, groups_per_user=2)
LIMITS = Limits(group_members=RULES.group_members, groups_per_user=RULES.groups_per_user)
NOW_MS = 1_000_000
FAR_MS = 1 << 60


def a_key(number: int) -> bytes:
    """A key, or a client id."""
    return b"%016d" % number


def a_group(number: int, owner: str, *members: str) -> CreateGroup:
    """Somebody's group of a number, which is open to everybody."""
    settings = GroupSettings(joining="open")
    name = group_conversation(owner, a_key(number))
    return CreateGroup(name, owner, a_key(number), owner, "Group", settings=settings, members=members)


GROUP = a_group(900, "alice", "bob")
NAME = GROUP.conversation
SHARDS = 2
ELSEWHERE = next(
    group
    for group in (a_group(number, "alice") for number in range(901, 999))
    if shard_of(group.conversation, SHARDS) != shard_of(NAME, SHARDS)
)


def a_change(number: int, user: str, change: GroupChange, group: str = NAME) -> ChangeGroup:
    """Somebody's change of a group."""
    return ChangeGroup(group, user, a_key(number), change)


def a_send(number: int, sender: str, conversation: str) -> Send:
    """Somebody's message."""
    return Send(conversation, sender, "phone", a_key(number), b"", 0, 1, b"text %d" % number)


class AtOnceTests(PostgresTestCase):
    def test_two_that_accept_each_other(self) -> None:
        """Both asked, the one by crossing the other's request."""
        ask, answer = AskFriend("alice", "bob", ""), AnswerFriend("bob", "alice", True, "hello")
        self.hold([ask], answer, AskFriend("bob", "alice", "me, too"))
        self.hold([], ask, AskFriend("bob", "alice", "me, too"))

    def test_the_same_acceptance_twice(self) -> None:
        answer = AnswerFriend("bob", "alice", True, "hello")
        self.hold([AskFriend("alice", "bob", "")], answer, answer)

    def test_an_acceptance_and_a_withdrawal(self) -> None:
        answer = AnswerFriend("bob", "alice", True, "hello")
        self.hold([AskFriend("alice", "bob", "")], answer, WithdrawRequest("alice", "bob"))

    def test_who_leaves_is_removed(self) -> None:
        self.hold([GROUP], a_change(1, "bob", Leave()), a_change(2, "alice", Remove(("bob",))))

    def test_a_group_is_given_away_and_dissolved(self) -> None:
        self.hold([GROUP], a_change(1, "alice", Transfer("bob")), a_change(2, "alice", Dissolve()))

    def test_two_join_where_one_has_room(self) -> None:
        self.hold([GROUP], a_change(1, "carol", Join()), a_change(2, "dave", Join()))

    def test_one_joins_two_groups_and_may_join_one(self) -> None:
        """They are on shards of different workers."""
        first = [GROUP, ELSEWHERE, a_group(1_000, "bob", "carol")]
        one, other = a_change(1, "carol", Join()), a_change(2, "carol", Join(), ELSEWHERE.conversation)
        self.hold(first, one, other)

    def test_a_message_and_a_block(self) -> None:
        self.hold([], a_send(1, "alice", DIRECT), Block("bob", "alice", True))
        self.hold([a_send(2, "bob", DIRECT)], a_send(1, "alice", DIRECT), Block("bob", "alice", True))

    def test_a_message_and_the_removal_of_its_sender(self) -> None:
        self.hold([GROUP], a_send(1, "bob", NAME), a_change(2, "alice", Remove(("bob",))))

    def test_a_message_and_the_coming_of_another_member(self) -> None:
        self.hold([GROUP], a_send(1, "bob", NAME), a_change(2, "alice", Invite(("carol",))))

    def test_the_same_message_twice(self) -> None:
        self.hold([], a_send(1, "alice", DIRECT), a_send(1, "alice", DIRECT))

    def hold(self, first: Sequence[Write], one: Write, other: Write) -> None:
        """Do two writes at once after some others, a few times; each time it is as if done in turn."""
        legal = [self.in_turn(first, (0, one), (1, other)), self.in_turn(first, (1, other), (0, one))]
        for number in range(ROUNDS):
            self.url = emptied()
            execute(self.url, f"UPDATE meta SET store_epoch = '{EPOCH}'")
            for write in first:
                Worker(self.url, "first").do(write)
            meeting = Meeting() if number % 2 else None
            workers = [Worker(self.url, name, meeting) for name in ("one", "other")]
            answers = together((workers[0], one), (workers[1], other))
            settle(self.url)
            outcome = ([seen.told(answer) for answer in answers], look(workers[0].read))
            self.assertIn(without_ids(outcome), legal)

    def in_turn(self, first: Sequence[Write], *turns: tuple[int, Write]) -> Any:
        """The answers and what everybody sees after two writes, one after the other."""
        oracle = Oracle(RULES)
        oracle.shop.now_ms = NOW_MS
        for write in first:
            oracle.execute(write)
        answers = dict((place, oracle.execute(write)) for place, write in turns)
        return without_ids(([answers[0], answers[1]], expected(oracle.shop)))


class Meeting:
    """Where two transactions wait for each other before they commit, unless one has to wait for the other."""

    def __init__(self) -> None:
        self._barrier = threading.Barrier(2)

    def hold(self, connection: PostgresConnection) -> None:
        """Have what a connection commits wait."""
        run = connection.run

        def meet(text: str) -> Any:
            if text == "COMMIT":
                with contextlib.suppress(threading.BrokenBarrierError):
                    self._barrier.wait(MEET_SECONDS)
            return run(text)

        connection.run = meet  # type: ignore[method-assign]


class Worker:
    """A worker that takes the shard of a write from whoever has it, until the write is done."""

    def __init__(self, url: str, name: str, meeting: Meeting | None = None) -> None:
        self._name = name
        self._meeting = meeting
        policy, time = StorePolicy(LIMITS, True), StoreClock(Clock(), lambda: NOW_MS)
        self._store = PostgresStore(PostgresDatabase(url), inline_runners().read, time, policy, SHARDS)

    def do(self, write: Write) -> Result:
        """The result of a write."""
        number = shard_of(shard_key(write), SHARDS)
        while True:
            shard = fired(self._store.claim(number, self._name))
            if self._meeting is not None:
                self._meeting.hold(shard._writer._connection)
            try:
                (result,) = fired(shard.write([write]))
            except ShardLostError:
                continue
            finally:
                fired(shard.close())
            return result

    def read(self, query: Query) -> Result:
        """Answer a query."""
        return fired(self._store.read(query))


def together(*asked: tuple[Worker, Write]) -> list[Result]:
    """Have workers do writes at once, each on a thread of its own; their results."""
    results: dict[int, Result] = {}
    ready = threading.Barrier(len(asked))

    def begin(number: int, worker: Worker, write: Write) -> None:
        ready.wait(SECONDS)
        results[number] = worker.do(write)

    threads = [threading.Thread(target=begin, args=(number, *each)) for number, each in enumerate(asked)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    return [results[number] for number in range(len(asked))]


def look(read: Callable[[Any], Any]) -> Any:
    """All that everybody sees."""
    heads = {user: seen.synced(read, user, None)[1] for user in USERS}
    logs = {(user, name): seen.pulled(read, name, user, False) for user in USERS for name in heads[user]}
    groups = {name: seen.told(read(GetGroup(name, ""))) for name in (NAME, ELSEWHERE.conversation)}
    requests = {user: read(ListRequests(user, True, FAR_MS, "", 10)) for user in USERS}
    relations = [read(GetRelation("alice", "bob")), read(GetRelation("bob", "alice"))]
    contacts = {user: read(ListContacts(user, "", 10)).unread for user in USERS}
    return heads, logs, groups, requests, relations, contacts, seen.miscounted(read)


def expected(shop: Shop) -> Any:
    """The same, of the model."""
    heads = {user: views.heads(shop, user) for user in USERS}
    logs = {(user, name): views.history(shop, name, user) for user in USERS for name in heads[user]}
    groups = {name: views.group(shop, name, "") for name in (NAME, ELSEWHERE.conversation)}
    requests = {user: views.requests(shop, user, True) for user in USERS}
    relations = [views.relation(shop, "alice", "bob"), views.relation(shop, "bob", "alice")]
    contacts = {user: views.contacts(shop, user)[1] for user in USERS}
    return heads, logs, groups, requests, relations, contacts, []


def without_ids(value: Any) -> Any:
    """A value without the client ids, some of which the store makes itself."""
    if isinstance(value, dict):
        return {key: without_ids(each) for key, each in value.items()}
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        return [without_ids(each) for each in value]
    if hasattr(value, "_fields"):
        fields = value._asdict()
        return {name: without_ids(each) for name, each in fields.items() if name != "client_msg_id"}
    return value
