"""The shop's back end: an order table, and the page that the payment provider calls.

    shop.py DATABASE_URL

Prints its address. The callback's transaction does both: the order is paid, and its customer is told.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sqlalchemy import Column, Engine, Integer, MetaData, String, Table, create_engine, insert, select, update

from im.outbox import InvalidPushError, create_tables, push

metadata = MetaData()
orders = Table(
    "orders",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("customer", String(64), nullable=False),
    Column("state", String(8), nullable=False),
)


class Shop:
    """What the shop does, each in a transaction of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        metadata.create_all(engine)
        create_tables(engine)

    def order(self, customer: str) -> int:
        """Take an order; returns its number."""
        with self._engine.begin() as connection:
            made = connection.execute(insert(orders).values(customer=customer, state="open"))
            return int(made.inserted_primary_key[0])

    def paid(self, order: int) -> bool:
        """The provider says that an order is paid, once or several times. False: there is no such order."""
        with self._engine.begin() as connection:
            still_open = (orders.c.id == order, orders.c.state == "open")
            if connection.execute(update(orders).where(*still_open).values(state="paid")).rowcount:
                customer = connection.execute(
                    select(orders.c.customer).where(orders.c.id == order)
                ).scalar_one()
                push(connection, customer, {"order": order, "paid": True}, collapse_key=f"order {order}")
                return True
            return connection.execute(select(orders.c.id).where(orders.c.id == order)).first() is not None


class Page(BaseHTTPRequestHandler):
    """`POST /orders {"customer"}` and `POST /paid {"order"}`."""

    shop: Shop

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        try:
            if self.path == "/orders":
                self._answer(200, {"order": self.shop.order(asked["customer"])})
            elif self.path == "/paid" and self.shop.paid(asked["order"]):
                self._answer(200, {})
            else:
                self._answer(404, {"error": "there is no such order"})
        except InvalidPushError as error:
            self._answer(400, {"error": str(error)})

    def log_message(self, format: str, *args: Any) -> None:
        """Not a word of each request."""

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    Page.shop = Shop(create_engine(sys.argv[1]))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
