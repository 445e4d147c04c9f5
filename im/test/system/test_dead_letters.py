"""`imctl dead-letters`, on a real RabbitMQ."""

import itertools
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pika
from twisted.trial.unittest import SynchronousTestCase

from im.adapters.amqp.dead import dead_letter
from im.adapters.amqp.topology import Queue, Topology
from im.test.system.imctl import Ended, environment, run
from im.test.system.processes import BIN, PATIENCE_SECONDS, wait_for
from im.testing.services import shared

MANY = 400
_numbers = itertools.count(1)


class DeadLettersTests(SynchronousTestCase):
    uses_processes = True

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()
        self.cluster = f"im-letters-{os.getpid()}-{next(_numbers)}"
        self.topology = Topology(self.cluster, 1)
        self.settings = {"IM_AMQP_URL": shared("rabbitmq"), "IM_CLUSTER": self.cluster}
        connection = pika.BlockingConnection(pika.URLParameters(self.settings["IM_AMQP_URL"]))
        self.addCleanup(connection.close)
        self.channel = connection.channel()
        self.declare(self.topology.dead)
        self.declare(Queue(self.topology.push.name, True, False, {}))

    def declare(self, queue: Queue) -> None:
        self.channel.queue_declare(queue.name, durable=True, arguments=dict(queue.arguments))
        self.addCleanup(self.channel.queue_delete, queue.name)

    def bury(self, *bodies: bytes) -> None:
        for body in bodies:
            letter = dead_letter("it is refused", self.topology.push.name, f"key-{body.decode()}")
            self.channel.basic_publish("", self.topology.dead.name, body, letter)
        self.until_there(len(bodies))

    def until_there(self, count: int) -> None:
        """A queue counts a little later."""
        while self.letters() != count:
            self.channel.connection.process_data_events(0.05)

    def letters(self) -> int:
        return int(self.channel.queue_declare(self.topology.dead.name, passive=True).method.message_count)

    def pushes(self) -> list[bytes]:
        """Take all that is in the queue of pushes."""
        found: list[bytes] = []
        while True:
            method, _, body = self.channel.basic_get(self.topology.push.name, auto_ack=True)
            if method is None:
                return found
            found.append(body)

    def imctl(self, *argv: str) -> Ended:
        return run(self.folder, "dead-letters", *argv, "--json", **self.settings)

    def listed(self) -> list[dict[str, Any]]:
        ended = self.imctl("list")
        self.assertEqual((ended.status, ended.err), (0, ""))
        return ended.records

    def test_letters_are_listed_shown_sent_back_and_dropped(self) -> None:
        self.bury(b"1", b"2", b"3")
        first, second, third = self.listed()
        self.assertEqual((first["queue"], first["reason"]), (self.topology.push.name, "it is refused"))
        shown = self.imctl("show", second["id"]).record
        self.assertEqual((shown["message_id"], shown["body"]), ("key-2", 2))
        self.assertEqual(self.imctl("retry", first["id"]).record["id"], first["id"])
        self.assertEqual(self.pushes(), [b"1"])
        self.assertEqual(self.imctl("drop", third["id"]).status, 0)
        self.assertEqual([each["id"] for each in self.listed()], [second["id"]])
        self.assertEqual(len(self.imctl("drop", "--all").records), 1)
        self.assertEqual(self.listed(), [])

    def test_a_list_is_as_long_as_it_is_asked_for(self) -> None:
        self.bury(b"1", b"2")
        self.assertEqual(len(self.imctl("list", "--limit", "1").records), 1)
        self.assertEqual(len(self.listed()), 2)

    def test_what_stays_or_is_not_there_is_told_and_fails(self) -> None:
        self.bury(b"1")
        self.channel.queue_delete(self.topology.push.name)
        for argv, code in (
            (("retry", "--all"), "conflict"),
            (("drop", "0f"), "not_found"),
            (("show", "0f"), "not_found"),
        ):
            ended = self.imctl(*argv)
            self.assertEqual((ended.status, json.loads(ended.err)["error"]), (1, code), ended.err)
        self.assertEqual(len(self.listed()), 1)

    def test_a_cluster_that_is_not_reached_is_told_in_a_sentence(self) -> None:
        ended = self.imctl("list", "--amqp", "amqp://127.0.0.1:1/")
        self.assertEqual((ended.status, json.loads(ended.err)["error"]), (3, "unreachable"))
        ended = self.imctl("list", "--cluster", "another")
        self.assertEqual((ended.status, json.loads(ended.err)["error"]), (1, "not_found"))

    def test_a_retry_that_is_killed_loses_nothing_and_does_nothing_more_than_twice(self) -> None:
        bodies = [b"%d" % number for number in range(MANY)]
        self.bury(*bodies)
        command = subprocess.Popen(
            [BIN / "imctl", "dead-letters", "retry", "--all"],
            env=environment(**self.settings),
            stdout=subprocess.PIPE,
        )
        assert command.stdout is not None
        for _ in range(MANY // 4):
            command.stdout.readline()
        command.kill()
        command.wait(PATIENCE_SECONDS)
        command.stdout.close()
        before = self.pushes()
        self.assertLess(len(before), MANY, "it was to be killed before it was done")
        after: list[bytes] = []

        def are_all_back() -> bool:
            """RabbitMQ notices the kill a moment later, and gives out again what was in hand."""
            self.assertEqual(self.imctl("retry", "--all").status, 0)
            after.extend(self.pushes())
            return {*before, *after} == {*bodies}

        wait_for(are_all_back, "all letters to be back")
        self.assertEqual((len(set(before)), len(set(after))), (len(before), len(after)))
        self.assertEqual(self.listed(), [])
