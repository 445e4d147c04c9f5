"""A RabbitMQ that is missing, full, killed, or not who it says: told in a sentence, and everything heals."""

import atexit
import itertools
import os
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from im.adapters.amqp.connection import AmqpConnection, parameters_of
from im.adapters.amqp.topology import Topology
from im.core.commands import Request
from im.core.errors import Refused
from im.core.messages import Sent
from im.core.shards import shard_of
from im.test.adapters.amqp.cluster import DIRECT, AmqpCase, Node, Worker, a_send, clock
from im.test.gateway.certificates import write_certificate
from im.testing.services.process import free_port
from im.testing.services.rabbitmq import RabbitServer

_TLS = """\
listeners.ssl.1 = 127.0.0.1:{port}
listeners.ssl.2 = 127.0.0.2:{port}
ssl_options.certfile = {files.cert}
ssl_options.keyfile = {files.key}
ssl_options.verify = verify_none
"""


_numbers = itertools.count(1)


class _Server(RabbitServer):
    """Listens with TLS too."""

    def __init__(self) -> None:
        super().__init__()
        self.tls_port = free_port()
        self.files = write_certificate(self.folder / "tls")

    def prepare(self) -> None:
        super().prepare()
        with (self.folder / "rabbitmq.conf").open("a") as file:
            file.write(_TLS.format(port=self.tls_port, files=self.files))


_servers: list[_Server] = []


def server() -> _Server:
    """The one that these tests share, started or not: a start takes five seconds."""
    if not _servers:
        _servers.append(_Server())
        atexit.register(_servers[0].stop)
    return _servers[0]


class OutageTests(AmqpCase):
    """On a broker of their own."""

    def setUp(self) -> None:
        self.hurry()
        self.server = server()
        self.url = self.server.url
        self.topology = Topology(f"im-{next(_numbers)}", self.shards)
        self.names = []

    def started(self) -> None:
        """Let the broker run."""
        if not self.server.is_running:
            self.server.start()

    def connection(self, url: str) -> AmqpConnection:
        """One that tries to connect."""

        async def nothing(connection: Any) -> None:
            """Set nothing up."""

        connection = AmqpConnection(parameters_of(url, 10), clock(), nothing, lambda: None)
        self.addCleanup(lambda: Deferred.fromCoroutine(connection.stop()))
        connection.start()
        return connection

    async def problem(self, url: str) -> str:
        """What is told of a broker that can't be used, after its place."""
        connection = self.connection(url)
        await self.until(lambda: not connection.problem.endswith("yet"))
        return connection.problem.partition(f":{parameters_of(url, 10).port} ")[2]

    async def answered(self, node: Node, number: int) -> object:
        """Ask until there is an answer of a worker's; a time-out is the node's, that there is none here."""
        while True:
            node.bridge.submit(Request("n1", number, "s", a_send(number)))
            await deferLater(clock(), 0.1)
            results = [result for _, result in node.results if not isinstance(result, Refused)]
            if results:
                return results[-1]

    async def test_a_broker_that_is_missing_at_the_start_is_waited_for(self) -> None:
        self.server.kill()
        node = Node("n1", self.topology, self.url)
        worker = Worker("w1", self.topology, self.url, ["w1"])
        self.addCleanup(lambda: Deferred.fromCoroutine(node.stop()))
        self.addCleanup(lambda: Deferred.fromCoroutine(worker.stop()))
        node.connection.start()
        worker.connection.start()
        await self.until(lambda: "is not reached" in node.connection.problem)
        node.bridge.submit(Request("n1", 1, "s", a_send(1)))
        await self.until(lambda: node.results)
        self.assertIsInstance(node.results[0][1], Refused)
        self.server.start()
        await self.until(lambda: not node.connection.problem and not worker.connection.problem)
        await node.inbox.join("n1~g1")
        self.assertIsInstance(await self.answered(node, 2), Sent)

    async def test_what_is_wrong_in_a_url_is_told_in_a_sentence(self) -> None:
        self.started()
        wrong = await self.problem(self.url.replace("guest@", "wrong@"))
        self.assertIn("does not let us in: ", wrong)
        self.assertIn("ACCESS_REFUSED", wrong)
        self.assertIn("vhost nowhere not found", await self.problem(self.url.replace("%2f", "nowhere")))
        self.assertIn("is not reached: DNS lookup failed", await self.problem("amqp://no.such.host.invalid/"))
        self.assertNotIn("wrong@", wrong)

    async def test_tls_is_for_who_is_trusted(self) -> None:
        self.started()
        url = f"amqps://guest:guest@localhost:{self.server.tls_port}/%2f"
        self.assertIn("not trusted: certificate verify failed", await self.problem(url))
        os.environ["SSL_CERT_FILE"] = str(self.server.files.cert)
        self.addCleanup(os.environ.pop, "SSL_CERT_FILE")
        connection = self.connection(url)
        await self.until(lambda: not connection.problem)
        self.assertIn("not for this name", await self.problem(url.replace("localhost", "127.0.0.2")))

    async def test_a_queue_of_another_kind_is_refused_by_its_name(self) -> None:
        self.started()
        name = self.topology.shard(0).name
        channel = await self.channel()
        await channel.queue_declare(queue=name, durable=True)
        worker = Worker("w1", self.topology, self.url, ["w1"])
        self.addCleanup(lambda: Deferred.fromCoroutine(worker.stop()))
        worker.connection.start()
        await self.until(lambda: name in worker.connection.problem)
        self.assertIn("remove it, or give this cluster another name", worker.connection.problem)
        await channel.queue_delete(queue=name)
        await self.until(lambda: not worker.connection.problem)

    async def test_a_broker_that_is_full_says_so_and_goes_on_later(self) -> None:
        self.started()
        node, worker = await self.node(), await self.worker()
        self.server.control("set_disk_free_limit", "100000GB")
        node.bridge.submit(Request("n1", 1, "s", a_send(1)))
        await self.until(lambda: "takes no messages now" in node.connection.problem)
        published = node.bridge.published
        node.bridge.submit(Request("n1", 2, "s", a_send(2)))
        await self.until(lambda: node.results)
        self.assertEqual([(2, True)], [(number, isinstance(each, Refused)) for number, each in node.results])
        self.assertEqual(node.bridge.published, published)
        self.server.control("set_disk_free_limit", "1MB")
        await self.until(lambda: not node.connection.problem)
        self.assertIsInstance(await self.answered(node, 3), Sent)
        self.assertTrue(worker.done)

    async def test_a_killed_broker_is_a_doubt_and_everything_comes_back(self) -> None:
        self.started()
        node, worker = await self.node(), await self.worker()
        self.assertIsInstance(await self.answered(node, 1), Sent)
        shard = worker.shards.shards[shard_of(DIRECT, self.shards)]
        self.server.kill()
        await self.until(lambda: node.doubts and not shard.is_open)
        self.assertIn("is gone", node.doubts[0])
        self.assertFalse(shard.is_owned)
        self.server.start()
        await self.until(lambda: not node.connection.problem and shard.is_open)
        node.batches.clear()
        await node.inbox.join("n1~g2")
        self.assertIsInstance(await self.answered(node, 2), Sent)
        self.assertTrue(shard.is_owned)

    async def _remove(self) -> None:
        """The broker goes, and takes the queues along."""
