"""Old messages, of a node and of a cluster: a shard's owner purges what is its own, and nobody else does."""

from typing import Any, cast

from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from im.adapters.sql.policy import StorePolicy
from im.adapters.sql.postgres import PostgresStore, ShardStore
from im.adapters.sql.runners import inline_runners
from im.adapters.sql.sqlite.memory import MemoryDatabase
from im.adapters.sql.sqlite.store import SqliteStore
from im.adapters.token.authenticator import TokenAuthenticator
from im.adapters.token.keys import KeyRing
from im.adapters.token.signed import SignedTokens
from im.business.purging import FAILED_SECONDS, FIRST_SECONDS, REST_SECONDS, Purge, PurgeCounts
from im.core.entries import PLACEHOLDER, TEXT
from im.core.limits import Limits
from im.core.messages import Pull, PullPage
from im.core.shards import shard_of
from im.ports import IStore
from im.tap.cluster.shards import AnnouncedStore
from im.tap.config import Config
from im.tap.embedded import EmbeddedCore, Needs
from im.tap.process import INodeReactor
from im.tap.purging import make_purge, purge_metrics
from im.test.adapters.sql.postgres.support import PostgresTestCase
from im.testing.contracts.store_base import DIRECT, a_send

SHARDS = 2
OTHER = "d~alice~dora"
KEPT = Config(message_days=30)


class NodeTests(SynchronousTestCase):
    def kinds(self, config: Config) -> list[int]:
        """What is left of a message of 1970 a little after a node started."""
        reactor: Any = MemoryReactorClock()
        policy = StorePolicy(Limits(), users_open=True)
        store = SqliteStore(MemoryDatabase(), inline_runners(), lambda: 0, policy, lambda _: None)
        self.successResultOf(store.write([a_send(1)]))
        tokens = SignedTokens(KeyRing("k", {"k": b"k" * 32}), reactor.seconds, 60)
        core = EmbeddedCore(Needs(config, reactor, store, TokenAuthenticator(tokens)))
        core.start()
        reactor.pump([FIRST_SECONDS, *[REST_SECONDS] * 3])
        core.stop()
        (purged,) = purge_metrics(core.purge_counts)
        page = self.successResultOf(store.read(Pull(DIRECT, "bob", 1, False, 0)))
        assert isinstance(page, PullPage)
        kinds = [entry.kind for entry in page.entries]
        self.assertEqual(purged.read(), kinds.count(PLACEHOLDER))
        return kinds

    def test_a_node_removes_what_is_older_than_its_setting(self) -> None:
        self.assertEqual([PLACEHOLDER], self.kinds(KEPT))

    def test_without_the_setting_everything_is_kept(self) -> None:
        self.assertEqual([TEXT], self.kinds(Config()))


class ClusterTests(PostgresTestCase):
    uses_processes = True

    def setUp(self) -> None:
        super().setUp()
        self.assertNotEqual(shard_of(DIRECT, SHARDS), shard_of(OTHER, SHARDS))
        self.store = self.make_store(SHARDS)
        self.shards = [self.claim(self.store, number) for number in range(SHARDS)]
        self.counts = PurgeCounts()
        for name in (DIRECT, OTHER):
            self.write(self.shards[shard_of(name, SHARDS)], a_send(1, conversation=name))
        self.rows_before = len(self.rows())

    def purge(self, shard: ShardStore, number: int) -> Purge:
        """The duty of a shard's owner, begun."""
        announced = cast(IStore, AnnouncedStore(shard, number, 0))
        reactor = cast(INodeReactor, self.clock)
        purge = make_purge(
            KEPT, reactor, announced, self.counts, lambda name: shard_of(name, SHARDS) == number
        )
        purge.start()
        self.addCleanup(purge.stop)
        return purge

    def step(self, seconds: float) -> None:
        self.clock.pump([seconds, *[REST_SECONDS] * 3])

    def kind(self, store: PostgresStore, name: str) -> int:
        page = self.read(store, Pull(name, "alice", 1, False, 0))
        assert isinstance(page, PullPage)
        return page.entries[0].kind

    def test_an_owner_purges_its_own_conversations_and_no_others(self) -> None:
        own = shard_of(DIRECT, SHARDS)
        self.purge(self.shards[own], own)
        self.step(FIRST_SECONDS)
        self.assertEqual([PLACEHOLDER, TEXT], [self.kind(self.store, name) for name in (DIRECT, OTHER)])
        self.purge(self.shards[1 - own], 1 - own)
        self.step(FIRST_SECONDS)
        self.assertEqual(PLACEHOLDER, self.kind(self.store, OTHER))
        self.assertEqual(
            (2, self.rows_before), (self.counts.messages, len(self.rows())), "nobody is to be told"
        )

    def test_who_lost_a_shard_purges_nothing_and_the_next_owner_does(self) -> None:
        own = shard_of(DIRECT, SHARDS)
        lost = self.purge(self.shards[own], own)
        next_owner = self.claim(self.make_store(SHARDS), own, "two")
        self.step(FIRST_SECONDS)
        self.assertEqual((TEXT, 0), (self.kind(self.store, DIRECT), self.counts.messages))
        lost.stop()
        self.purge(next_owner, own)
        self.step(FIRST_SECONDS)
        self.assertEqual(PLACEHOLDER, self.kind(self.store, DIRECT))
        self.step(FAILED_SECONDS)
        self.assertEqual(1, self.counts.messages)
