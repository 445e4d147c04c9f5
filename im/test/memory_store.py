"""The store of tests that are about something above it."""

from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from im.adapters.sql.sqlite import MemoryDatabase, SqliteStore, StorePolicy, inline_runners
from im.core.limits import Limits

OPEN = StorePolicy(Limits(), users_open=True)


def memory_store(
    case: SynchronousTestCase, now_ms: Callable[[], int] = lambda: 1_000, policy: StorePolicy = OPEN
) -> SqliteStore:
    """An empty one that works at once, in memory. It ends with the test; what is fatal to it fails that."""
    database = MemoryDatabase()
    case.addCleanup(database.close)
    return SqliteStore(database, inline_runners(), now_ms, policy, case.fail)
