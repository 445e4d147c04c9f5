"""A target of webhooks in tests: keeps what is posted to it, and answers as it is told."""

import json
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Posted(NamedTuple):
    """One request."""

    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        """What it tells."""
        event: dict[str, Any] = json.loads(self.body)
        return event


class Target:
    """Listens on the loopback until `end`. `status` is what it answers, not before `is_held` ends."""

    def __init__(self) -> None:
        self.posted: list[Posted] = []
        self.status = 200
        self.is_held = False
        target = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                target.posted.append(Posted(dict(self.headers.items()), body))
                while target.is_held:
                    time.sleep(0.01)
                self.send_response(target.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def handle(self) -> None:
                """Whoever posts may be killed."""
                with suppress(ConnectionError):
                    super().handle()

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/im"

    def events(self, *kinds: str) -> list[dict[str, Any]]:
        """What was posted of these kinds, each event once, in the order of the first time."""
        by_id = {posted.event["id"]: posted.event for posted in [*self.posted]}
        return [event for event in by_id.values() if event["kind"] in kinds]

    def end(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
