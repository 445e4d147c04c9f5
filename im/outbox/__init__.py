"""Pushes from a back end's own transaction: what it commits is pushed, what it rolls back is not.

>>> from sqlalchemy import create_engine
>>> from im.outbox import create_tables, push
>>> engine = create_engine("sqlite://")
>>> create_tables(engine)
>>> with engine.begin() as connection:
...     key = push(connection, "alice", {"order": 7, "paid": True}, collapse_key="order 7")

Needs SQLAlchemy alone. The relay (`imctl relay`, or `im.outbox.relay`) delivers the rows.
"""

from im.outbox.request import InvalidPushError
from im.outbox.tables import create_tables, metadata
from im.outbox.writing import push

__all__ = ["InvalidPushError", "create_tables", "metadata", "push"]
