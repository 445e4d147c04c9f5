"""The shop of the payment example: whatever is killed, each customer sees each order paid, once."""

import json
import threading
import urllib.error
import urllib.request
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any

from im.test.system.imctl import ImctlCase
from im.test.system.processes import BIN, ROOT, Process, wait_for

EXAMPLE = ROOT / "docs" / "examples" / "payment"
SEED = 7
LEASE = "1"


class Front(BaseHTTPRequestHandler):
    """Stands before the node, and can end a connection with the answer in hand."""

    node = ""
    stored: Counter[str]
    kills: "list[Any]"
    """What to call instead of answering, one after the other."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name: self.headers[name] for name in ("Authorization", "Idempotency-Key", "Content-Type")}
        request = urllib.request.Request(self.node + self.path, body, headers)
        with urllib.request.urlopen(request, timeout=10) as response:
            answer = response.read()
        self.stored[headers["Idempotency-Key"]] += 1
        if self.kills:
            self.kills.pop()()
            self.close_connection = True
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:
        """Not a word of each request."""


class PaymentTests(ImctlCase):
    def setUp(self) -> None:
        super().setUp()
        self.random = Random(SEED)
        self.database = f"sqlite:///{self.folder / 'shop.sqlite'}"
        (self.folder / "shop.key").write_text(self.ok("keys", "create", "shop", "--json").record["key"])
        Front.node, Front.stored, Front.kills = self.told.http, Counter(), []
        self.front = ThreadingHTTPServer(("127.0.0.1", 0), Front)
        threading.Thread(target=self.front.serve_forever, args=(0.05,)).start()
        self.addCleanup(self.front.server_close)
        self.addCleanup(self.front.shutdown)
        self.customer = self.start(EXAMPLE / "customer.py", IM_CLIENT_USER="alice")
        wait_for(lambda: bool(self.imctl("sessions", "--user", "alice").out), "alice online")
        self.start_shop()

    def start(self, *command: Any, **environ: str) -> Process:
        process = Process([BIN / "python", *command], self.folder, IM_STATE_DIR=str(self.state), **environ)
        self.addCleanup(process.end)
        return process

    def start_shop(self) -> None:
        self.shop = self.start(EXAMPLE / "shop.py", self.database)
        wait_for(lambda: "\n" in self.shop.out, "the shop")

    def start_relay(self) -> None:
        url = f"http://127.0.0.1:{self.front.server_port}"
        options = ["--database", self.database, "--url", url, "--key-file", "shop.key", "--lease", LEASE]
        self.relay = self.start(BIN / "imctl", "relay", *options)

    def ask(self, path: str, document: dict[str, Any]) -> dict[str, Any]:
        """Ask the shop. Raises `OSError`."""
        request = urllib.request.Request(self.shop.out.strip() + path, json.dumps(document).encode())
        with urllib.request.urlopen(request, timeout=10) as response:
            answer: dict[str, Any] = json.load(response)
            return answer

    def call_back_and_kill(self, order: int) -> None:
        """The provider calls twice; the shop is killed somewhere in the first call, and started again."""
        timer = threading.Timer(self.random.uniform(0, 0.02), self.shop.end)
        timer.start()
        try:
            self.ask("/paid", {"order": order})
        except OSError:
            pass
        timer.join()
        self.start_shop()
        for _ in range(2):
            self.ask("/paid", {"order": order})

    def shown(self) -> list[int]:
        return [json.loads(line)["paid"] for line in self.customer.out.splitlines()]

    def status(self) -> dict[str, Any]:
        return self.ok("relay", "status", "--database", self.database, "--json").record

    def test_kills_between_commit_push_and_its_end_lose_nothing_and_show_nothing_twice(self) -> None:
        orders = [self.ask("/orders", {"customer": "alice"})["order"] for _ in range(12)]
        for order in orders[:4]:
            self.call_back_and_kill(order)
        for order in orders[4:]:
            self.ask("/paid", {"order": order})
            self.ask("/paid", {"order": order})
        self.shop.end()
        self.assertEqual((self.status()["waiting"], self.shown()), (12, []), "committed, and not pushed")
        for _ in range(2):
            self.start_relay()
            relay = self.relay
            Front.kills.append(relay.end)
            wait_for(lambda: relay.has_ended, "the end of the relay")  # noqa: B023 # it is called at once
        self.start_relay()
        wait_for(lambda: len(self.shown()) >= len(orders), f"all orders on the screen: {self.shown()}")
        wait_for(lambda: self.status()["waiting"] == 0, "an empty table")
        self.assertEqual(self.shown(), orders)
        self.assertEqual((len(Front.stored), sum(Front.stored.values())), (len(orders), len(orders) + 2))
        inbox = self.ok("history", "--as", "alice", "--conversation", "i~alice", "--json")
        self.assertEqual(len(inbox.records), len(orders))
