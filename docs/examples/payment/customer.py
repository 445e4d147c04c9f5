"""A customer's screen: shows each order as it is paid.

    IM_CLIENT_USER=alice customer.py

It finds its node as every client does (IM_STATE_DIR, or IM_CONNECT and IM_TOKEN).
"""

import json
import os
import time
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from im.client import Client, ClientSettings, Message, environment_settings, is_shown, pushed

DEVICE_CLASS = "bot"


def screen(reactor: Any, settings: ClientSettings, show: Callable[[int], None]) -> Client:
    """A client that calls `show` with each order that is paid."""

    def look(message: Message) -> None:
        push = pushed(message)
        if push is not None and is_shown(push, int(time.time() * 1000), DEVICE_CLASS) and push.json["paid"]:
            show(push.json["order"])

    client = Client(settings, reactor)
    client.on_message(look)
    client.start()
    return client


async def main(reactor: Any) -> None:
    screen(
        reactor,
        environment_settings(os.environ),
        lambda order: print(json.dumps({"paid": order}), flush=True),
    )
    await Deferred()


if __name__ == "__main__":
    react(lambda reactor: Deferred.fromCoroutine(main(reactor)))
