"""What every store does for webhooks."""

from im.core.commands import Result
from im.core.errors import Code
from im.core.events import ONLINE, READ, STORED, CountEvents, EventCounts
from im.core.webhooks import (
    MOST_WEBHOOKS,
    ROTATION_MS,
    CreateWebhook,
    ListWebhooks,
    RemoveWebhook,
    RotateSecret,
    Webhook,
    Webhooks,
)
from im.testing.contracts.store_base import StoreContract, a_send

_URL = "https://shop.example/im"


class WebhookContract(StoreContract):
    """Webhooks are kept, each with its events."""

    async def create(self, webhook: str = "a", *kinds: str) -> Result:
        """Execute one."""
        (result,) = await self.write(CreateWebhook(webhook, _URL, kinds or (STORED,), f"secret {webhook}"))
        return result

    async def counts(self) -> list[tuple[str, int]]:
        """How many events wait for each."""
        counts = await self.read(CountEvents(10))
        assert isinstance(counts, EventCounts), counts
        return [(each.consumer, each.pending) for each in counts.counts]

    async def test_a_webhook_is_made_once_and_gets_its_kinds(self) -> None:
        made = await self.create("a", READ, ONLINE)
        self.assertEqual(Webhook("a", _URL, (ONLINE, READ), "secret a", self.time_ms), made)
        self.time_ms += 1
        await self.create("b")
        again = await self.write(CreateWebhook("a", "http://other.example", (STORED,), "other"))
        self.assertEqual([made], again)
        await self.send(a_send(1))
        self.assertEqual([("a", 0), ("b", 1)], await self.counts())
        found = await self.read(ListWebhooks())
        assert isinstance(found, Webhooks), found
        self.assertEqual(["a", "b"], [each.id for each in found.webhooks])

    async def test_one_that_is_removed_gets_nothing(self) -> None:
        made = await self.create()
        await self.send(a_send(1))
        self.assertEqual([made], await self.write(RemoveWebhook("a")))
        self.assertEqual(Webhooks(()), await self.read(ListWebhooks()))
        self.assertEqual([], await self.counts())
        for write in (RemoveWebhook("a"), RotateSecret("a", "new")):
            (refused,) = await self.write(write)
            self.assert_refused(refused, Code.NOT_FOUND, "id")

    async def test_the_secret_before_a_rotation_holds_for_a_while(self) -> None:
        made = await self.create()
        assert isinstance(made, Webhook), made
        rotated = made._replace(secret="new", old_secret="secret a", old_until_ms=self.time_ms + ROTATION_MS)
        for _ in range(2):
            self.assertEqual([rotated], await self.write(RotateSecret("a", "new")))

    async def test_there_are_only_so_many(self) -> None:
        for number in range(MOST_WEBHOOKS):
            await self.create(str(number))
        self.assert_refused(await self.create("one more"), Code.LIMIT_EXCEEDED, "url")
        await self.write(RemoveWebhook("0"))
        self.assertIsInstance(await self.create("one more"), Webhook)

    async def test_after_a_crash_it_still_gets_its_kinds(self) -> None:
        await self.create()
        self.store = self.reopen_store(self.store, False)
        await self.send(a_send(1))
        self.assertEqual([("a", 1)], await self.counts())
