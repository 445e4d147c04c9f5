"""Webhooks as back ends and operators need them: made, tried out, taken back, and their dead letters."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from twisted.internet.defer import Deferred

from im.core.errors import RefusedError, accepted
from im.core.events import (
    TEST,
    CountEvents,
    DeadLetters,
    DeadReplayed,
    Event,
    EventCount,
    EventCounts,
    ListDead,
    ReplayDead,
)
from im.core.webhooks import (
    CreateWebhook,
    ListWebhooks,
    RemoveWebhook,
    RotateSecret,
    Webhook,
    Webhooks,
    event_body,
    event_headers,
    no_webhook,
    webhook_problem,
)
from im.ports import IStore

MOST_COUNTED = 10_000
MOST_REPLAYED = 10_000
"""Dead letters in one call."""

_REPLAYED_AT_ONCE = 250
"""In one transaction, so that chat goes on in between."""

SECRET_PREFIX = "ims_"
_SECRET_BYTES = 32

Post = Callable[[str, Mapping[str, str], bytes], Deferred[str]]
"""Posts a body with headers to a URL; fires with "" at a 2xx, else with a sentence that says why not."""


class DeskSettings(NamedTuple):
    """`now_ms` is Unix ms; `random(n)` gives n bytes of chance."""

    post: Post
    now_ms: Callable[[], int]
    random: Callable[[int], bytes]


class WebhookDesk:
    """Methods raise `RefusedError` (`not_found`, `invalid_argument`, …) or `UnavailableError`."""

    def __init__(self, store: IStore, settings: DeskSettings) -> None:
        self._store = store
        self._post, self._now_ms, self._random = settings

    async def all(self) -> Sequence[tuple[Webhook, EventCount]]:
        """Every webhook, the oldest first, and what waits for it."""
        webhooks = await self._webhooks()
        counted = await self._store.read(CountEvents(MOST_COUNTED))
        assert isinstance(counted, EventCounts)
        counts = {each.consumer: each for each in counted.counts}
        return [(each, counts.get(each.id, EventCount(each.id, 0, 0, 0))) for each in webhooks]

    async def create(self, webhook: str, url: str, kinds: Sequence[str]) -> Webhook:
        """Post events of these kinds from now on; the same id again is the same answer."""
        problem = webhook_problem(url, kinds)
        if problem is not None:
            raise RefusedError(problem)
        create = CreateWebhook(webhook, url, tuple(kinds), self._secret())
        (result,) = await self._store.write([create])
        return accepted(result, Webhook)

    async def remove(self, webhook: str) -> Webhook:
        """Post nothing there any more; what waits is forgotten."""
        (result,) = await self._store.write([RemoveWebhook(webhook)])
        return accepted(result, Webhook)

    async def rotate(self, webhook: str) -> Webhook:
        """Sign by a new secret, and for a while by the one before too."""
        (result,) = await self._store.write([RotateSecret(webhook, self._secret())])
        return accepted(result, Webhook)

    async def test(self, webhook: str, event: bytes) -> str:
        """Post a test under this event id, once and now; "" at a 2xx, else why not."""
        found = await self._find(webhook)
        now_ms = self._now_ms()
        told = Event(event, TEST, "", now_ms, "{}")
        body = event_body(told)
        return await self._post(found.url, event_headers(found, told, body, now_ms), body)

    async def replay(self, webhook: str) -> int:
        """Let dead letters be posted again, the oldest first; how many, at most `MOST_REPLAYED`."""
        await self._find(webhook)
        replayed = 0
        while replayed < MOST_REPLAYED:
            (result,) = await self._store.write([ReplayDead(webhook, _REPLAYED_AT_ONCE)])
            assert isinstance(result, DeadReplayed)
            replayed += result.events
            if result.events < _REPLAYED_AT_ONCE:
                break
        return replayed

    async def dead(self, webhook: str, after: bytes, limit: int) -> DeadLetters:
        """A page of dead letters, the oldest first."""
        await self._find(webhook)
        found = await self._store.read(ListDead(webhook, after, limit))
        assert isinstance(found, DeadLetters)
        return found

    def _secret(self) -> str:
        return SECRET_PREFIX + self._random(_SECRET_BYTES).hex()

    async def _find(self, webhook: str) -> Webhook:
        for each in await self._webhooks():
            if each.id == webhook:
                return each
        raise RefusedError(no_webhook())

    async def _webhooks(self) -> Sequence[Webhook]:
        found = await self._store.read(ListWebhooks())
        assert isinstance(found, Webhooks)
        return found.webhooks
