"""A program that sends numbered texts as fast as it can: IM_TEST_TO says to whom, IM_TEST_COUNT how many.

It prints each number as soon as its client has taken the text.
"""

import os
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from im.client import Client, environment_settings


async def main(reactor: Any) -> None:
    """Send, and wait until everything is answered: what an earlier run left over, too."""
    client = Client(environment_settings(os.environ), reactor)
    client.start()
    for number in range(int(os.environ["IM_TEST_COUNT"])):
        client.send(os.environ["IM_TEST_TO"], str(number))
        print(number, flush=True)
    done: Deferred[None] = Deferred()

    def look(_: object = None) -> None:
        if not client.unsent and not done.called:
            done.callback(None)

    client.on_send(look)
    look()
    await done
    await client.stop()


if __name__ == "__main__":
    react(lambda reactor: Deferred.fromCoroutine(main(reactor)))
