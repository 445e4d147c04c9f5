"""Webhooks: where events are posted, by which secrets, and when again. See `im.core.commands`."""

import hmac
import json
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from im.core.errors import Code, Refused, invalid
from im.core.events import KINDS, Event

MOST_WEBHOOKS = 16
URL_CHARACTERS = 2_048
ROTATION_MS = 86_400_000
"""How long the secret before a rotation signs too."""

MOST_ATTEMPTS = 15
"""Then an event is a dead letter: by the delays below after some 23 hours."""

FIRST_DELAY_MS = 10_000
MOST_DELAY_MS = 6 * 3_600_000
JITTER = 0.2


class Webhook(NamedTuple):
    """Where events of some kinds are posted. `old_secret` signs too until `old_until_ms`."""

    id: str
    url: str
    kinds: tuple[str, ...]
    secret: str
    created_ms: int
    old_secret: str = ""
    old_until_ms: int = 0


class CreateWebhook(NamedTuple):
    """Write: post events of these kinds from now on. Result `Webhook`; the same again is the same answer."""

    id: str
    url: str
    kinds: tuple[str, ...]
    secret: str


class RemoveWebhook(NamedTuple):
    """Write: post nothing there any more; what waits is forgotten. Result `Webhook`, as it was."""

    id: str


class RotateSecret(NamedTuple):
    """Write: sign by a new secret, and for `ROTATION_MS` by the one before too. Result `Webhook`."""

    id: str
    secret: str


class ListWebhooks(NamedTuple):
    """Query: result `Webhooks`."""


class Webhooks(NamedTuple):
    """The oldest first."""

    webhooks: tuple[Webhook, ...]


WebhookWrite = CreateWebhook | RemoveWebhook | RotateSecret
WebhookQuery = ListWebhooks
WebhookResult = Webhook | Webhooks

WEBHOOK_WRITES = (CreateWebhook, RemoveWebhook, RotateSecret)


def no_webhook() -> Refused:
    """There is none with this id."""
    return Refused(Code.NOT_FOUND, "there is no such webhook", "id")


def webhook_problem(url: str, kinds: Sequence[str]) -> Refused | None:
    """Why these can't be a webhook's, or None."""
    if not kinds or not {*kinds} <= {*KINDS}:
        return invalid("kinds", f"kinds must be some of {', '.join(KINDS)}")
    if len(url) > URL_CHARACTERS or not url.isascii() or not url.isprintable() or " " in url:
        return invalid("url", f"url must be visible ASCII, of at most {URL_CHARACTERS} characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return invalid("url", "url is no valid URL")
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        return invalid("url", "url must begin with https:// or http:// and name a host")
    if "@" in parts.netloc or parts.fragment:
        return invalid("url", "url must name no user and no fragment")
    return None


def retry_delay_ms(attempts: int, chance: float) -> int:
    """How long to wait after so many failed attempts; `chance`, from 0 to 1, spreads it."""
    delay_ms = min(MOST_DELAY_MS, FIRST_DELAY_MS << (attempts - 1))
    return round(delay_ms * (1 - JITTER + 2 * JITTER * chance))


def event_body(event: Event) -> bytes:
    """What is posted: a JSON object with id, kind, user, time_ms and data."""
    head = json.dumps(
        {"id": event.id.hex(), "kind": event.kind, "user": event.user, "time_ms": event.time_ms},
        separators=(",", ":"),
    )
    return f'{head[:-1]},"data":{event.payload}}}'.encode()


def event_headers(webhook: Webhook, event: Event, body: bytes, now_ms: int) -> dict[str, str]:
    """What a receiver checks: the event's id, the time of sending in Unix seconds, the signature."""
    timestamp = str(now_ms // 1_000)
    secrets = [webhook.secret]
    if now_ms < webhook.old_until_ms:
        secrets.append(webhook.old_secret)
    signed = timestamp.encode() + b"." + body
    signatures = [hmac.digest(secret.encode(), signed, "sha256").hex() for secret in secrets]
    return {
        "Im-Event-Id": event.id.hex(),
        "Im-Timestamp": timestamp,
        "Im-Signature": ",".join(f"v1={signature}" for signature in signatures),
    }
