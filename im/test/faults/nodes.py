"""A node that is killed and started again: one state folder, one port, one process after another."""

import os
import random
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from im.adapters.sql.sqlite import FileDatabase, SqliteStore, StorePolicy, inline_runners
from im.adapters.token.keys import create_key_file, load_keys
from im.adapters.token.signed import SignedTokens
from im.core.commands import Query, Result
from im.core.explaining import UnreadDifference, UnreadVerified, VerifyUnread
from im.core.limits import Limits
from im.core.messages import Entry, Head, Pull, PullPage, Sync, SyncPage
from im.tap.statedir import read_node_file
from im.test.system.processes import PATIENCE_SECONDS, Process

POLL_SECONDS = 0.02
KEY_FILE = "keys.json"
"""Where a state folder keeps its signing keys, as `docs/operating.md` says."""
TOKEN_SECONDS = 86_400.0
PORTS = range(20_000, 32_000)
"""Below those that the system gives to connections that go out: a client that dials a node that is
down must not meet itself."""


class Reads(Protocol):
    """The half of a store that reads."""

    def read(self, query: Query) -> "Deferred[Result]":
        """See `IStore.read`."""


class Served(Protocol):
    """What people connect to."""

    def addresses_of(self, user: str) -> tuple[str, ...]:
        """Where a user's client connects."""

    def token(self, user: str) -> str:
        """A token of a user."""


def free_port() -> int:
    """A port that nobody listens on."""
    for port in random.sample(PORTS, 50):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")


def sleep(reactor: Any, seconds: float) -> Deferred[None]:
    """Let time pass."""
    return deferLater(reactor, seconds, lambda: None)


async def until(
    reactor: Any, is_true: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS
) -> None:
    """Wait until a condition holds; fails naming `what` when it takes too long."""
    ends_at = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > ends_at:
            raise AssertionError(f"waited {seconds:g} s in vain for {what}")
        await sleep(reactor, POLL_SECONDS)


class FaultyNode:
    """`state` is its folder, `address` where clients find each of its processes.

    For the fail-point `hold`, whose file is `hold_file`, `reached_file` is there while a COMMIT waits.
    """

    def __init__(self, reactor: Any, folder: Path, port: int = 0, **environ: str) -> None:
        self.state = folder / "state"
        self.state.mkdir(parents=True)
        self.hold_file = folder / "hold"
        self.reached_file = folder / "hold.reached"
        self._reactor = reactor
        self._folder = folder
        self._environ = {"IM_USERS": "open", **environ}
        self.port = port or free_port()
        self.address = f"tcp:127.0.0.1:{self.port}"
        self.process: Process | None = None

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.state / "im.sqlite"

    @property
    def options(self) -> list[str]:
        """Where the node listens and keeps its state."""
        listen = f"--listen=tcp:{self.port}:interface=127.0.0.1"
        return [f"--state-dir={self.state}", listen]

    def addresses_of(self, user: str) -> tuple[str, ...]:
        """Where a user's client connects."""
        return (self.address,)

    def token(self, user: str) -> str:
        """A token of a user, by the node's key, which is made if it has none."""
        path = self.state / KEY_FILE
        ring = load_keys(path) if path.exists() else create_key_file(path)
        return SignedTokens(ring, time.time, 60.0).mint(user, TOKEN_SECONDS)

    def start(self, fail: str = "", **environ: str) -> Process:
        """Start a process, with the fail-point `fail`; see `im.testing.failpoints`."""
        twistd = ["-n", "--pidfile=", "im-gateway", *self.options, "--http=off", "--admin=off"]
        return self.run([sys.executable, "-m", "im.testing.failpoints", "--", *twistd], fail, **environ)

    def run(self, command: Sequence[str | Path], fail: str = "", **environ: str) -> Process:
        """Run a command that serves this node."""
        faults = {"IM_FAIL_COMMIT": fail} if fail else {}
        self.process = Process(command, self._folder, **self._environ, **faults, **environ)
        return self.process

    @property
    def running(self) -> Process:
        """The process that was started last."""
        assert self.process is not None
        return self.process

    def is_ready(self) -> bool:
        """Whether the process takes clients."""
        told = read_node_file(self.state)
        return told is not None and told.pid == self.running.pid

    async def ready(self) -> None:
        """Wait until it takes clients, or has ended."""
        process = self.running
        await until(self._reactor, lambda: process.has_ended or self.is_ready(), "a ready node")

    async def ended(self, seconds: float = PATIENCE_SECONDS) -> int:
        """Wait for the end of the process; its status, a negative signal if one killed it."""
        process = self.running
        await until(self._reactor, lambda: process.has_ended, "the end of the node", seconds)
        return process.wait()

    async def kill(self) -> None:
        """kill -9."""
        if not self.running.has_ended:
            self.running.send(signal.SIGKILL)
        await self.ended()

    async def terminate(self) -> int:
        """SIGTERM; the status."""
        self.running.send(signal.SIGTERM)
        return await self.ended()

    def end(self) -> None:
        """Kill whatever still runs. For cleaning up."""
        if self.process is not None:
            self.process.end()

    def stored(self) -> "Stored":
        """What the database holds."""
        return stored_in(self.database)

    def unread_differences(self) -> list[UnreadDifference]:
        """What a recount of its database finds wrong."""
        with _opened(self.database) as (_, store):
            return unread_differences(store)


class Stored(NamedTuple):
    """What is stored, by user and conversation, and by conversation."""

    heads: dict[tuple[str, str], Head]
    logs: dict[str, list[Entry]]


def stored_in(path: Path) -> Stored:
    """What a database file holds that no process uses."""
    with _opened(path) as (database, store):
        users = [row[0] for row in database.connect_reader().execute("SELECT user_id FROM users")]
        return stored_by(store, users)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[FileDatabase, SqliteStore]]:
    """A database file that no process uses, and a store on it."""
    database = FileDatabase(path)
    fatal: list[str] = []
    policy = StorePolicy(Limits(), users_open=True)
    try:
        yield database, SqliteStore(database, inline_runners(), lambda: 0, policy, fatal.append)
    finally:
        database.close()


def stored_by(store: Reads, users: Sequence[str]) -> Stored:
    """What a store that answers at once has of users."""
    heads = {(user, head.conversation): head for user in users for head in _heads(store, user)}
    return Stored(heads, {conversation: _log(store, user, conversation) for user, conversation in heads})


class View(NamedTuple):
    """How a user stands in a conversation, and all that they may see of it."""

    head: Head
    entries: list[Entry]


def views_by(store: Reads, users: Sequence[str], conversation: str) -> dict[str, View]:
    """What those of the users who have a place in a conversation see of it."""
    return {
        user: View(head, _log(store, user, conversation))
        for user in users
        for head in _heads(store, user)
        if head.conversation == conversation
    }


def _heads(store: Reads, user: str) -> list[Head]:
    heads: list[Head] = []
    after = ""
    while True:
        page = _read(store, Sync(user, None, after))
        assert isinstance(page, SyncPage)
        heads += page.heads
        after = page.next
        if not after:
            return heads


def _log(store: Reads, user: str, conversation: str) -> list[Entry]:
    entries: list[Entry] = []
    while True:
        from_seq = entries[-1].seq + 1 if entries else 1
        page = _read(store, Pull(conversation, user, from_seq, False, 200))
        assert isinstance(page, PullPage)
        entries += page.entries
        if not page.more:
            return entries


def unread_differences(store: Reads) -> list[UnreadDifference]:
    """What a recount from the messages alone finds wrong in a store that answers at once."""
    found: list[UnreadDifference] = []
    after = ("", "")
    while True:
        page = _read(store, VerifyUnread("", *after))
        assert isinstance(page, UnreadVerified)
        found += page.differences
        after = (page.next_conversation, page.next_user)
        if after == ("", ""):
            return found


def _read(store: Reads, query: Query) -> Result:
    """The answer of a store that answers at once."""
    answers: list[Result] = []
    answered: Deferred[Result] = store.read(query)
    answered.addCallback(answers.append)
    return answers[0]


def is_long() -> bool:
    """Whether `scripts/test --long` asks for more."""
    return bool(os.environ.get("IM_TEST_LONG"))
