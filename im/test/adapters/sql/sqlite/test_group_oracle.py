"""A group against a naive model that keeps every entry and recounts what each member has not seen.

Random changes of members, posts, recalls, reads, deletions and clearing, with crashes between; the
writer's memory is kept tiny, so that it forgets and reads again all the time.
"""

from dataclasses import dataclass, field
from unittest.mock import patch

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from twisted.trial.unittest import SynchronousTestCase

from im.adapters.sql.sqlite import MemoryDatabase, SqliteStore, StorePolicy, inline_runners
from im.adapters.sql.sqlite import store as store_module
from im.core.changing import ChangeMessage, ClearHistory, DeleteEntries, MessageChanged, Recall
from im.core.commands import Result, Write
from im.core.entries import RECALL, RECALLED, TEXT
from im.core.errors import Code, Refused
from im.core.grouping import ChangeGroup, CreateGroup, GroupChange, Invite, Leave, Remove
from im.core.groups import GroupSettings, group_conversation
from im.core.limits import Limits
from im.core.messages import Head, MoveRead, Pull, PullPage, Send, Sent, Sync, SyncPage

KEY = b"k" * 16
GROUP = group_conversation("alice", KEY)
USERS = ("alice", "bob", "carol")
LIMITS = Limits(page_entries=4, recall_seconds=1e9)


@dataclass
class Entry:
    """A row of the log."""

    kind: int
    sender: str


@dataclass
class Place:
    """What one user may see, and has seen. `last` is the last seq of who is out."""

    first: int = 1
    counts_from: int = 1
    last: int | None = None
    read: int = 0
    cleared: int = 0
    deleted: set[int] = field(default_factory=set)


class Model:
    """The group as lists."""

    def __init__(self, everything: bool) -> None:
        self.everything = everything
        self.log: list[Entry] = [Entry(101, "alice")]
        self.places = {user: Place() for user in ("alice", "bob")}

    def add(self, kind: int, sender: str) -> None:
        self.log.append(Entry(kind, sender))

    def is_in(self, user: str) -> bool:
        return user in self.places and self.places[user].last is None

    def head(self, user: str) -> int:
        last = self.places[user].last
        return len(self.log) if last is None else last

    def visible_from(self, user: str) -> int:
        place = self.places[user]
        return max(place.first, place.cleared + 1)

    def unread(self, user: str) -> int:
        place = self.places[user]
        seen = max(place.read, place.cleared, place.counts_from - 1)
        return sum(
            entry.kind == TEXT and entry.sender != user and seq > seen and seq not in place.deleted
            for seq, entry in enumerate(self.log[: self.head(user)], start=1)
        )

    def come(self, user: str) -> None:
        self.add(103, "alice")
        place = self.places.setdefault(user, Place())
        place.first = 1 if self.everything else len(self.log)
        place.counts_from, place.last = len(self.log), None

    def go(self, user: str, kind: int, by: str) -> None:
        self.add(kind, by)
        self.places[user].last = len(self.log)

    def kinds(self, user: str) -> list[int]:
        place = self.places[user]
        shown = range(self.visible_from(user), self.head(user) + 1)
        return [0 if seq in place.deleted else self.log[seq - 1].kind for seq in shown]


users = st.sampled_from(USERS)
seqs = st.integers(1, 14)


class GroupMachine(RuleBasedStateMachine):
    """The store and its model, side by side."""

    everything = False

    def __init__(self) -> None:
        super().__init__()
        self.database = MemoryDatabase()
        self.model = Model(self.everything)
        self.keys = 0
        self.crash()
        settings = GroupSettings(history="everything" if self.everything else "join")
        self.write(CreateGroup(GROUP, "alice", KEY, "alice", "", settings=settings, members=("bob",)))

    def teardown(self) -> None:
        self.database.close()

    @rule()
    def crash(self) -> None:
        """A new store on the same tables."""
        with patch.object(store_module, "REMEMBERED_CONVERSATIONS", 1):
            policy = StorePolicy(LIMITS, True)
            self.store = SqliteStore(self.database, inline_runners(), lambda: 1_000, policy, self.fatal)

    def fatal(self, text: str) -> None:
        raise AssertionError(text)

    def key(self) -> bytes:
        self.keys += 1
        return b"%016d" % self.keys

    def write(self, write: Write) -> Result:
        results: list[list[Result]] = []
        self.store.write([write]).addCallback(results.append)
        return results[0][0]

    def change(self, user: str, change: GroupChange) -> Result:
        return self.write(ChangeGroup(GROUP, user, self.key(), change))

    @rule(user=users)
    def post(self, user: str) -> None:
        """Members post, and nobody else."""
        key = self.key()
        result = self.write(Send(GROUP, user, "phone", key, b"", 0, TEXT, key))
        if self.model.is_in(user):
            assert isinstance(result, Sent), result
            self.model.add(TEXT, user)
        else:
            known = user in self.model.places
            assert isinstance(result, Refused)
            assert result.code is (Code.PERMISSION_DENIED if known else Code.NOT_FOUND)

    @rule(user=st.sampled_from(USERS[1:]))
    def invite(self, user: str) -> None:
        """Somebody comes, or comes again."""
        self.change("alice", Invite((user,)))
        if not self.model.is_in(user):
            self.model.come(user)

    @rule(user=st.sampled_from(USERS[1:]), is_removed=st.booleans())
    def go(self, user: str, is_removed: bool) -> None:
        """Somebody leaves, or is removed."""
        if is_removed:
            self.change("alice", Remove((user,)))
        else:
            self.change(user, Leave())
        if self.model.is_in(user):
            self.model.go(user, 105 if is_removed else 104, "alice" if is_removed else user)

    @rule(user=users, seq=seqs)
    def recall(self, user: str, seq: int) -> None:
        """One's own, or as the owner anybody's."""
        result = self.write(ChangeMessage(GROUP, user, self.key(), seq, Recall()))
        entry = self.model.log[seq - 1] if seq <= len(self.model.log) else Entry(0, "")
        may = self.model.is_in(user) and seq >= self.model.visible_from(user) and entry.kind == TEXT
        if may and user in (entry.sender, "alice"):
            assert isinstance(result, MessageChanged), result
            entry.kind = RECALLED
            self.model.add(RECALL, user)

    @rule(user=users, seq=seqs)
    def read(self, user: str, seq: int) -> None:
        """The read cursor moves forward, at most to where the user may see."""
        self.write(MoveRead(GROUP, user, seq))
        if user in self.model.places:
            place = self.model.places[user]
            place.read = max(place.read, min(seq, self.model.head(user)))

    @rule(user=users, seq=seqs)
    def clear(self, user: str, seq: int) -> None:
        """What one saw goes, for oneself alone."""
        self.write(ClearHistory(GROUP, user, seq))
        if user in self.model.places:
            place = self.model.places[user]
            place.cleared = max(place.cleared, min(seq, self.model.head(user)))

    @rule(user=users, seq=seqs)
    def delete(self, user: str, seq: int) -> None:
        """An entry goes, for oneself alone."""
        self.write(DeleteEntries(GROUP, user, (seq,)))
        if user in self.model.places and self.model.visible_from(user) <= seq <= self.model.head(user):
            self.model.places[user].deleted.add(seq)

    @invariant()
    def everybody_sees_what_is_theirs(self) -> None:
        for user in self.model.places:
            head = self.head(user)
            assert head.head_seq == self.model.head(user)
            assert head.active is self.model.is_in(user)
            assert head.visible_from == self.model.visible_from(user)
            assert head.unread == self.model.unread(user), (user, head, self.model.unread(user))
            assert self.kinds(user, head) == self.model.kinds(user)

    def head(self, user: str) -> Head:
        pages: list[Result] = []
        self.store.read(Sync(user, None, "")).addCallback(pages.append)
        (page,) = pages
        assert isinstance(page, SyncPage)
        (head,) = page.heads
        return head

    def kinds(self, user: str, head: Head) -> list[int]:
        kinds: list[int] = []
        while head.visible_from + len(kinds) <= head.head_seq:
            pages: list[Result] = []
            pull = Pull(GROUP, user, head.visible_from + len(kinds), False, 0)
            self.store.read(pull).addCallback(pages.append)
            (page,) = pages
            assert isinstance(page, PullPage)
            kinds += [entry.kind for entry in page.entries]
        return kinds


class EverythingMachine(GroupMachine):
    """The same where who comes sees everything."""

    everything = True


class GroupOracleTests(SynchronousTestCase):
    steps = settings(derandomize=True, deadline=None, max_examples=200, stateful_step_count=25)

    def test_a_group_does_what_the_model_does(self) -> None:
        run_state_machine_as_test(GroupMachine, settings=self.steps)

    def test_a_group_that_shows_everything_does_what_the_model_does(self) -> None:
        run_state_machine_as_test(EverythingMachine, settings=self.steps)
