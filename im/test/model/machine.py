"""A store and the model side by side: the same writes, the same answers, the same views for everybody."""

from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import seed as hypothesis_seed
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from im.adapters.sql.policy import StorePolicy
from im.core.changing import ChangeMessage, GetReaders
from im.core.commands import Write
from im.core.contacts import ListRelated
from im.core.errors import Code
from im.core.grouping import (
    ChangeGroup,
    CreateGroup,
    FindMembers,
    GetGroup,
    GetMemberships,
    ListAsking,
    ListMembers,
)
from im.core.limits import Limits
from im.core.messages import Head, Send, SendAsApp, SyncCursor
from im.core.relations import GetRelation, ListRequests, RelationChanged
from im.test.model import chance, seen, views
from im.test.model.difference import assert_same
from im.test.model.oracle import Oracle
from im.test.model.shop import Rules
from im.test.model.targets import OnPostgres, OnSqlite, Target

FAR_MS = 1 << 60
_OF_THE_DISABLED = (Code.DISABLED, Code.NOT_FOUND)
"""What of both a disabled user hears who asks for what isn't theirs depends on what is remembered."""


class ModelMachine(RuleBasedStateMachine):
    """Everybody also syncs by an old cursor now and then, as a client does."""

    target_type: type[Any] = OnSqlite
    looks_each = 1
    """After so many steps everything is compared; at the end in any case."""

    steps_each = 30

    target: Target | None = None
    is_different = False
    """The two have parted: there is no point in looking further."""

    @initialize(first=chance.first_groups, is_for_friends=st.booleans(), groups_per_user=st.integers(1, 2))
    def begin(self, first: CreateGroup, is_for_friends: bool, groups_per_user: int) -> None:
        """A shop with a group."""
        rules = Rules(is_for_friends, groups_per_user=groups_per_user)
        limits = Limits(
            page_entries=4,
            sync_heads=2,
            group_members=rules.group_members,
            groups_per_user=rules.groups_per_user,
            recall_seconds=rules.recall_ms / 1000,
            edit_seconds=rules.edit_ms / 1000,
        )
        self.oracle = Oracle(rules)
        self.shop = self.oracle.shop
        self.target = self.target_type(StorePolicy(limits, True, is_for_friends=is_for_friends))
        self.cursors: dict[str, SyncCursor] = {}
        self.known: dict[str, dict[str, Head]] = {user: {} for user in chance.USERS}
        self.done: list[Write] = []
        self.keys = 0
        self.steps = 0
        self.execute([first])

    def teardown(self) -> None:
        if self.target is not None:
            if not self.is_different:
                self.compare()
                for user in chance.USERS:
                    self.sync(user)
            self.target.close()

    @rule(batch=st.lists(chance.writes, min_size=1, max_size=3))
    def do(self, batch: list[Write]) -> None:
        """Anything."""
        self.execute(batch)

    @rule(batch=st.lists(chance.talks, min_size=1, max_size=3))
    def talk(self, batch: list[Write]) -> None:
        """Write and read."""
        self.execute(batch)

    @rule(change=chance.group_changes)
    def govern(self, change: ChangeGroup) -> None:
        """Change a group."""
        self.execute([change])

    @precondition(lambda self: self.done)
    @rule(which=st.integers(0, 30), other=st.booleans())
    def repeat(self, which: int, other: bool) -> None:
        """Ask for something again that was asked for before; of messages with other content, too."""
        write = self.done[which % len(self.done)]
        if other and isinstance(write, Send | SendAsApp):
            write = write._replace(content=b"something else")
        self.check([write])

    @rule(ms=st.sampled_from((1_000, 6_000, 25_000, 50 * chance.DAY_MS)))
    def pass_time(self, ms: int) -> None:
        """Let time pass."""
        assert self.target is not None
        self.target.now_ms += ms

    @rule(remembered=st.sampled_from((1, 1, 2, 100)))
    def crash(self, remembered: int) -> None:
        """Another process goes on."""
        assert self.target is not None
        self.target.crash(remembered)

    @precondition(lambda self: self.target is not None and self.target.may_fail)
    @rule(batch=st.lists(chance.writes, min_size=1, max_size=3))
    def fail_to_commit(self, batch: list[Write]) -> None:
        """Nothing of a batch whose COMMIT is refused is stored, or remembered."""
        assert self.target is not None
        self.target.fail([self.made(each) for each in batch])

    @rule(user=chance.users)
    def sync(self, user: str) -> None:
        """What changed since the cursor is all that a client needs to know everything."""
        assert self.target is not None
        synced = seen.synced(self.target.read, user, self.cursors.get(user))
        if user in self.shop.disabled:
            assert synced is Code.DISABLED
            return
        self.cursors[user], heads = synced
        self.known[user].update(heads)
        expected = {name: seen.told_once(head) for name, head in views.heads(self.shop, user).items()}
        known = {name: seen.told_once(head) for name, head in self.known[user].items()}
        assert_same(known, expected, user, "by cursor")

    @invariant()
    def look(self) -> None:
        """Everybody sees what the model says, however they look."""
        if self.target is not None:
            self.steps += 1
            if self.steps % self.looks_each == 0:
                self.compare()

    def execute(self, batch: Sequence[Write]) -> None:
        """Do what was not done before."""
        made = [self.made(each) for each in batch]
        self.done += made
        self.check(made)

    def check(self, batch: Sequence[Write]) -> None:
        """Do a batch on both sides: the answers are equal."""
        assert self.target is not None
        self.is_different = True
        self.target.now_ms += 1
        self.shop.now_ms = self.target.now_ms
        for part in self.target.parts(batch):
            for write, result in zip(part, self.target.write(part), strict=True):
                answer, expected = seen.told(result), self.oracle.execute(write)
                if answer not in _OF_THE_DISABLED or expected not in _OF_THE_DISABLED:
                    assert_same(answer, expected, write)
                if isinstance(result, RelationChanged):
                    self.learn(result)
        self.is_different = False

    def learn(self, changed: RelationChanged) -> None:
        """Take the ids that the store made for entries of its own."""
        for entry in changed.entries:
            log = self.shop.direct(changed.user, changed.peer).log
            log[entry.seq - 1].key = entry.client_msg_id

    def made(self, write: Write) -> Write:
        """A write with ids and keys of its own."""
        if isinstance(write, Send):
            talk = self.shop.talks.get(write.conversation)
            mine = [said.key for said in talk.log if said.sender == write.sender] if talk else []
            after = {chance.LAST: mine[-1] if mine else b"", chance.NEVER: b"n" * 16}.get(write.after, b"")
            return write._replace(client_msg_id=self.key(), after=after)
        if isinstance(write, SendAsApp):
            return write._replace(client_msg_id=self.key())
        if isinstance(write, ChangeMessage | ChangeGroup):
            return write._replace(key=self.key())
        return write

    def key(self) -> bytes:
        """One that was never used."""
        self.keys += 1
        return b"%016d" % self.keys

    def compare(self) -> None:
        """Look at everything as everybody."""
        assert self.target is not None
        shop, read = self.shop, self.target.read
        for user in chance.USERS:
            if user not in shop.disabled:
                _, heads = seen.synced(read, user, None)
                assert_same(heads, views.heads(shop, user), user)
            for number, conversation in enumerate((*chance.DIRECTS, *chance.GROUPS)):
                backward = bool((self.steps + number) % 2)
                history = seen.pulled(read, conversation, user, backward)
                assert_same(history, views.history(shop, conversation, user), user, conversation)
            self.compare_relations(user)
            self.compare_groups(user)
        assert_same(seen.miscounted(read), [], "a recount from the messages alone")
        for conversation in chance.GROUPS:
            assert_same(seen.told(read(GetGroup(conversation, ""))), views.group(shop, conversation, ""))
            found = seen.told(read(FindMembers(conversation, chance.USERS)))
            assert_same(found, views.found(shop, conversation, chance.USERS))

    def compare_relations(self, user: str) -> None:
        """A user's contacts in their order, how they stand to others, and the requests."""
        assert self.target is not None
        read = self.target.read
        assert_same(seen.contacts(read, user), views.contacts(self.shop, user), user, "contacts")
        for is_blocking in (True, False):
            related = read(ListRelated(user, is_blocking, "", 0))
            assert_same(related, views.related(self.shop, user, is_blocking), user, is_blocking)
        for sent in (True, False):
            page = read(ListRequests(user, sent, FAR_MS, "", 10))
            assert_same(page, views.requests(self.shop, user, sent), user, sent)
        for peer in chance.FRIENDS:
            if user in chance.FRIENDS and peer != user:
                assert_same(read(GetRelation(user, peer)), views.relation(self.shop, user, peer))

    def compare_groups(self, user: str) -> None:
        """What a user sees of groups and of the readers of what was said last."""
        assert self.target is not None
        shop, read = self.shop, self.target.read
        assert_same(seen.told(read(GetMemberships(user))), views.memberships(shop, user))
        for name in chance.GROUPS:
            assert_same(seen.told(read(GetGroup(name, user))), views.group(shop, name, user), user)
            listed = seen.told(read(ListMembers(name, user, "", 0)))
            assert_same(listed, views.members(shop, name, user), user)
            waiting = seen.told(read(ListAsking(name, user, "", 0)))
            assert_same(waiting, views.asking(shop, name, user), user)
        for name, talk in shop.talks.items():
            seq = max(1, len(talk.log) - self.steps % 5)
            readers = seen.told(read(GetReaders(name, user, seq)))
            assert_same(readers, views.readers(shop, name, user, seq), user, name, seq)


class PostgresMachine(ModelMachine):
    """The same on PostgreSQL, where looking takes longer."""

    target_type = OnPostgres
    looks_each = 10
    steps_each = 20


def run(machine: type[ModelMachine], examples: int, seed: int | None = None) -> None:
    """Play so many examples, the same at each time; with a seed, others."""
    steps = settings(
        derandomize=seed is None,
        deadline=None,
        max_examples=examples,
        stateful_step_count=machine.steps_each,
        report_multiple_bugs=False,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    given = machine if seed is None else hypothesis_seed(seed)(machine)
    run_state_machine_as_test(given, settings=steps)
