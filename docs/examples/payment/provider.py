"""A payment provider: it calls the shop back some time later, and, as providers do, more than once."""

import json
import threading
import time
import urllib.request
from random import Random


def post(url: str, document: object) -> dict[str, object]:
    """Post JSON, and read the answer. Raises `OSError`."""
    with urllib.request.urlopen(
        urllib.request.Request(url, json.dumps(document).encode()), timeout=5
    ) as answer:
        read: dict[str, object] = json.load(answer)
        return read


class Provider:
    """Calls `url` twice for each order, up to `within` seconds later, and again until it is answered."""

    def __init__(self, url: str, random: Random, within: float) -> None:
        self._url = url
        self._random = random
        self._within = within
        self._threads: list[threading.Thread] = []
        self.called_at: dict[int, float] = {}
        """By order: when it first called."""

    def pay(self, order: int) -> None:
        """A customer pays."""
        for _ in range(2):
            call = threading.Thread(target=self._call, args=(order, self._random.uniform(0, self._within)))
            call.daemon = True
            call.start()
            self._threads.append(call)

    def wait(self) -> None:
        """Until every call was answered."""
        for thread in self._threads:
            thread.join()

    def _call(self, order: int, after: float) -> None:
        time.sleep(after)
        self.called_at.setdefault(order, time.time())
        while True:
            try:
                post(self._url, {"order": order})
            except OSError:
                time.sleep(0.2)
            else:
                return
