"""Writes a push into the database of who pushes, in their transaction."""

from collections.abc import Iterable, Sequence
from time import time_ns
from uuid import uuid4

from sqlalchemy import Connection, insert
from sqlalchemy.orm import Session

from im.outbox.request import MS, UNSET, Wanted, checked
from im.outbox.tables import waiting


def push(
    connection: Connection | Session,
    users: str | Iterable[str],
    event: object = UNSET,
    *,
    type: int | None = None,
    body: bytes = b"",
    ttl_seconds: int | None = None,
    collapse_key: str = "",
    device_classes: Sequence[str] = (),
) -> str:
    """Push to one user or several once the transaction of `connection` is committed; returns its key.

    `event` is any JSON; or else `type`, 10,000 or above, and its `body`. `ttl_seconds`, from now: then it
    is not shown any more, 30 days at most. Of a `collapse_key` an inbox shows only the newest push.
    `device_classes`: only these show it. The key, 32 hexadecimal digits, is that of the row and the
    `Idempotency-Key` under which the relay posts it.

    Raises `InvalidPushError`, before anything is written, for what a node with the default limits would
    refuse.
    """
    wanted = Wanted(users, event, type, body, ttl_seconds, collapse_key, device_classes)
    request = checked(wanted)
    now_ms = time_ns() // 1_000_000
    key = uuid4().hex
    row = {
        "push_key": key,
        "users": request.users,
        "users_bytes": len(request.users),
        "request": request.rest,
        "created_ms": now_ms,
        "expires_ms": 0 if request.ttl_seconds is None else now_ms + request.ttl_seconds * MS,
    }
    connection.execute(insert(waiting), row)
    return key
