"""L5: the sync cursor is a commit counter and no clock."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from im.adapters.sql.policy import StorePolicy
from im.adapters.sql.runners import inline_runners
from im.adapters.sql.sqlite.memory import MemoryDatabase
from im.adapters.sql.sqlite.store import SqliteStore
from im.adapters.sql.sqlite.writer import Writer
from im.core.messages import Sync, SyncPage
from im.test.without.support import TALK, RuleTests, a_send
from im.testing.world import LIMITS


class CursorTests(RuleTests, SynchronousTestCase):
    """L5: what is stored after a sync is in the next one, though the clock was set back between."""

    def schedule(self) -> Sequence[str]:
        self.now_ms = 1_000
        policy = StorePolicy(LIMITS, users_open=True)
        store = SqliteStore(MemoryDatabase(), inline_runners(), lambda: self.now_ms, policy, self.fail_with)
        store.write([a_send(1)])
        self.now_ms = 10_000
        store.write([a_send(2, "carol", "d~bob~carol")])
        first = self.successResultOf(store.read(Sync("bob", None, "")))
        assert isinstance(first, SyncPage)
        self.now_ms = 5_000
        store.write([a_send(3)])
        second = self.successResultOf(store.read(Sync("bob", first.cursor, "")))
        assert isinstance(second, SyncPage)
        told = [head.conversation for head in second.heads]
        return [] if TALK in told else ["the last message is skipped for ever"]

    def fail_with(self, why: str) -> None:
        raise AssertionError(why)

    def without(self) -> AbstractContextManager[object]:
        write: Callable[[Writer], None] = Writer._write

        def stamp_with_the_clock(self: Writer) -> None:
            self._changes = self._now_ms() - 1
            write(self)

        return mock.patch.object(Writer, "_write", stamp_with_the_clock)
