"""Clients and nodes that are killed: the ledger of real processes is within its bound of the truth."""

import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from typing import NamedTuple

from twisted.internet import reactor

from im.test.faults.case import FaultCase
from im.test.faults.nodes import FaultyNode, until

CLIENT = """
import sys
from twisted.internet import reactor
from im.client import Client, ClientSettings, MemoryState
address, token = sys.argv[1:]
client = Client(ClientSettings(addresses=(address,), token=token, state=MemoryState()), reactor)
client.start()
reactor.run()
"""
HEARTBEAT = 1.0
MORE_MS = 500
"""The truth here is seen from outside, by polling."""


class Row(NamedTuple):
    """A session in the tables."""

    user: str
    opened_ms: int
    closed_ms: int | None
    reason: str
    bound_ms: int


class OnlineTimeTests(FaultCase):
    def setUp(self) -> None:
        super().setUp()
        self.node = self.make_node(IM_HEARTBEAT_SECONDS=str(HEARTBEAT))

    def rows(self, node: FaultyNode) -> dict[str, Row]:
        """The last session of each user, read beside the node."""
        if not node.database.exists():
            return {}
        columns = "user_id, opened_ms, closed_ms, reason, bound_ms"
        with closing(sqlite3.connect(f"file:{node.database}?mode=ro", uri=True)) as connection:
            found = connection.execute(f"SELECT {columns} FROM online_session ORDER BY opened_ms")
            return {row[0]: Row(*row) for row in found}

    def client(self, user: str) -> "subprocess.Popen[bytes]":
        """A client in a process of its own."""
        command = [sys.executable, "-c", CLIENT, self.node.address, self.node.token(user)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def is_open(self, user: str) -> bool:
        row = self.rows(self.node).get(user)
        return row is not None and row.closed_ms is None

    def assert_within(self, row: Row, ended_ms: int) -> int:
        """The end is within its bound of the truth; by how much it is off."""
        assert row.closed_ms is not None, row
        error_ms = abs(row.closed_ms - ended_ms)
        self.assertLessEqual(error_ms, row.bound_ms + MORE_MS, row)
        return error_ms

    async def test_a_killed_client_and_a_frozen_one_end_where_they_were_heard(self) -> None:
        self.node.start()
        await self.node.ready()
        killed, frozen = self.client("killed"), self.client("frozen")
        await until(reactor, lambda: self.is_open("killed") and self.is_open("frozen"), "two sessions")
        await self.sleep(1.5)
        ended_ms = _now_ms()
        killed.send_signal(signal.SIGKILL)
        frozen.send_signal(signal.SIGSTOP)
        await until(
            reactor, lambda: not self.is_open("killed") and not self.is_open("frozen"), "both to end", 10.0
        )
        rows = self.rows(self.node)
        self.assertIn(rows["killed"].reason, ("closed", "lost"))
        self.assertEqual("heartbeat", rows["frozen"].reason)
        errors = [self.assert_within(rows[user], ended_ms) for user in ("killed", "frozen")]
        print(f"killed {errors[0]} ms off, frozen {errors[1]} ms off")

    async def test_a_killed_node_s_sessions_end_with_its_lease_when_it_is_back(self) -> None:
        self.node.start()
        await self.node.ready()
        client = self.client("alice")
        await until(reactor, lambda: self.is_open("alice"), "a session")
        await self.sleep(2.0)
        ended_ms = _now_ms()
        await self.node.kill()
        client.kill()
        self.assertTrue(self.is_open("alice"))
        self.node.start()
        await self.node.ready()
        row = self.rows(self.node)["alice"]
        self.assertEqual("node_died", row.reason)
        error_ms = self.assert_within(row, ended_ms)
        print(f"{error_ms} ms off, bound {row.bound_ms} ms")

    async def test_a_drained_node_leaves_nothing_open(self) -> None:
        self.node.start()
        await self.node.ready()
        self.client("alice")
        await until(reactor, lambda: self.is_open("alice"), "a session")
        ended_ms = _now_ms()
        await self.end_well(self.node)
        row = self.rows(self.node)["alice"]
        self.assertEqual("drained", row.reason)
        self.assert_within(row, ended_ms)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
