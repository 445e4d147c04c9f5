"""The store against a naive model: a list of entries a conversation, everything recounted from it.

Random batches of sends, retries, reads and wrong turns, with crashes and failing commits between.
The writer's memory of heads and members is kept tiny, so that it forgets and reads again all the
time.
"""

import sqlite3
from unittest.mock import patch

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from im.adapters.sql.sqlite import MemoryDatabase, SqliteStore, StorePolicy, inline_runners
from im.adapters.sql.sqlite import store as store_module
from im.adapters.sql.sqlite.database import commit
from im.core.commands import Result, Write
from im.core.errors import Code, Refused
from im.core.limits import Limits
from im.core.messages import (
    CursorMoved,
    Head,
    MoveDelivered,
    MoveRead,
    Pull,
    PullPage,
    Send,
    Sent,
    Sync,
    SyncCursor,
    SyncPage,
)
from im.ports import UnavailableError
from im.testing.contracts.store import a_send

USERS = ("alice", "bob", "eve")
CONVERSATIONS = {
    "d~alice~bob": ("alice", "bob"),
    "d~alice~eve": ("alice", "eve"),
    "d~bob~eve": ("bob", "eve"),
}
LIMITS = Limits(page_entries=5, sync_heads=2)


class Model:
    """What must be stored: the sends of each conversation, and what each member has seen."""

    def __init__(self) -> None:
        self.sends: dict[str, list[Send]] = {name: [] for name in CONVERSATIONS}
        self.read: dict[tuple[str, str], int] = {}
        self.delivered: dict[tuple[str, str], int] = {}

    def copy(self) -> "Model":
        other = Model()
        other.sends = {name: list(sends) for name, sends in self.sends.items()}
        other.read, other.delivered = dict(self.read), dict(self.delivered)
        return other

    def unread(self, name: str, user: str) -> int:
        after = self.sends[name][self.read.get((name, user), 0) :]
        return sum(send.sender != user for send in after)

    def execute(self, write: Write) -> tuple[object, ...]:
        """What is to be told of the result: of a send (seq, duplicate), else the cursors."""
        if isinstance(write, Send):
            return self._send(write)
        assert isinstance(write, MoveRead | MoveDelivered)
        name, user = write.conversation, write.user
        if not self.sends[name] or user not in CONVERSATIONS[name]:
            return (Code.NOT_FOUND,)
        cursors = self.read if isinstance(write, MoveRead) else self.delivered
        moved = self._move(cursors, name, user, write.seq)
        read, delivered = self.read.get((name, user), 0), self.delivered.get((name, user), 0)
        return read, delivered, self.unread(name, user), moved

    def _send(self, send: Send) -> tuple[object, ...]:
        name = send.conversation
        if send.after == send.client_msg_id:
            return (Code.INVALID_ARGUMENT,)
        if send.sender not in CONVERSATIONS[name]:
            return (Code.NOT_FOUND,)
        mine = {
            each.client_msg_id: at
            for at, each in enumerate(self.sends[name], 1)
            if each.sender == send.sender
        }
        if send.client_msg_id in mine:
            seq = mine[send.client_msg_id]
            same = self.sends[name][seq - 1].content == send.content
            return (seq, True) if same else (Code.CONFLICT,)
        if send.after and send.after not in mine:
            return (Code.OUT_OF_ORDER,)
        self._move(self.read, name, send.sender, send.seen_seq)
        self.sends[name].append(send)
        return len(self.sends[name]), False

    def _move(self, cursors: dict[tuple[str, str], int], name: str, user: str, seq: int) -> bool:
        before = cursors.get((name, user), 0)
        cursors[name, user] = max(before, min(seq, len(self.sends[name])))
        return cursors[name, user] > before


names = st.sampled_from(sorted(CONVERSATIONS))
users = st.sampled_from(USERS)
numbers = st.integers(1, 9)
sends = st.builds(
    a_send,
    number=numbers,
    sender=users,
    conversation=names,
    after=st.integers(0, 9),
    seen_seq=st.integers(0, 12),
    content=st.sampled_from([b"", b"", b"", b"other"]),
)
moves = st.builds(
    lambda move, name, user, seq: move(name, user, seq),
    st.sampled_from([MoveRead, MoveDelivered]),
    names,
    users,
    st.integers(0, 12),
)
batches = st.lists(st.one_of(sends, sends, sends, moves), min_size=1, max_size=8)


def outcome_of(result: Result) -> tuple[object, ...]:
    """A result as the model tells it."""
    if isinstance(result, Refused):
        return (result.code,)
    if isinstance(result, Sent):
        return result.seq, result.duplicate
    assert isinstance(result, CursorMoved)
    return result.read_seq, result.delivered_seq, result.unread, result.moved


class StoreMachine(RuleBasedStateMachine):
    """The store and its model, side by side; each user also syncs by cursor, as a client does."""

    def __init__(self) -> None:
        super().__init__()
        self.database = MemoryDatabase()
        self.model = Model()
        self.known: dict[str, dict[str, Head]] = {user: {} for user in USERS}
        self.cursors: dict[str, SyncCursor] = {}
        self.crash()

    def teardown(self) -> None:
        self.database.close()

    def fire(self, outcome: "Deferred[Result]") -> Result:
        fired: list[Result] = []
        outcome.addCallback(fired.append)
        return fired[0]

    @rule()
    def crash(self) -> None:
        """A new store on the same tables."""
        with patch.object(store_module, "REMEMBERED_CONVERSATIONS", 1):
            policy = StorePolicy(LIMITS, True)
            self.store = SqliteStore(self.database, inline_runners(), lambda: 1_000, policy, self.fatal)

    def fatal(self, text: str) -> None:
        raise AssertionError(text)

    @rule(batch=batches)
    def write(self, batch: list[Write]) -> None:
        results: list[list[Result]] = []
        self.store.write(batch).addCallback(results.append)
        assert [self.model.execute(each) for each in batch] == [outcome_of(each) for each in results[0]]

    @rule(batch=batches)
    def fail_to_commit(self, batch: list[Write]) -> None:
        """Nothing of a batch whose COMMIT is refused is stored, or remembered."""
        failures: list[object] = []
        self.database.commit = refuse_commit
        self.store.write(batch).addErrback(lambda failure: failures.append(failure.trap(UnavailableError)))
        self.database.commit = commit
        assert len(failures) == 1

    @rule(user=users)
    def sync(self, user: str) -> None:
        """What changed since the cursor is all that a client needs to know everything."""
        page = self.page(user, "")
        stamp = page.cursor
        while page.next:
            page = self.page(user, page.next)
        self.cursors[user] = stamp
        expected = {
            name: (len(self.model.sends[name]), self.model.unread(name, user), *self.standing(name, user))
            for name, members in CONVERSATIONS.items()
            if user in members and self.model.sends[name]
        }
        actual = {
            name: (
                head.head_seq,
                head.unread,
                head.read_seq,
                head.delivered_seq,
                head.peer_read_seq,
                head.peer_delivered_seq,
            )
            for name, head in self.known[user].items()
        }
        assert expected == actual

    def page(self, user: str, after: str) -> SyncPage:
        page = self.fire(self.store.read(Sync(user, self.cursors.get(user), after)))
        assert isinstance(page, SyncPage)
        self.known[user].update({head.conversation: head for head in page.heads})
        return page

    def standing(self, name: str, user: str) -> tuple[int, int, int, int]:
        (peer,) = set(CONVERSATIONS[name]) - {user}
        read, delivered = self.model.read, self.model.delivered
        mine, other = (name, user), (name, peer)
        return read.get(mine, 0), delivered.get(mine, 0), read.get(other, 0), delivered.get(other, 0)

    @precondition(lambda self: any(self.model.sends.values()))
    @rule(name=names)
    def pull(self, name: str) -> None:
        """A conversation read to its end is its sends, without a hole."""
        sends = self.model.sends[name]
        pulled: list[tuple[str, bytes, bytes]] = []
        while len(pulled) < len(sends):
            page = self.fire(self.store.read(Pull(name, CONVERSATIONS[name][0], len(pulled) + 1, False, 0)))
            assert isinstance(page, PullPage)
            assert [entry.seq for entry in page.entries] == [
                len(pulled) + at for at in range(1, len(page.entries) + 1)
            ]
            pulled += [(entry.sender, entry.client_msg_id, entry.content) for entry in page.entries]
        assert pulled == [(send.sender, send.client_msg_id, send.content) for send in sends]

    @invariant()
    def no_problem_stays(self) -> None:
        if self.model.sends["d~alice~bob"]:
            probe = MoveRead("d~alice~bob", "alice", 0)
            self.write([probe])
            assert self.store.problem() == ""


def refuse_commit(connection: sqlite3.Connection) -> None:
    """A COMMIT that finds the disk full."""
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    raise error


class OracleTests(SynchronousTestCase):
    def test_the_store_does_what_the_model_does(self) -> None:
        steps = settings(derandomize=True, deadline=None, max_examples=120, stateful_step_count=25)
        run_state_machine_as_test(StoreMachine, settings=steps)
