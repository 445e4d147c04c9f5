"""Dead letters: what could not be done, kept with the reason until an operator looks."""

import time

import pika

REASON = "im-reason"
QUEUE = "im-queue"
PERSISTENT = 2

BY_BROKER = ("x-death", "x-first-death-", "x-last-death-", "x-delivery-count")
"""What the names of headers begin with by which RabbitMQ tells how a message died."""


def dead_letter(reason: str, queue: str, message_id: str | None = None) -> pika.BasicProperties:
    """How a message of `queue` is published to the queue of dead letters."""
    headers = {REASON: reason, QUEUE: queue}
    return pika.BasicProperties(
        delivery_mode=PERSISTENT, message_id=message_id, timestamp=int(time.time()), headers=headers
    )
