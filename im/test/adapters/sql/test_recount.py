"""The recount and the formula come to the same number, whatever happens in a group."""

from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from im.adapters.sql.operations import explaining
from im.adapters.sql.operations.explaining import explained
from im.adapters.sql.operations.recount import recount
from im.adapters.sql.sqlite import MemoryDatabase, SqliteStore, StorePolicy, inline_runners
from im.core.changing import ChangeMessage, ClearHistory, DeleteEntries, Edit, React, Recall
from im.core.commands import Query, Result, Write
from im.core.entries import TEXT, counts, original
from im.core.explaining import ExplainUnread, UnreadExplained, UnreadVerified, VerifyUnread
from im.core.grouping import ChangeGroup, CreateGroup, Invite, Leave
from im.core.groups import group_conversation
from im.core.limits import Limits
from im.core.messages import MoveRead, Pull, PullPage, Send
from im.core.personal import EraseMessages, EraseUser
from im.core.purging import PurgeMessages

KEY = b"k" * 16
GROUP = group_conversation("alice", KEY)
AFTER_ALL_MS = 2_000
USERS = ("alice", "bob", "carol")
WHAT = "post post post read recall delete clear leave invite erase edit react purge"
STEPS = st.lists(
    st.tuples(
        st.sampled_from(WHAT.split()),
        st.sampled_from(USERS),
        st.integers(1, 20),
    ),
    max_size=40,
)


class Group:
    """A group on a database of its own."""

    def __init__(self) -> None:
        self.database = MemoryDatabase()
        policy = StorePolicy(Limits(recall_seconds=1e9), True)
        self._store = SqliteStore(self.database, inline_runners(), lambda: 1_000, policy, self._fatal)
        self._keys = 0
        self.write(CreateGroup(GROUP, "alice", KEY, "alice", "", members=("bob",)))

    def _fatal(self, text: str) -> None:
        raise AssertionError(text)

    def write(self, *batch: Write) -> None:
        """Execute writes, whatever they are answered."""
        done: list[list[Result]] = []
        self._store.write(batch).addCallback(done.append)
        assert done

    def read(self, query: Query) -> Result:
        """Answer a query."""
        done: list[Result] = []
        self._store.read(query).addCallback(done.append)
        return done[0]

    def do(self, what: str, user: str, seq: int) -> None:
        """One thing that somebody tries."""
        self._keys += 1
        key = b"%016d" % self._keys
        writes: dict[str, tuple[Write, ...]] = {
            "post": (Send(GROUP, user, "phone", key, b"", 0, TEXT, key),),
            "read": (MoveRead(GROUP, user, seq),),
            "recall": (ChangeMessage(GROUP, user, key, seq, Recall()),),
            "delete": (DeleteEntries(GROUP, user, (seq,)),),
            "clear": (ClearHistory(GROUP, user, seq),),
            "leave": (ChangeGroup(GROUP, user, key, Leave()),),
            "invite": (ChangeGroup(GROUP, "alice", key, Invite((user,))),),
            "erase": (EraseUser(user), EraseMessages(GROUP, user, seq)),
            "edit": (ChangeMessage(GROUP, user, key, seq, Edit(b"edited")),),
            "react": (ChangeMessage(GROUP, user, key, seq, React("+1")),),
            "purge": (PurgeMessages(GROUP, AFTER_ALL_MS, 1 + seq % 4),),
        }
        self.write(*writes[what])


class RecountTests(SynchronousTestCase):
    @settings(derandomize=True, deadline=None, max_examples=150, database=None)
    @given(STEPS)
    def test_both_come_to_the_same_number_for_everybody(self, steps: list[tuple[str, str, int]]) -> None:
        group = Group()
        for what, user, seq in steps:
            if what != "erase" or seq > 15:  # Who is erased does nothing any more.
                group.do(what, user, seq % 8 if what == "erase" else seq)
        connection = group.database.connect_reader()
        for user in USERS:
            told = explained(connection, ExplainUnread(GROUP, user))
            if isinstance(told, UnreadExplained):
                self.assertEqual(told.unread, recount(connection, GROUP, user), (user, told))
                self.assertEqual(told.unread, len(told.messages))
                self.assert_whole(group, user)
        group.database.close()

    def assert_whole(self, group: Group, user: str) -> None:
        """Every seq is answered, and what is purged says nothing."""
        page = group.read(Pull(GROUP, user, 0, False, 0))
        assert isinstance(page, PullPage)
        seqs = [entry.seq for entry in page.entries]
        self.assertEqual(seqs, list(range(page.visible_from, page.head_seq + 1)))
        self.assertEqual({b""}, {b"", *(entry.content for entry in page.entries if not entry.kind)})

    def test_what_counts_is_written_down_twice_and_is_the_same(self) -> None:
        group = Group()
        group.do("post", "alice", 0)
        connection = group.database.connect_writer()
        for kind in range(-199, 200):
            connection.execute("UPDATE message SET kind = ? WHERE seq = 2", (kind,))
            self.assertEqual(recount(connection, GROUP, "bob"), counts(original(kind)), kind)
        group.database.close()

    def test_a_stranger_has_nothing_unread(self) -> None:
        group = Group()
        group.do("post", "alice", 0)
        self.assertEqual(recount(group.database.connect_reader(), GROUP, "eve"), 0)
        group.database.close()

    def test_pages_have_every_place_once(self) -> None:
        group = Group()
        names = sorted(f"d~alice~{name}" for name in "mnopq")
        group.write(*(Send(name, "alice", "phone", KEY, b"", 0, TEXT, b"x") for name in names))
        group.write(*(Send(name, "alice", "phone", KEY[1:] + b"l", b"", 0, TEXT, b"x") for name in names))
        for name, most in (("PLACES_AT_ONCE", 1), ("PLACES_AT_ONCE", 3), ("ENTRIES_AT_ONCE", 3)):
            with patch.object(explaining, name, most):
                self.assertEqual(self.places(group, ""), 12)
                self.assertEqual(self.places(group, "alice"), 6)
        group.database.close()

    def places(self, group: Group, user: str) -> int:
        places, pages, after = 0, 0, ("", "")
        while pages == 0 or after != ("", ""):
            page = group.read(VerifyUnread(user, *after))
            assert isinstance(page, UnreadVerified)
            self.assertEqual(page.differences, ())
            places, pages, after = places + page.places, pages + 1, (page.next_conversation, page.next_user)
        self.assertGreater(pages, 1)
        return places
