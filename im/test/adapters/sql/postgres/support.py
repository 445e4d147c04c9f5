"""Databases of their own on the test run's PostgreSQL, and stores on them that work at once."""

from collections.abc import Sequence
from functools import cache

import psycopg2
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from im.adapters.sql.policy import StorePolicy
from im.adapters.sql.postgres import (
    OutboxRow,
    PostgresDatabase,
    PostgresStore,
    ShardStore,
    StoreClock,
    migrate,
    outbox,
)
from im.adapters.sql.runners import T, inline_runners
from im.adapters.sql.schema import SCHEMA_VERSION
from im.core.commands import Query, Result, Write
from im.core.limits import Limits
from im.testing.services import shared
from im.testing.services.scratch import create, template

PARTITIONS = 4

_EMPTY = (
    "DO $$ DECLARE name text; BEGIN FOR name IN SELECT c.relname FROM pg_class AS c"
    " WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace"
    " AND c.relname NOT IN ('meta', 'alembic_version') LOOP EXECUTE 'DELETE FROM ' || quote_ident(name);"
    " END LOOP; UPDATE meta SET changes = 0, online_zone = ''; END $$"
)


def fresh_database() -> str:
    """The URL of a database with empty tables, which goes with the test run's server."""
    server = shared("postgres")
    return create(server, template(server, f"im_tables_{SCHEMA_VERSION}_{PARTITIONS}", _fill))


def _fill(url: str) -> None:
    migrate(url, PARTITIONS)


@cache
def common_database() -> str:
    """The URL of a database that tests empty before they use it: cheaper than a new one each."""
    return fresh_database()


def execute(url: str, sql: str) -> list[tuple[object, ...]]:
    """Run a statement of the test's own."""
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def settle(url: str) -> None:
    """Wait until no transaction of the server began before now: while one runs, cursors of syncs tell twice.

    Other tests use other databases of the same server.
    """
    ((newest,),) = execute(url, "SELECT pg_snapshot_xmax(pg_current_snapshot())::text")
    is_over = f"SELECT pg_snapshot_xmin(pg_current_snapshot()) >= '{newest}'::xid8 FROM pg_sleep(0.002)"
    while execute(url, is_over) != [(True,)]:
        pass


def emptied() -> str:
    """The common database, with nothing in its tables."""
    url = common_database()
    execute(url, _EMPTY)
    return url


class PostgresTestCase(SynchronousTestCase):
    """Tests with stores whose work is done at once, on `self.url`."""

    def setUp(self) -> None:
        self.url = emptied()
        self.now_ms = 1_000_000
        self.clock = Clock()

    def make_store(
        self, shards: int = 1, limits: Limits | None = None, users_open: bool = True
    ) -> PostgresStore:
        policy = StorePolicy(limits or Limits(), users_open)
        time = StoreClock(self.clock, lambda: self.now_ms)
        store = PostgresStore(PostgresDatabase(self.url), inline_runners().read, time, policy, shards)
        self.addCleanup(store.close)
        return store

    def claim(self, store: PostgresStore, shard: int = 0, owner: str = "one") -> ShardStore:
        claimed = self.successResultOf(store.claim(shard, owner))
        self.addCleanup(claimed.close)
        return claimed

    def write(self, store: ShardStore, *batch: Write) -> list[Result]:
        return self.successResultOf(store.write(batch))

    def read(self, store: PostgresStore | ShardStore, query: Query) -> Result:
        return self.successResultOf(store.read(query))

    def failure_of(self, outcome: "Deferred[T]", kind: type[Exception]) -> str:
        return str(self.failureResultOf(outcome, kind).value)

    def rows(self) -> Sequence[OutboxRow]:
        """All rows of the outbox, which count as taken just now."""
        connection = PostgresDatabase(self.url).connect()
        try:
            return outbox.take_overdue(connection, 0, -(1 << 60), 1_000)
        finally:
            connection.close()
