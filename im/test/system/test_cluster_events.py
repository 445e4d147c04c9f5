"""Events of a cluster: posted, and published to RabbitMQ, by whichever worker owns the first shard."""

import json
import os
import signal
from collections.abc import Mapping
from typing import Any

import pika

from im.core.events import STORED
from im.test.adapters.sql.postgres.support import execute
from im.test.system.cluster_case import ClusterCase
from im.test.system.processes import wait_for
from im.test.system.webhook_target import Target
from im.testing.clusters.member import Member

SECONDS = 30.0


class ClusterEventTests(ClusterCase):
    business = 2
    settings: Mapping[str, str] = {"IM_WEBHOOKS_PRIVATE": "true", "IM_AMQP_EVENTS": STORED}

    def setUp(self) -> None:
        self.got: dict[int, str] = {}
        self.target = Target()
        self.addCleanup(self.target.end)
        super().setUp()
        self.rabbitmq = pika.BlockingConnection(pika.URLParameters(self.cluster.urls["IM_AMQP_URL"]))
        self.addCleanup(self.rabbitmq.close)

    def told(self) -> list[int]:
        """The seqs of the messages of which the target knows."""
        return [each["seq"] for event in self.target.events(STORED) for each in event["data"]["entries"]]

    def test_no_event_is_lost_when_the_worker_that_posts_is_killed(self) -> None:
        channel = self.rabbitmq.channel()
        channel.queue_declare("index")
        channel.queue_bind("index", "im.events", STORED)
        self.imctl("webhooks", "add", self.target.url, "--kind", STORED)
        self.send(1)
        self.wait_for_post(1)
        self.target.is_held = True
        self.send(2)
        self.wait_for_post(2)
        os.kill(self.owner().pid, signal.SIGKILL)
        self.target.is_held = False
        self.send(3)
        self.wait_for_post(3)
        self.assertEqual([1, 2, 3], sorted(self.told()))
        wait_for(self.is_all_taken, "a 2xx for each", SECONDS)
        self.assertEqual(2, [posted.event["id"] for posted in self.target.posted].count(self.second_event()))
        wait_for(lambda: {1, 2, 3} == {*self.published(channel)}, "the events on RabbitMQ", SECONDS)

    def test_pushes_come_from_a_queue_once_and_bad_ones_are_put_aside(self) -> None:
        channel = self.rabbitmq.channel()
        self.imctl("users", "create", "carol")
        bodies = {
            "7": b'{"to": ["carol"], "event": 7}',
            "8": b"{",
            "": b"{}",
            "9": b'{"to": ["carol"], "event": 9}',
        }
        for key, body in bodies.items():
            for _ in range(2):
                properties = pika.BasicProperties(message_id=key, delivery_mode=2)
                channel.basic_publish("", "im.push", body, properties)
        wait_for(lambda: self.dead(channel) == 4, "dead letters", SECONDS)
        got = self.imctl("tail", "--as", "carol", "--count", "2", "--timeout", "10")
        self.assertEqual({(1, "7"), (2, "9")}, {(each["seq"], each["text"]) for each in got})

    def dead(self, channel: Any) -> int:
        return int(channel.queue_declare("im.dead", passive=True).method.message_count)

    def published(self, channel: Any) -> dict[int, str]:
        """The seqs that came into the queue so far, each with the id of its event."""
        while (got := channel.basic_get("index", auto_ack=True))[0] is not None:
            _, properties, body = got
            event = json.loads(body)
            self.assertEqual(event["id"], properties.message_id)
            self.got.update((each["seq"], event["id"]) for each in event["data"]["entries"])
        return self.got

    def send(self, seq: int) -> None:
        (sent,) = self.imctl("send", "--as", "alice", "--to", "bob", str(seq))
        self.assertEqual(seq, sent["seq"])

    def owner(self) -> Member:
        """The worker of the first shard."""
        url = self.cluster.urls["IM_DATABASE_URL"]
        ((owner,),) = execute(url, "SELECT owner FROM shard WHERE shard = 0")
        return self.cluster.member(str(owner).rpartition("-")[0])

    def second_event(self) -> str:
        """The id of the event that was under way in the crash."""
        (event,) = (
            each["id"] for each in self.target.events(STORED) if each["data"]["entries"][0]["seq"] == 2
        )
        return str(event)

    def wait_for_post(self, seq: int) -> None:
        wait_for(lambda: seq in self.told(), f"a post that tells of message {seq}", SECONDS)

    def is_all_taken(self) -> bool:
        return [each["pending"] for each in self.imctl("webhooks", "list")] == [0]
