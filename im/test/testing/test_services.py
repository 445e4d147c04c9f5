"""Private servers: they start, they end, they leave nothing behind."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pika
from twisted.trial.unittest import SynchronousTestCase

from im.test.system.processes import is_alive, wait_for
from im.testing.services import MissingServerError, ServerProcess, shared
from im.testing.services.process import is_listening
from im.testing.services.rabbitmq import RabbitServer
from im.testing.services.redis import RedisServer


class _Nothing(RedisServer):
    name = "nothing-server"
    package = "nothing"

    def command(self) -> list[str]:
        return ["there-is-no-such-program"]


class _Failing(RedisServer):
    def command(self) -> list[str]:
        return ["sh", "-c", "echo out of paper; exit 3"]


_STARTING = """
import time
from im.testing.services.redis import RedisServer
server = RedisServer()
server.start()
print(server.pid, server.folder, flush=True)
time.sleep(60)
"""


class ServerTests(SynchronousTestCase):
    uses_processes = True

    def server(self, kind: type[ServerProcess]) -> ServerProcess:
        server = kind()
        self.addCleanup(server.stop)
        return server

    def test_a_server_answers_once_it_has_started_and_is_gone_once_it_is_stopped(self) -> None:
        server = self.server(RedisServer)
        server.start()
        self.assertTrue(is_listening(server.port))
        pid = server.pid
        server.stop()
        server.stop()
        self.assertFalse(is_listening(server.port))
        self.assertFalse(server.folder.exists())
        with self.assertRaises(ProcessLookupError):
            os.kill(pid, 0)

    def test_a_rabbitmq_keeps_its_queues_in_its_folder_whatever_its_port(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="im-kept-", dir="/tmp"))
        self.addCleanup(shutil.rmtree, folder)
        kept = pika.BasicProperties(delivery_mode=2)
        for written, found in ((b"kept", None), (b"", b"kept")):
            server = RabbitServer(folder)
            self.addCleanup(server.stop)
            server.start()
            with pika.BlockingConnection(pika.URLParameters(server.url)) as connection:
                channel = connection.channel()
                channel.queue_declare("q", durable=True)
                self.assertEqual(channel.basic_get("q")[2], found)
                channel.basic_publish("", "q", written, kept)
            server.stop()

    def test_a_killed_server_starts_again_at_its_place(self) -> None:
        server = self.server(RedisServer)
        server.start()
        server.kill()
        self.assertFalse(is_listening(server.port))
        server.start()
        self.assertTrue(is_listening(server.port))

    def test_a_folder_of_somebody_else_is_kept(self) -> None:
        folder = Path(self.mktemp()).resolve()
        server = RedisServer(folder)
        server.start()
        server.stop()
        self.assertTrue((folder / "log").exists())

    def test_a_missing_program_is_told_with_its_package(self) -> None:
        with self.assertRaises(MissingServerError) as caught:
            self.server(_Nothing).start()
        self.assertEqual(
            str(caught.exception), "nothing-server is not installed; run: sudo apt-get install nothing"
        )

    def test_a_server_that_does_not_start_is_told_with_its_last_words(self) -> None:
        with self.assertRaises(MissingServerError) as caught:
            self.server(_Failing).start()
        self.assertEqual(str(caught.exception), "redis-server does not start: out of paper")

    def test_a_server_ends_with_the_process_that_started_it_even_if_that_was_killed(self) -> None:
        with subprocess.Popen([sys.executable, "-c", _STARTING], stdout=subprocess.PIPE, text=True) as parent:
            assert parent.stdout is not None
            pid, folder = parent.stdout.readline().split()
            self.addCleanup(shutil.rmtree, folder)
            parent.kill()
        wait_for(lambda: not is_alive(int(pid)), "the server's end")

    def test_a_test_run_has_one_server_of_a_kind(self) -> None:
        self.assertEqual(shared("redis"), shared("redis"))
        self.patch(os, "environ", {**os.environ, "IM_TEST_REDIS_URL": "redis://elsewhere"})
        self.assertEqual(shared("redis"), "redis://elsewhere")
