"""Sweeping up what dead nodes left: only that, and by one of the cluster at a time."""

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import Clock

from im.adapters.redis.directory import Directory
from im.adapters.redis.sweeping import KEYS_A_PAGE, SWEEP_SECONDS, Sweeper
from im.ports import UnavailableError
from im.test.adapters.redis.cluster import RedisCase
from im.testing.contracts.registry import a_session

PHONE = a_session()


class SweepTests(RedisCase):
    def sweeper(self) -> Sweeper:
        assert IReactorTime.providedBy(reactor)
        return Sweeper(self.connect(), self.keys, reactor)

    async def test_what_dead_nodes_left_is_removed_and_nothing_else(self) -> None:
        dead = await self.node("n1", "g1", [PHONE, a_session(id="s2", user="bob")])
        await dead.registration.join(["g~1", "g~2"])
        live = await self.node("n2", "g1", [a_session(id="s3", user="bob", node="n2")])
        await live.registration.join(["g~2"])
        await dead.registration.close()
        self.assertEqual(await self.sweeper().take_turn(), 4)
        directory = self.directory()
        self.assertEqual(dict(await directory.locate(["alice", "bob"])), {"n2~g1": ["bob"]})
        self.assertEqual(dict(await directory.audiences(["g~1", "g~2"])), {"n2~g1": ["g~2"]})
        users = [self.keys.user("alice"), self.keys.user("bob")]
        alice, bob = await self.admin.values(users)
        self.assertIsNone(alice)
        self.assertEqual((bob or b"").count(b"~s"), 1)

    async def test_more_than_a_page_is_swept(self) -> None:
        sessions = [a_session(id=f"s{each}", user=f"user-{each}") for each in range(2 * KEYS_A_PAGE + 50)]
        dead = await self.node("n1", "g1", sessions)
        await self.node("n2")
        await dead.registration.close()
        self.assertEqual(await self.sweeper().take_turn(), len(sessions))

    async def test_the_others_leave_it_to_the_first(self) -> None:
        dead = await self.node("n1", "g1", [PHONE])
        await dead.registration.close()
        self.assertEqual(await self.sweeper().take_turn(), 1)
        await self.node("n1", "g2", [PHONE])
        await self.node("n1", "g3")
        self.assertEqual(await self.sweeper().take_turn(), 0)
        self.assertEqual(len(await self.admin.values([self.keys.user("alice")])), 1)


class TurnTests(RedisCase):
    """When it is done, on a clock of the test's."""

    def setUp(self) -> None:
        super().setUp()
        self.clock = Clock()
        self.turns: list[Deferred[int]] = []
        self.patch(Sweeper, "take_turn", self.take_turn)

    async def take_turn(self) -> int:
        self.turns.append(Deferred())
        return await self.turns[-1]

    def test_a_worker_takes_turns_one_after_the_other_whatever_becomes_of_them(self) -> None:
        sweeper = Sweeper(self.admin, self.keys, self.clock)
        sweeper.start()
        self.assertEqual(len(self.turns), 0)
        self.clock.advance(SWEEP_SECONDS)
        self.clock.advance(SWEEP_SECONDS)
        self.assertEqual(len(self.turns), 1)
        self.turns[0].errback(UnavailableError("away"))
        self.clock.advance(SWEEP_SECONDS)
        self.assertEqual(len(self.turns), 2)
        self.turns[1].callback(0)
        self.clock.advance(SWEEP_SECONDS)
        self.assertEqual(len(self.turns), 3)
        sweeper.stop()
        sweeper.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_only_the_directory_of_a_worker_sweeps(self) -> None:
        for worker, turns in (("", 0), ("worker-1", 1)):
            directory = Directory(self.admin, self.keys, worker, self.clock)
            self.patch(directory, "_refresh_now", lambda: None)
            directory.start()
            self.clock.advance(SWEEP_SECONDS)
            self.assertEqual(len(self.turns), turns, worker)
            directory.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])
