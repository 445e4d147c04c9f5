"""A node that is killed at any step between a commit and what a webhook gets of it."""

import signal
from collections import defaultdict
from typing import Any

from twisted.internet import reactor

from im.adapters.sql.policy import StorePolicy
from im.adapters.sql.sqlite import FileDatabase, SqliteStore, inline_runners
from im.core.events import DELIVERED, OFFLINE, ONLINE, READ, STORED
from im.core.limits import Limits
from im.core.webhooks import CreateWebhook
from im.test.faults.case import FaultCase
from im.test.faults.nodes import FaultyNode, until
from im.test.faults.people import Crowd, Traffic
from im.test.system.webhook_target import Target

PAIRS = ("alice", "bob"), ("carol", "alice")
KINDS = (ONLINE, OFFLINE, STORED, DELIVERED, READ)
PER_SECOND = 40.0
KILLS = 3
"""At each of: just before a COMMIT, just after one, any time, while the target is at it."""


class KillTests(FaultCase):
    async def test_no_event_is_lost_or_overtakes_another_of_its_user(self) -> None:
        self.target = Target()
        self.addCleanup(self.target.end)
        node = self.make_node(IM_WEBHOOKS_PRIVATE="true")
        add_webhook(node, self.target.url)
        node.start()
        await node.ready()
        crowd = await self.crowd(node, *PAIRS)
        traffic = Traffic(reactor, crowd, PER_SECOND)
        traffic.start()
        await node.kill()
        for fail in self.plan():
            await self.live_and_die(node, fail)
        traffic.stop()
        node.start()
        await node.ready()
        await crowd.settle()
        await crowd.leave()
        await self.all_told(crowd, node)
        await self.end_well(node)
        self.check(node)

    def plan(self) -> list[str]:
        """The fail-point of each process; "" for one that is killed at any time."""
        plan = [f"{kind}:{self.random.randint(4, 25)}" for kind in ("kill_before", "kill_after") * KILLS]
        plan += ["", "hang"] * KILLS
        self.random.shuffle(plan)
        return plan

    async def live_and_die(self, node: FaultyNode, fail: str) -> None:
        """One process of the node, from its start to its kill."""
        self.target.is_held = fail == "hang"
        count = len(self.target.posted)
        node.start("" if fail == "hang" else fail)
        if fail == "hang":
            await until(reactor, lambda: len(self.target.posted) > count, "a post")
            await node.kill()
            self.target.is_held = False
        elif fail:
            self.assertEqual(await node.ended(), -signal.SIGKILL)
        else:
            await node.ready()
            await self.sleep(self.random.uniform(0.05, 0.6))
            await node.kill()

    async def all_told(self, crowd: Crowd, node: FaultyNode) -> None:
        """Wait until the target knows of every message, and of the end of every session."""

        def is_told() -> bool:
            entries = sum(len(event["data"]["entries"]) for event in self.target.events(STORED))
            sessions = {event["data"]["session"] for event in self.target.events(ONLINE)}
            ended = {event["data"]["session"] for event in self.target.events(OFFLINE)}
            return entries >= crowd.acknowledged and sessions <= ended

        await until(reactor, is_told, "all events")

    def check(self, node: FaultyNode) -> None:
        """Compare what was told with what is stored."""
        stored = {(name, entry.seq) for name, log in node.stored().logs.items() for entry in log}
        told = [
            (entry["conversation"], entry["seq"])
            for event in self.target.events(STORED)
            for entry in event["data"]["entries"]
        ]
        self.assertEqual(sorted(stored), sorted(told))
        bodies: dict[str, set[bytes]] = defaultdict(set)
        for posted in self.target.posted:
            bodies[posted.headers["Im-Event-Id"]].add(posted.body)
        self.assertEqual({1}, {len(each) for each in bodies.values()})
        events = self.target.events(*KINDS)
        lanes: dict[str, list[str]] = defaultdict(list)
        for event in events:
            if event["user"]:
                lanes[event["user"]].append(event["id"])
        for user, ids in lanes.items():
            self.assertEqual(sorted(ids), ids, user)
        self.assertEqual({"alice", "bob", "carol"}, {*lanes})
        self.assertGreater(len(self.target.posted), len(events))
        print(f"{len(told)} messages, {len(events)} events, {len(self.target.posted)} posts")


def add_webhook(node: FaultyNode, url: str) -> None:
    """Make a webhook in the tables of a node that does not run."""
    database = FileDatabase(node.database)
    database.open()
    fatal: list[Any] = []
    store = SqliteStore(database, inline_runners(), lambda: 0, StorePolicy(Limits(), True), fatal.append)
    store.write([CreateWebhook("w", url, KINDS, "secret")])
    database.close()
