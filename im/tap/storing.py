"""The node's SQLite store while the node runs: its file, its threads, its lease."""

import time
from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from im.adapters.sql.sqlite import (
    FileDatabase,
    SqliteStore,
    StorePolicy,
    ThreadedRunners,
    UnusableDatabaseError,
)
from im.business.offline import OFFLINE_MESSAGE
from im.core.online_time import LEASE_MS
from im.core.reaching import HOOKS
from im.ports import UnavailableError
from im.tap.config import Config
from im.tap.hooks import installed_hooks
from im.tap.node import StartError
from im.tap.process import INodeReactor

LEASE_SECONDS = LEASE_MS / 1000
"""Between notes in the tables that the node lives; after a crash they tell when it did last."""


def now_ms() -> int:
    """Wall time in Unix milliseconds."""
    return time.time_ns() // 1_000_000


class OpenStore:
    """The store of a configuration, from `open` to `close`."""

    _log = Logger()

    def __init__(self, config: Config, reactor: INodeReactor, on_fatal: Callable[[str], None]) -> None:
        self._node = config.node
        self._database = FileDatabase(config.database)
        try:
            self._database.open()
        except UnusableDatabaseError as error:
            raise StartError(f"{error}.") from None
        self._runners = ThreadedRunners(reactor)
        runners = self._runners.start()
        self.store = SqliteStore(self._database, runners, now_ms, policy_of(config), on_fatal)
        self._lease = LoopingCall(self._beat)
        self._lease.clock = reactor
        self._lease.start(LEASE_SECONDS).addErrback(self._lease_failed)

    def _beat(self) -> "Deferred[None]":
        return self.store.beat(self._node).addErrback(self._not_noted)

    def _not_noted(self, failure: Failure) -> None:
        failure.trap(UnavailableError)  # The store tells it as its problem, and the next beat tries again.

    def _lease_failed(self, failure: Failure) -> None:
        self._log.failure("the node notes no more in its tables that it lives", failure)

    async def close(self) -> None:
        """Finish what was given to the store, and give the file up."""
        self._lease.stop()
        await self._runners.stop()
        self._database.close()


def policy_of(config: Config) -> StorePolicy:
    """What the store of a configuration allows, whatever its database."""
    return StorePolicy(
        config.limits,
        config.users == "open",
        config.time_zone,
        config.direct != "anyone",
        _away_consumers(),
    )


def _away_consumers() -> frozenset[str]:
    """Who wants to know of messages that reached nobody."""
    is_wanted = any(each.handler.wants(OFFLINE_MESSAGE) for each in installed_hooks())
    return frozenset({HOOKS}) if is_wanted else frozenset()
