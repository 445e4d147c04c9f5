"""The state file: what was committed is there after a kill, and nobody else gets at it."""

import os
import sqlite3
import stat
import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

from im.client import Client, ClientSettings, Head, SqliteState, StateLockedError, StateVersionError
from im.client.core.state import Saved, Unsent, Watermark
from im.client.memory_state import MemoryState
from im.core.messages import Entry, SyncCursor
from im.core.relations import Contact
from im.test.client.network import FakeNode

LAST = Entry(3, 3, 1, "bob", b"\x00" * 16, 7, b"\xffhello")
HEADS = [
    Head("d~alice~bob", 3, 3, 7, 1, 2, 3, 1, True, 0, 0, 1, 2, LAST),
    Head("d~alice~carol", 0, 0, 0, 0, 0, 0, 1, False, 4, 0, 0, 0, None, Contact("Carol", pinned=True)),
]
MARK = Watermark("d~alice~bob", "epoch-1", 2)


class SqliteStateTests(SynchronousTestCase):
    """One file."""

    def setUp(self) -> None:
        self.path = self.mktemp()
        self.state = SqliteState(self.path)
        self.addCleanup(lambda: self.state.close())

    def reopen(self) -> Saved:
        self.state.close()
        self.state = SqliteState(self.path)
        return self.state.load()

    def test_a_new_file_has_a_device_that_stays(self) -> None:
        device = self.state.load().device
        self.assertTrue(device)
        self.assertEqual(self.reopen(), Saved("", device, 0, None, [], [], []))

    def test_everything_comes_back_as_it_was(self) -> None:
        self.state.save_attempt(2**63)
        self.state.save_sync("alice", SyncCursor("epoch-1", 9), HEADS, [MARK])
        messages = [Unsent("c", bytes([n]) * 16, n, 1, b"\x00text") for n in (2, 1, 3)]
        for message in messages:
            self.state.add_unsent(message)
        self.state.remove_unsent(messages[1].client_msg_id)
        saved = self.reopen()
        self.assertEqual(
            saved._replace(device=""),
            Saved("alice", "", 2**63, SyncCursor("epoch-1", 9), HEADS, [MARK], [messages[0], messages[2]]),
        )

    def test_the_memory_keeps_the_same(self) -> None:
        states = (self.state, MemoryState(self.state.load().device))
        for state in states:
            state.save_attempt(5)
            state.save_sync("alice", SyncCursor("e", 9), HEADS, [MARK])
            state.save_watermark(MARK._replace(seq=3))
            state.add_unsent(Unsent("c", b"1" * 16, 0, 1, b"x"))
            state.remove_unsent(b"2" * 16)
            state.commit()
        self.assertEqual(states[0].load(), states[1].load())

    def test_only_its_owner_may_read_it(self) -> None:
        self.state.save_attempt(1)
        self.state.commit()
        for name in (self.path, f"{self.path}-wal"):
            self.assertEqual(stat.S_IMODE(os.stat(name).st_mode), 0o600)

    def test_two_cannot_use_it_at_once(self) -> None:
        self.assertRaises(StateLockedError, SqliteState, self.path)
        self.state.save_attempt(1)
        self.assertEqual(self.reopen().attempt, 1)

    def test_what_was_not_committed_is_not_there(self) -> None:
        script = (
            "import os, sys; from im.client import SqliteState\n"
            "state = SqliteState(sys.argv[1]); state.save_attempt(7); state.commit()\n"
            "state.save_attempt(8); os._exit(9)\n"
        )
        path = self.mktemp()
        died = subprocess.run([sys.executable, "-c", script, path], check=False, timeout=30)
        self.assertEqual(died.returncode, 9)
        state = SqliteState(path)
        self.assertEqual(state.load().attempt, 7)
        state.close()

    def test_a_failed_commit_leaves_nothing_of_itself(self) -> None:
        state = SqliteState(self.mktemp())
        state.save_attempt(7)
        state.save_watermark(Watermark("c", "e", 2**70))
        self.assertRaises(OverflowError, state.commit)
        self.assertEqual(state.load().attempt, 0)
        self.assertRaises(OverflowError, state.close)

    def test_another_file_is_left_alone(self) -> None:
        path = self.mktemp()
        with open(path, "wb") as file:
            file.write(b"not a database, but somebody's letter" * 100)
        self.assertRaises(StateVersionError, SqliteState, path)

    def test_a_newer_file_is_left_alone(self) -> None:
        self.state.close()
        database = sqlite3.connect(self.path)
        database.execute("PRAGMA user_version = 99")
        database.close()
        self.assertRaises(StateVersionError, SqliteState, self.path)

    def test_a_client_goes_on_where_the_last_one_was(self) -> None:
        node = FakeNode()
        for expected in (0, 1):
            client = Client(
                ClientSettings(addresses=("tcp:a:1",), token="t", state=self.state),
                node.clock,
                endpoints=node.endpoint,
            )
            self.assertEqual(client.unsent, expected)
            if expected:
                client.start()
                node.turns()
                self.assertEqual((node.seq, client.unsent), (1, 0))
            else:
                client.send("d~alice~bob", "hello").addErrback(lambda _: None)
            stopped = client.stop()
            node.wait(3.0)
            self.successResultOf(stopped)
            self.state = SqliteState(self.path)
        self.assertEqual(self.state.load().user, "alice")
