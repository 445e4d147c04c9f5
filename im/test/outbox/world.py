"""A database in memory, a clock, a node that answers as it is told, and relays between them."""

import json
from collections import defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Engine, create_engine, func, select
from sqlalchemy.pool import StaticPool
from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from im.outbox import create_tables, push
from im.outbox.notes import Note
from im.outbox.relay import Relay, RelayParts, RelaySettings
from im.outbox.rows import Rows
from im.outbox.tables import waiting
from im.outbox.thread import InThread
from im.outbox.verdict import Answer, Outcome, of_answer

T = TypeVar("T")
NOW_MS = 1_800_000_000_000
LEASE_MS = 15_000
STORED = Answer(200, "", b'{"id": "0", "stored": 1, "unknown": []}')
DOWN = Answer(503, "", b'{"error": {"text": "not now"}}')
BROKEN = Answer(500, "", b"oops")


def at_once(work: Callable[[], T]) -> "Deferred[T]":
    """No thread at all."""
    return execute(work)


def memory_engine() -> Engine:
    """A database that only this process has, with the tables."""
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    create_tables(engine)
    return engine


class Asked(NamedTuple):
    """One request that reached the node, and what fires with its outcome."""

    key: str
    body: dict[str, Any]
    raw: bytes
    answer: "Deferred[Outcome]"


class FakeNode:
    """Keeps every request; answers at once while `says` is set, else when it is told to."""

    def __init__(self) -> None:
        self.says: Answer | None = STORED
        self.asked: list[Asked] = []

    def post(self, key: str, body: bytes) -> "Deferred[Outcome]":
        """See `im.outbox.relay.Post`."""
        asked = Asked(key, json.loads(body), body, Deferred())
        self.asked.append(asked)
        if self.says is not None:
            asked.answer.callback(of_answer(self.says))
        return asked.answer

    @property
    def events(self) -> list[Any]:
        """The events of all requests, in order."""
        return [asked.body["event"] for asked in self.asked]

    def events_by_user(self) -> dict[str, list[Any]]:
        """The same for each user."""
        found = defaultdict(list)
        for asked in self.asked:
            for user in asked.body["to"]:
                found[user].append(asked.body["event"])
        return dict(found)


class RelayCase(SynchronousTestCase):
    """Tests of relays."""

    def setUp(self) -> None:
        """Nothing waits yet."""
        self.clock = Clock()
        self.engine = memory_engine()
        self.addCleanup(self.engine.dispose)
        self.node = FakeNode()
        self.notes: list[Note] = []
        self.skew_ms = 0

    def now_ms(self) -> int:
        """The wall clock's time."""
        return NOW_MS + int(self.clock.seconds() * 1000) + self.skew_ms

    def push(self, users: str | list[str], event: Any = "", **more: Any) -> str:
        """Push in a transaction of its own."""
        with self.engine.begin() as connection:
            return push(connection, users, event, **more)

    def relay(
        self,
        name: str = "r1",
        post: Callable[..., Any] | None = None,
        in_thread: InThread = at_once,
        **settings: Any,
    ) -> Relay:
        """A relay, not yet running."""
        chosen = RelaySettings(**settings)
        rows = Rows(self.engine, name, int(chosen.lease * 1000))
        parts = RelayParts(
            rows, post or self.node.post, in_thread, self.now_ms, lambda: 0.0, self.notes.append
        )
        return Relay(self.clock, parts, chosen)

    def run_relay(self, relay: Relay, *, is_once: bool = False) -> "Deferred[None]":
        """Start it; it is stopped with the test."""
        running = Deferred.fromCoroutine(relay.run(is_once=is_once))
        self.addCleanup(self.stop, relay, running)
        return running

    def stop(self, relay: Relay, running: "Deferred[None]") -> None:
        """End it."""
        relay.stop()
        self.clock.pump([0.1] * 60)
        self.successResultOf(running.addErrback(lambda _: None))

    def pass_time(self, seconds: float) -> None:
        """Let time pass, in small steps."""
        self.clock.pump([0.05] * round(seconds / 0.05))

    def waiting(self) -> int:
        """How many rows wait."""
        with self.engine.connect() as connection:
            return connection.execute(select(func.count()).select_from(waiting)).scalar_one()
