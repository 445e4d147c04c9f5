"""A group of 200 over two nodes whose members come and go, under load, whatever dies meanwhile."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from im.client import Timing
from im.test.faults.cluster_case import ClusterCase
from im.test.faults.gatherings import Gathering, Size
from im.test.faults.nodes import until
from im.test.faults.people import Habits, Traffic

SIZE = Size(stay=180, go=20, come=20)
POSTS_PER_SECOND = 8.0
"""Each is 200 copies."""
CALM_SECONDS = 12.0
PAUSE = 0.3
"""Seconds between changes of the membership."""
CHANGES = 3
"""So many at least during each fault and after it."""
HABITS = Habits(Timing(answer=2.0))
MOST_SHOWN = 10
"""Faults that a failure shows."""
LATE_SECONDS = 6.0
"""Until a node has sent again what nobody acknowledged."""

Fault = Callable[[], Coroutine[Any, Any, None]]


class GroupTests(ClusterCase):
    """Who stays gets everything once and in order, who is removed nothing that was stored later."""

    async def test_two_hundred_members_have_what_is_theirs_while_some_come_and_go(self) -> None:
        gathering = await self.gathering()
        moving = self.begin(gathering)
        await self.sleep(CALM_SECONDS)
        await self.end_and_check(gathering, moving)
        self.assertGreater(gathering.refused, 0)

    async def test_two_hundred_members_have_what_is_theirs_whatever_dies_meanwhile(self) -> None:
        gathering = await self.gathering()
        moving = self.begin(gathering)
        faults: tuple[tuple[str, Fault], ...] = (
            ("a node is killed", lambda: self.kill(self.cluster.gateways[0])),
            ("a worker is killed", lambda: self.kill(self.cluster.workers[0])),
            ("nothing comes through to people", lambda: self.hold("people and node-2", 3.0)),
            ("a node is cut off from RabbitMQ", lambda: self.cut("node-2 and rabbitmq", 2.0)),
            ("a worker is cut off from PostgreSQL", lambda: self.cut("worker-2 and postgresql", 2.0)),
        )
        for what, fault in faults:
            before = gathering.changes
            await fault()
            await self.cluster.healed()
            await until(reactor, partial(gathering.has_changed, before + CHANGES), f"changes after {what}")
            print(f"{what}: {gathering.changes - before} changes meanwhile")
        await self.end_and_check(gathering, moving)

    async def gathering(self) -> Gathering:
        """Everybody is online, and in the group who is there at first."""
        gathering = Gathering(self.around(self.cluster), SIZE, HABITS)
        self.addCleanup(gathering.leave)
        await until(reactor, gathering.are_online, "everyone online")
        await gathering.found()
        return gathering

    def begin(self, gathering: Gathering) -> Deferred[None]:
        """Let people post, and come and go."""
        self.traffic = Traffic(reactor, gathering, POSTS_PER_SECOND)
        self.traffic.start()
        return Deferred.fromCoroutine(gathering.come_and_go(PAUSE))

    async def end_and_check(self, gathering: Gathering, moving: Deferred[None]) -> None:
        """Everyone has what is theirs and nothing else, and knows what of it is unread."""
        gathering.rest()
        await moving
        self.traffic.stop()
        await self.sleep(LATE_SECONDS)
        await gathering.settle()
        await gathering.leave()
        print(f"{gathering.offered} messages, {gathering.refused} refused, {gathering.changes} changes")
        self.assertEqual(gathering.acknowledged + gathering.refused, gathering.offered)
        users = list(gathering.people)
        views = await deferToThread(self.cluster.views, users, gathering.group)
        self.assertEqual(gathering.faults(views)[:MOST_SHOWN], [], f"IM_TEST_SEED={self.seed}")
        self.assertEqual(await deferToThread(self.cluster.unread_differences), [])
