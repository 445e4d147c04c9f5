"""A disk that is full, a database that others lock, a COMMIT that fails: what clients hear meanwhile."""

import sqlite3
import sys
from pathlib import Path

from twisted.internet.threads import deferToThread

from im.adapters.sql.sqlite import FileDatabase
from im.adapters.sql.sqlite.connection import SqliteConnection
from im.adapters.token.keys import load_keys
from im.core.errors import Code
from im.proto.base_pb2 import Error
from im.proto.chat_pb2 import Chat, SendAck
from im.proto.sync_pb2 import Page, Pull
from im.tap import storing
from im.tap.statedir import NodeFile
from im.test.system.bad_input import CONVERSATION, FREE, BadInputCase
from im.test.system.processes import Process, ready_node
from im.test.system.raw_client import RawClient

BUSY_MS = 50
LARGE = b"x" * 30_000
MANY_PAGES = 1_000_000


class WatchedDatabase(FileDatabase):
    """A database file whose writing connection tests get at; it waits for no lock."""

    writer: sqlite3.Connection | None = None

    def __init__(self, path: Path) -> None:
        super().__init__(path, busy_ms=BUSY_MS)

    def connect_writer(self) -> SqliteConnection:
        connection = super().connect_writer()
        self.writer = self.writer or connection
        return connection


class StorageTests(BadInputCase):
    def setUp(self) -> None:
        super().setUp()
        self.databases: list[WatchedDatabase] = []
        self.patch(storing, "FileDatabase", self.open_database)

    def open_database(self, path: Path) -> WatchedDatabase:
        self.databases.append(WatchedDatabase(path))
        return self.databases[-1]

    def limit_pages(self, pages: int) -> None:
        """Let the database file grow to so many pages, at least to what it has."""
        writer = self.databases[-1].writer
        assert writer is not None
        writer.execute(f"PRAGMA max_page_count = {pages}")

    def lock_database(self) -> sqlite3.Connection:
        """Somebody else writes, until the connection says ROLLBACK."""
        other = sqlite3.connect(self.state / "im.sqlite", isolation_level=None)
        self.addCleanup(other.close)
        other.execute("BEGIN IMMEDIATE")
        return other

    async def assert_unavailable(self, client: RawClient, message: Chat) -> None:
        error = await client.expect(Error, client.ask(message))
        self.assertEqual((Code.UNAVAILABLE, True), (error.code, error.retryable))

    async def assert_not_ready(self, reason: str) -> None:
        status, text = await self.readiness()
        self.assertEqual(503, status, text)
        self.assertIn('"store"', text)
        self.assertIn(reason, text)

    async def assert_head(self, client: RawClient, seq: int) -> None:
        """Reading goes on, and finds so many messages."""
        page = await client.expect(Page, client.ask(Pull(conversation=CONVERSATION)))
        self.assertEqual(seq, page.head_seq)

    async def check_a_full_disk_makes_sends_unavailable_until_it_has_room(self) -> None:
        await self.start_node()
        client = await self.log_in("alice")
        await client.expect(SendAck, client.ask(self.chat()))
        self.limit_pages(1)
        message = self.chat(LARGE)
        for _ in range(2):
            await self.assert_unavailable(client, message)
            await self.assert_not_ready("full")
            await self.assert_head(client, 1)
        self.limit_pages(MANY_PAGES)
        self.assertEqual(2, (await client.expect(SendAck, client.ask(message))).seq)
        self.assertEqual(200, (await self.readiness())[0])

    async def check_a_locked_database_makes_sends_unavailable_until_it_is_free(self) -> None:
        await self.start_node()
        client = await self.log_in("alice")
        await client.expect(SendAck, client.ask(self.chat()))
        other = self.lock_database()
        message = self.chat()
        await self.assert_unavailable(client, message)
        await self.assert_not_ready("locked")
        await self.assert_head(client, 1)
        other.execute("ROLLBACK")
        self.assertEqual(2, (await client.expect(SendAck, client.ask(message))).seq)
        self.assertEqual(200, (await self.readiness())[0])

    async def check_a_login_meanwhile_is_told_to_come_back(self) -> None:
        await self.start_node()
        other = self.lock_database()
        client = await self.connect()
        close = await self.assert_closed(client, Code.UNAVAILABLE, client.ask(self.online("alice")))
        self.assertTrue(close.reconnect)
        other.execute("ROLLBACK")
        await self.assert_alive(await self.log_in("alice"))

    async def test_readiness_heals_without_any_client(self) -> None:
        self.patch(storing, "LEASE_SECONDS", 0.1)
        await self.start_node()
        other = self.lock_database()
        while (await self.readiness())[0] == 200:
            await self.pause(0.01)
        await self.assert_not_ready("locked")
        other.execute("ROLLBACK")
        while (await self.readiness())[0] != 200:
            await self.pause(0.01)

    async def test_readiness_heals_without_any_client_after_a_full_disk(self) -> None:
        self.patch(storing, "LEASE_SECONDS", 0.1)
        await self.start_node()
        client = await self.log_in("alice")
        await client.expect(SendAck, client.ask(self.chat()))
        self.limit_pages(1)
        await self.assert_unavailable(client, self.chat(LARGE))
        await client.leave()
        self.limit_pages(MANY_PAGES)
        while (await self.readiness())[0] != 200:
            await self.pause(0.01)


class FailedCommitTests(BadInputCase):
    async def start_process(self) -> tuple[Process, Path]:
        """A node in a process of its own; its COMMITs fail once the file exists."""
        armed = self.state / "armed"
        tls = f"--listen=tls:{FREE}:cert={self.state}/cert.pem:key={self.state}/key.pem"
        options = ["-n", "--pidfile=", "im-gateway", f"--state-dir={self.state}", "--users=open"]
        ports = [f"--listen=tcp:{FREE}", tls, f"--http=tcp:{FREE}", "--admin=off"]
        command: list[str | Path] = [sys.executable, "-m", "im.testing.failpoints", "--", *options, *ports]
        environ = {"IM_FAIL_COMMIT": "error:1", "IM_FAIL_FILE": str(armed)}
        process = Process(command, self.state, **environ)
        self.addCleanup(process.end)

        def ready() -> NodeFile:
            return ready_node(self.state, process)

        self.told = await deferToThread(ready)
        self.keys = load_keys(self.state / "keys.json")
        return process, armed

    async def check_any_other_error_at_commit_ends_the_process_unacknowledged(self) -> None:
        process, armed = await self.start_process()
        client = await self.log_in("alice")
        await client.expect(SendAck, client.ask(self.chat()))
        armed.touch()
        client.ask(self.chat())
        self.assertEqual(1, await deferToThread(process.wait))
        self.assertIn("disk I/O error", process.err)
        self.assertEqual(1, len(process.err.splitlines()), process.err)
        await client.until(lambda: False)
        self.assertEqual([], [each for each in client.take() if isinstance(each, SendAck)])
