"""What inboxes show after any pushes, repeated, collapsed and expired, against a model of a few lines."""

from typing import NamedTuple

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from im.adapters.memory.registry import MemoryRegistry
from im.adapters.sql.sqlite import MemoryDatabase, SqliteStore, StorePolicy, inline_runners
from im.business.pushing import Pushes, PushPorts
from im.core.commands import CreateUser
from im.core.entries import PUSH
from im.core.limits import Limits
from im.core.messages import Pull, PullPage
from im.core.pushing import ExpirePushes, Push

USERS = ("alice", "bob", "carol")


class Shown(NamedTuple):
    """An entry that an inbox should show."""

    push: bytes
    key: str
    expires_ms: int


class Inboxes(RuleBasedStateMachine):
    """The store behind `Pushes`, and what it should show."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = 1_000
        self.database = MemoryDatabase()
        policy = StorePolicy(Limits(), users_open=False)
        self.store = SqliteStore(self.database, inline_runners(), lambda: self.now_ms, policy, print)
        self.store.write([CreateUser(user) for user in USERS])
        self.pushes = Pushes(Clock(), PushPorts(self.store, MemoryRegistry(), lambda _: None))
        self.made: list[Push] = []
        self.had: dict[str, set[bytes]] = {user: set() for user in USERS}
        self.shown: dict[str, list[Shown]] = {user: [] for user in USERS}

    def teardown(self) -> None:
        self.database.close()

    @rule(
        users=st.lists(st.sampled_from(USERS), unique=True),
        key=st.sampled_from(("", "order", "balance")),
        ttl_ms=st.integers(1, 50),
    )
    def push(self, users: list[str], key: str, ttl_ms: int) -> None:
        number = len(self.made) + 1
        self.made.append(Push(number.to_bytes(16, "big"), b"%d" % number, self.now_ms + ttl_ms, key))
        self.store_push(self.made[-1], users)

    @rule(data=st.data(), users=st.lists(st.sampled_from(USERS), unique=True))
    def push_again(self, data: st.DataObject, users: list[str]) -> None:
        """As after a crash: with the same users, fewer or more."""
        if self.made:
            push = data.draw(st.sampled_from(self.made))
            if push.expires_ms > self.now_ms:
                self.store_push(push, users)

    @rule(ms=st.integers(1, 40))
    def wait(self, ms: int) -> None:
        self.now_ms += ms
        self.store.write([ExpirePushes(1_000)])
        for user in USERS:
            self.shown[user] = [each for each in self.shown[user] if each.expires_ms > self.now_ms]

    def store_push(self, push: Push, users: list[str]) -> None:
        done: Deferred[object] = Deferred.fromCoroutine(self.pushes.store(push, users))
        assert done.called
        for user in users:
            if push.id in self.had[user]:
                continue
            self.had[user].add(push.id)
            kept = [
                each for each in self.shown[user] if not push.collapse_key or each.key != push.collapse_key
            ]
            self.shown[user] = [*kept, Shown(push.id, push.collapse_key, push.expires_ms)]

    @invariant()
    def every_inbox_shows_what_it_should(self) -> None:
        for user in USERS:
            page: object = self.store.read(Pull(f"i~{user}", user, 0, False, 0)).result
            entries = page.entries if isinstance(page, PullPage) else []
            assert [entry.seq for entry in entries] == list(range(1, len(self.had[user]) + 1))
            shown = [entry.client_msg_id for entry in entries if entry.kind == PUSH]
            assert shown == [each.push for each in self.shown[user]], (user, shown)


class OracleTests(SynchronousTestCase):
    def test_inboxes_show_what_the_model_shows(self) -> None:
        rules = settings(max_examples=60, stateful_step_count=20, derandomize=True, deadline=None)
        run_state_machine_as_test(Inboxes, settings=rules)
