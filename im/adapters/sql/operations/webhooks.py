"""Webhooks: each is a consumer of events under its id."""

from collections.abc import Callable
from typing import Any

from im.adapters.sql.operations.connection import Connection
from im.adapters.sql.operations.events import EventWriter
from im.core.errors import Code, Refused
from im.core.events import SubscribeEvents
from im.core.webhooks import (
    MOST_WEBHOOKS,
    ROTATION_MS,
    CreateWebhook,
    RemoveWebhook,
    RotateSecret,
    Webhook,
    WebhookResult,
    Webhooks,
    no_webhook,
)

_ROWS = (
    "SELECT w.webhook_id, w.url, c.kinds, w.secret, w.created_ms, w.old_secret, w.old_until_ms"
    " FROM webhook AS w JOIN event_consumer AS c ON c.consumer = w.webhook_id"
)
_ALL = f"{_ROWS} ORDER BY w.created_ms, w.webhook_id"
_ONE = f"{_ROWS} WHERE w.webhook_id = ?"
_COUNT = "SELECT count(*) FROM webhook"
_ADD = "INSERT INTO webhook (webhook_id, url, secret, created_ms) VALUES (?, ?, ?, ?)"
_REMOVE = "DELETE FROM webhook WHERE webhook_id = ?"
_ROTATE = (
    "UPDATE webhook SET old_secret = secret, secret = ?, old_until_ms = ?"
    " WHERE webhook_id = ? AND secret <> ?"
)


class WebhookWriter:
    """Executes what concerns webhooks inside the writer's transaction."""

    def __init__(self, connection: Connection, events: EventWriter) -> None:
        self._connection = connection
        self._events = events

    def steps(self) -> dict[type, Callable[[Any, int], WebhookResult | Refused]]:
        """What executes each write."""
        return {CreateWebhook: self.create, RemoveWebhook: self.remove, RotateSecret: self.rotate}

    def create(self, create: CreateWebhook, now_ms: int) -> Webhook | Refused:
        """Begin to note events for a webhook."""
        earlier = self._find(create.id)
        if isinstance(earlier, Webhook):
            return earlier
        (count,) = self._connection.execute(_COUNT).fetchone()
        if count >= MOST_WEBHOOKS:
            text = f"there are {MOST_WEBHOOKS} webhooks, the most that may be"
            return Refused(Code.LIMIT_EXCEEDED, text, "url")
        self._connection.execute(_ADD, (create.id, create.url, create.secret, now_ms))
        self._events.subscribe(SubscribeEvents(create.id, create.kinds), now_ms)
        return self._find(create.id)

    def remove(self, remove: RemoveWebhook, now_ms: int) -> Webhook | Refused:
        """Note nothing for a webhook any more."""
        found = self._find(remove.id)
        if isinstance(found, Webhook):
            self._connection.execute(_REMOVE, (remove.id,))
            self._events.subscribe(SubscribeEvents(remove.id, ()), now_ms)
        return found

    def rotate(self, rotate: RotateSecret, now_ms: int) -> Webhook | Refused:
        """Take a new secret."""
        values = (rotate.secret, now_ms + ROTATION_MS, rotate.id, rotate.secret)
        self._connection.execute(_ROTATE, values)
        return self._find(rotate.id)

    def _find(self, webhook: str) -> Webhook | Refused:
        row = self._connection.execute(_ONE, (webhook,)).fetchone()
        return no_webhook() if row is None else _webhook(row)


def all_webhooks(connection: Connection) -> Webhooks:
    """Every webhook, the oldest first."""
    return Webhooks(tuple(_webhook(row) for row in connection.execute(_ALL)))


def _webhook(row: tuple[Any, ...]) -> Webhook:
    webhook, url, kinds, *rest = row
    return Webhook(webhook, url, tuple(kinds.split()), *rest)
