"""Dead letters: what could not be done, kept with the reason until an operator looks."""

import pika

REASON = "im-reason"
QUEUE = "im-queue"
PERSISTENT = 2


def dead_letter(reason: str, queue: str, message_id: str | None = None) -> pika.BasicProperties:
    """How a message of `queue` is published to the queue of dead letters."""
    headers = {REASON: reason, QUEUE: queue}
    return pika.BasicProperties(delivery_mode=PERSISTENT, message_id=message_id, headers=headers)
