"""Owns type 10100 of a cluster, from outside: reserves the seats of a theatre. It needs nothing but pika.

A request's body is the name of a seat; it is answered by type 10101 with "reserved", or refused when
somebody else has the seat.
"""

import argparse
import time

import pika
from pika.exceptions import AMQPError

TYPE = 10_100
RESERVED = 10_101
AGAIN_SECONDS = 1.0


class Seats:
    """Who has which seat. The same user may ask again, so that a repeated request gets its first answer."""

    def __init__(self) -> None:
        self.taken: dict[str, str] = {}

    def reserve(self, user: str, seat: str) -> dict[str, object]:
        """The headers of the answer."""
        if self.taken.setdefault(seat, user) != user:
            return {"im-error": "conflict", "im-text": f"{seat} is taken"}
        return {"im-type": RESERVED}


def serve(url: str, queue: str, seats: Seats) -> None:
    """Answer what comes, until the connection breaks."""
    connection = pika.BlockingConnection(pika.URLParameters(url))
    channel = connection.channel()
    channel.queue_declare(queue, auto_delete=True)
    channel.basic_qos(prefetch_count=16)

    def answer(_: object, method: pika.spec.Basic.Deliver, asked: pika.BasicProperties, body: bytes) -> None:
        user = (asked.headers or {}).get("im-user")
        if user and asked.reply_to:  # Whatever else is in the queue nobody waits for.
            headers = seats.reserve(user, body.decode("utf-8", "replace"))
            properties = pika.BasicProperties(correlation_id=asked.correlation_id, headers=headers)
            content = b"reserved" if "im-type" in headers else b""
            channel.basic_publish("", asked.reply_to, content, properties)
        channel.basic_ack(method.delivery_tag)

    channel.basic_consume(queue, answer)
    print(f"{queue} is served", flush=True)
    channel.start_consuming()


def main() -> None:
    """Serve for as long as this process lives."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--amqp-url", default="amqp://guest:guest@127.0.0.1:5672/%2F")
    parser.add_argument("--cluster", default="im", help="the cluster's name [im]")
    given = parser.parse_args()
    seats = Seats()
    while True:
        try:
            serve(given.amqp_url, f"{given.cluster}.custom.{TYPE}", seats)
        except AMQPError as error:
            print(f"RabbitMQ is not reached ({error!r}); trying again", flush=True)
            time.sleep(AGAIN_SECONDS)


if __name__ == "__main__":
    main()
