"""The HTTP API of a worker: a back end needs no gateway for it, and a client finds one there."""

import json
import signal
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from im.cli.keys import local_token
from im.test.system.cluster_case import ClusterCase
from im.test.system.imctl import environment
from im.test.system.processes import BIN, Process, wait_for

REVOKED_WITHIN_SECONDS = 60.0
IN_FLIGHT_AFTER_SECONDS = 0.5
OF_EVERY_OWNER = 12
"""So many users are in the shards of both workers."""


class WorkerHttpTests(ClusterCase):
    business = 2

    def ask(self, worker: str, path: str, token: str, body: object = None) -> tuple[int, Any]:
        told = self.cluster.member(worker).told
        assert told is not None
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(told.http.rstrip("/") + path, data)
        request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def test_it_serves_what_a_gateway_serves_but_no_websocket(self) -> None:
        self.check_a_client_finds_its_node()
        (key,) = self.imctl("keys", "create", "shop", "--scope", "push", "--scope", "users:write")
        self.check_a_back_end_pushes(key["key"], "paid")
        self.check_who_waits_is_told_when_it_was_acknowledged(key["key"])
        self.assertEqual(self.ask("worker-1", "/ws", "")[0], 404)
        self.check_it_answers_again_when_rabbitmq_is_back(key["key"])
        self.check_a_revoked_key_is_refused_everywhere(key)
        self.check_what_is_asked_when_a_worker_stops_is_answered()

    def check_a_client_finds_its_node(self) -> None:
        node, token = self.cluster.member("node-1").told, local_token(self.state, "alice", 60.0)
        assert node is not None
        wait_for(
            lambda: node.listen[0] in json.dumps(self.ask("worker-2", "/v1/route", token)), "its address"
        )

    def check_a_back_end_pushes(self, key: str, text: str) -> None:
        self.assertEqual(self.ask("worker-1", "/v1/users", key, {"user": text})[0], 200)
        pushed = {"to": [text], "event": {"text": text}}
        status, answer = self.ask("worker-2", "/v1/push", key, pushed)
        self.assertEqual((status, answer["stored"]), (200, 1))
        (got,) = self.imctl("tail", "--as", text, "--count", "1", "--timeout", "10")
        self.assertIn(text, got["text"])

    def check_who_waits_is_told_when_it_was_acknowledged(self, key: str) -> None:
        settings = environment(IM_STATE_DIR=str(self.state), IM_CLIENT_USER="paid")
        screen = Process([BIN / "imctl", "tail", "--as", "paid", "--timeout", "60"], self.folder, **settings)
        self.addCleanup(screen.end)
        wait_for(lambda: bool(self.imctl("sessions", "--user", "paid")), "a session")
        pushed = {"to": ["paid"], "event": {"text": "soon"}, "wait": "delivered", "wait_seconds": 20}
        began = time.monotonic()
        status, answer = self.ask("worker-2", "/v1/push", key, pushed)
        self.assertEqual((status, answer["stored"]), (200, 1), answer)
        (told,) = answer["users"]
        self.assertTrue(any(device["acknowledged_ms"] for device in told["devices"]), told)
        self.assertLess(time.monotonic() - began, 15)
        screen.end()

    def check_it_answers_again_when_rabbitmq_is_back(self, key: str) -> None:
        broker = self.cluster.engines["rabbitmq"]
        broker.kill()
        self.assertEqual(self.ask("worker-1", "/v1/users", key, {"user": "dora"})[0], 503)
        broker.start()
        for worker in ("worker-1", "worker-2"):
            asks = partial(self.ask, worker, "/v1/users", key, {"user": "dora"})
            wait_for(lambda asks=asks: asks()[0] == 200, f"an answer of {worker}", 30.0)  # type: ignore[misc]
        self.check_a_back_end_pushes(key, "again")

    def check_what_is_asked_when_a_worker_stops_is_answered(self) -> None:
        (key,) = self.imctl("keys", "create", "last", "--scope", "users:write")
        database = self.cluster.engines["postgresql"]
        database.pause()
        users = [{"user": f"fred-{number}"} for number in range(OF_EVERY_OWNER)]
        with ThreadPoolExecutor(OF_EVERY_OWNER) as threads:
            asked = [threads.submit(self.ask, "worker-2", "/v1/users", key["key"], user) for user in users]
            time.sleep(IN_FLIGHT_AFTER_SECONDS)
            self.cluster.member("worker-2").signal(signal.SIGTERM)
            time.sleep(IN_FLIGHT_AFTER_SECONDS)
            database.go_on()
            self.assertEqual([each.result()[0] for each in asked], [200] * OF_EVERY_OWNER)

    def check_a_revoked_key_is_refused_everywhere(self, key: dict[str, Any]) -> None:
        self.imctl("keys", "revoke", key["id"])
        for worker in ("worker-1", "worker-2"):
            asks = partial(self.ask, worker, "/v1/users", key["key"], {"user": "emil"})
            wait_for(lambda asks=asks: asks()[0] == 401, f"its end at {worker}", REVOKED_WITHIN_SECONDS)  # type: ignore[misc]
