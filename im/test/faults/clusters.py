"""A cluster whose parts are killed, frozen and started again, under people who chat."""

import itertools
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import pika
from twisted.internet.defer import Deferred
from twisted.internet.threads import blockingCallFromThread, deferToThread

from im.adapters.amqp.topology import Topology
from im.adapters.redis.connection import RedisConnection, place_of
from im.adapters.redis.directory import Directory
from im.adapters.redis.layout import Keys
from im.adapters.sql.policy import StorePolicy
from im.adapters.sql.postgres import PostgresDatabase, PostgresStore, StoreClock
from im.adapters.sql.runners import inline_runners
from im.adapters.token.keys import load_keys
from im.adapters.token.signed import SignedTokens
from im.core.explaining import UnreadDifference
from im.core.limits import Limits
from im.ports import Session
from im.test.faults.nodes import TOKEN_SECONDS, Stored, View, stored_by, unread_differences, until, views_by
from im.testing.clusters import Cluster, ClusterPlan
from im.testing.clusters.cluster import is_ready
from im.testing.clusters.member import Member
from im.testing.proxies import Proxy

T = TypeVar("T")


PREFIX = "im"
SHARDS = 4


def _length(channel: Any, queue: str) -> int:
    length: int = channel.queue_declare(queue, passive=True).method.message_count
    return length


class FaultyCluster:
    """`im.test.faults.nodes.Served` by several nodes: each user starts with one of them."""

    def __init__(
        self, reactor: Any, folder: Path, gateways: int = 2, business: int = 2, **environ: str
    ) -> None:
        self._reactor = reactor
        self._state = folder
        self.ways: dict[str, Proxy] = {}
        """Between two parts, by their names: `worker-1 and redis`, `people and node-1`."""
        self._doors: dict[str, str] = {}
        plan = ClusterPlan(folder, gateways, business, {"IM_LOG_LEVEL": "info", **environ}, self._way)
        self.cluster = Cluster(plan, {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"})
        self._turns: dict[str, int] = {}
        self._numbers = itertools.count()

    def start(self) -> None:
        """Start everything. Blocks."""
        self.cluster.start()
        for each in self.gateways:
            assert each.told is not None
            self._doors[each.name] = self._way("people", each.name, each.told.listen[0])

    def addresses_of(self, user: str) -> tuple[str, ...]:
        """See `Served`."""
        turn = self._turns.setdefault(user, next(self._numbers))
        addresses = [door.replace("://", ":") for door in self._doors.values()]
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
        with self._store() as store:
            return stored_by(store, users)

    def views(self, users: list[str], conversation: str) -> dict[str, View]:
        """What the database has users see of a conversation. Blocks."""
        with self._store() as store:
            return views_by(store, users, conversation)

    def unread_differences(self) -> list[UnreadDifference]:
        """Every place whose unread number is not the number of messages that are there. Blocks."""
        with self._store() as store:
            return unread_differences(store)

    @contextmanager
    def _store(self) -> Iterator[PostgresStore]:
        database = PostgresDatabase(self.cluster.urls["IM_DATABASE_URL"])
        policy = StorePolicy(Limits(), users_open=True)
        clock = StoreClock(self._reactor, lambda: 0)
        store = PostgresStore(database, inline_runners().read, clock, policy, SHARDS)
        try:
            yield store
        finally:
            store.close()

    @property
    def ways_in_use(self) -> Sequence[str]:
        """All but those of nodes to the database, where they have no business."""
        unused = {f"{each.name} and postgresql" for each in self.gateways}
        return [name for name in self.ways if name not in unused]

    async def sessions(self, user: str) -> list[Session]:
        """A user's, as the registry knows them."""
        connection = RedisConnection(place_of(self.cluster.urls["IM_REDIS_URL"]), self._reactor)
        try:
            return await Directory(connection, Keys(PREFIX), "", self._reactor).sessions(user)
        finally:
            await connection.close()

    async def generation(self, node: str) -> str:
        """Under which a node is registered now; "" if it isn't."""
        return str(await self._of_lease("return redis.call('HGET', KEYS[1], 'generation') or ''", node))

    async def forget(self, node: str) -> None:
        """End a node's lease."""
        await self._of_lease("return redis.call('DEL', KEYS[1])", node)

    async def _of_lease(self, script: str, node: str) -> Any:
        connection = RedisConnection(place_of(self.cluster.urls["IM_REDIS_URL"]), self._reactor)
        try:
            return await connection.call(script, [Keys(PREFIX).lease(node)], [])
        finally:
            await connection.close()

    def poison(self, addresses: Sequence[str]) -> int:
        """Put what is no message of ours into every queue; how many dead letters there were. Blocks."""
        topology = Topology(PREFIX, SHARDS)
        names = [topology.node_name(each) for each in addresses]
        names += [topology.shard(number).name for number in range(SHARDS)]
        with self._channel() as channel:
            before = _length(channel, topology.dead.name)
            for name in (*names, topology.push.name):
                channel.basic_publish("", name, b"\xffnothing of ours")
        return before

    def dead_letters(self) -> int:
        """How many there are. Blocks."""
        with self._channel() as channel:
            return _length(channel, Topology(PREFIX, SHARDS).dead.name)

    @contextmanager
    def _channel(self) -> Iterator[Any]:
        connection = pika.BlockingConnection(pika.URLParameters(self.cluster.urls["IM_AMQP_URL"]))
        try:
            yield connection.channel()
        finally:
            connection.close()

    def stop(self) -> None:
        """End everything. Blocks."""
        self.cluster.stop()
        for way in self.ways.values():
            self._wait_for(way.close)

    def _wait_for(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        begin: Callable[..., Any] = Deferred.fromCoroutine
        return cast(T, blockingCallFromThread(self._reactor, begin, work()))

    def _way(self, member: str, part: str, url: str) -> str:
        """A way of its own from a member to a part. Blocks."""
        address = urlsplit(url)
        assert address.port is not None
        way = self.ways[f"{member} and {part}"] = Proxy(self._reactor, address.port)
        port = self._wait_for(way.listen)
        return url.replace(f":{address.port}", f":{port}")
