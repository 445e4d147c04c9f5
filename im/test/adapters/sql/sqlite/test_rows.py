"""Rows that no command of today makes: damaged, of those who left, may not send."""

import sqlite3

from im.adapters.sql.sqlite import MemoryDatabase
from im.core.errors import Code, Refused
from im.core.limits import Limits
from im.core.messages import Pull, PullPage, Sent, Sync, SyncPage
from im.test.adapters.sql.sqlite.support import StoreTestCase
from im.testing.contracts.store import DIRECT, a_send


class RowTestCase(StoreTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.database = MemoryDatabase()
        self.addCleanup(self.database.close)
        self.write(self.make_store(self.database), *(a_send(number) for number in range(1, 6)))

    @property
    def tables(self) -> sqlite3.Connection:
        return self.database.connect_writer()

    def pull(self, backward: bool, limits: Limits | None = None) -> PullPage:
        store = self.make_store(self.database, limits)
        page = self.read(store, Pull(DIRECT, "bob", 0, backward, 0))
        assert isinstance(page, PullPage)
        return page


class PlaceholderTests(RowTestCase):
    def assert_placeholders(self, *seqs: int) -> None:
        """Check that every seq is answered both ways, and exactly these by placeholders."""
        for backward in (False, True):
            page = self.pull(backward)
            self.assertEqual([1, 2, 3, 4, 5], [entry.seq for entry in page.entries])
            self.assertEqual(list(seqs), [entry.seq for entry in page.entries if entry.kind == 0])
            self.assertEqual(set(), {entry.content for entry in page.entries if entry.kind == 0} - {b""})

    def test_purged_entries_have_placeholders(self) -> None:
        self.tables.execute("DELETE FROM message WHERE seq IN (1, 3, 5)")
        self.assert_placeholders(1, 3, 5)

    def test_undecodable_entries_have_placeholders(self) -> None:
        self.tables.execute("UPDATE message SET sender = CAST(x'ff' AS TEXT) WHERE seq IN (2, 4)")
        self.assert_placeholders(2, 4)

    def test_content_of_a_wrong_type_has_a_placeholder(self) -> None:
        self.tables.execute("UPDATE message SET content = 'text' WHERE seq = 5")
        self.assert_placeholders(5)

    def test_content_over_the_limit_has_a_placeholder(self) -> None:
        small = Limits(content_bytes=3)
        self.assertEqual([0] * 5, [entry.kind for entry in self.pull(False, small).entries])

    def test_a_sync_with_a_damaged_head_has_a_placeholder(self) -> None:
        self.tables.execute("DELETE FROM message WHERE seq = 5")
        page = self.read(self.make_store(self.database), Sync("bob", None, ""))
        assert isinstance(page, SyncPage)
        last = page.heads[0].last
        assert last is not None
        self.assertEqual((5, 0), (last.seq, last.kind))


class MemberTests(RowTestCase):
    def test_who_left_sees_up_to_there(self) -> None:
        self.tables.execute("UPDATE member SET leave_seq = 3, leave_n = 3 WHERE user_id = 'bob'")
        page = self.pull(False)
        self.assertEqual(([1, 2, 3], 3, False), ([e.seq for e in page.entries], page.head_seq, page.active))
        (result,) = self.write(self.make_store(self.database), a_send(9, "bob"))
        assert isinstance(result, Refused)
        self.assertEqual(Code.BLOCKED, result.code)

    def test_who_cleared_sees_what_came_after(self) -> None:
        self.tables.execute("UPDATE member SET clear_seq = 5, clear_n = 5 WHERE user_id = 'bob'")
        self.assertEqual(
            ([], 6, False), (self.pull(True).entries, self.pull(True).visible_from, self.pull(True).more)
        )
        page = self.read(self.make_store(self.database), Sync("bob", None, ""))
        assert isinstance(page, SyncPage)
        self.assertEqual((0, None), (page.heads[0].unread, page.heads[0].last))

    def test_who_may_not_send_still_gets_a_first_answer(self) -> None:
        self.tables.execute("UPDATE member SET can_send = 0 WHERE user_id = 'alice'")
        again, new = self.write(self.make_store(self.database), a_send(1), a_send(9))
        assert isinstance(again, Sent)
        assert isinstance(new, Refused)
        self.assertEqual((1, True, Code.BLOCKED), (again.seq, again.duplicate, new.code))


class LeaseTests(RowTestCase):
    def test_a_beat_notes_start_and_last_sign_of_life(self) -> None:
        now = [100]
        store = self.make_store(self.database, now_ms=lambda: now[0])
        now[0] = 150
        self.successResultOf(store.beat("n1"))
        now[0] = 200
        self.successResultOf(store.beat("n1"))
        self.assertEqual(
            [("n1", 100, 200)],
            self.tables.execute("SELECT node, started_ms, last_ms FROM node_lease").fetchall(),
        )
