"""A cluster whose parts are killed, frozen and started again, under people who chat."""

import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, execute
from twisted.internet.threads import deferToThread

from im.adapters.sql.policy import StorePolicy
from im.adapters.sql.postgres import PostgresDatabase, PostgresStore, StoreClock
from im.adapters.token.keys import load_keys
from im.adapters.token.signed import SignedTokens
from im.core.limits import Limits
from im.test.faults.nodes import TOKEN_SECONDS, Stored, stored_by, until
from im.testing.clusters import Cluster, ClusterPlan
from im.testing.clusters.cluster import is_ready
from im.testing.clusters.member import Member

T = TypeVar("T")


def _at_once(work: Callable[[], T]) -> "Deferred[T]":
    return execute(work)


class FaultyCluster:
    """`im.test.faults.nodes.Served` by several nodes: each user starts with one of them."""

    def __init__(self, reactor: Any, folder: Path, gateways: int = 2, business: int = 2) -> None:
        self._reactor = reactor
        self._state = folder
        plan = ClusterPlan(folder, gateways, business, {"IM_LOG_LEVEL": "info"})
        self.cluster = Cluster(plan, {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"})
        self._turns: dict[str, int] = {}
        self._numbers = itertools.count()

    def start(self) -> None:
        """Start everything. Blocks."""
        self.cluster.start()

    def addresses_of(self, user: str) -> tuple[str, ...]:
        """See `Served`."""
        turn = self._turns.setdefault(user, next(self._numbers))
        found = [told.listen[0] for each in self.gateways if (told := each.told) is not None]
        addresses = [each.replace("://", ":") for each in found]
        return tuple(addresses[(turn + number) % len(addresses)] for number in range(len(addresses)))

    def token(self, user: str) -> str:
        """See `Served`."""
        keys = load_keys(self._state / "keys.json")
        return SignedTokens(keys, time.time, 60.0).mint(user, TOKEN_SECONDS)

    @property
    def gateways(self) -> list[Member]:
        """Its nodes."""
        return [each for each in self.cluster.members if each.is_gateway]

    @property
    def workers(self) -> list[Member]:
        """Its workers."""
        return [each for each in self.cluster.members if not each.is_gateway]

    async def healed(self) -> None:
        """Start what has died, and wait until every part says that it is ready."""
        for engine in self.cluster.engines.values():
            if not engine.is_running:
                engine.start()  # In this thread, whose end would be its own.
        for member in self.cluster.members:
            if not member.is_running:
                await deferToThread(member.start)
        await until(self._reactor, self._is_ready, "a cluster that is ready again", 40.0)

    def _is_ready(self) -> bool:
        tolds = [each.told for each in self.cluster.members]
        return all(told is not None and is_ready(told.admin) for told in tolds)

    def stored(self, users: list[str]) -> Stored:
        """What the database holds of users. Blocks."""
        database = PostgresDatabase(self.cluster.urls["IM_DATABASE_URL"])
        policy = StorePolicy(Limits(), users_open=True)
        clock = StoreClock(self._reactor, lambda: 0)
        store = PostgresStore(database, _at_once, clock, policy, 4)
        try:
            return stored_by(store, users)
        finally:
            store.close()

    def stop(self) -> None:
        """End everything. Blocks."""
        self.cluster.stop()
