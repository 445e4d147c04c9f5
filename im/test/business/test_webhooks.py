"""Couriers of webhooks: each webhook has one, as long as it is there."""

import json
from collections.abc import Mapping

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from im.business.events import LOOK_SECONDS, CarryTimes
from im.business.webhooks import COUNT_LOOKS, WebhookCounts, WebhookCouriers
from im.core.commands import Write
from im.core.events import ONLINE
from im.core.webhooks import CreateWebhook, RemoveWebhook, RotateSecret
from im.ports import UnavailableError
from im.test.memory_store import memory_store
from im.testing.contracts.store_events import an_open

EPOCH_MS = 1_700_000_000_000


class WebhookCourierTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.posted: list[tuple[str, Mapping[str, str], bytes]] = []
        self.answer = ""
        self.store = memory_store(self, self.now_ms)
        self.counts = WebhookCounts()
        times = CarryTimes(self.clock, self.now_ms, lambda: 0.5)
        self.couriers = WebhookCouriers(self.store, self.post, times, self.counts)
        self.couriers.start()
        self.sessions = 0

    def now_ms(self) -> int:
        return EPOCH_MS + round(self.clock.seconds() * 1_000)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> "Deferred[str]":
        self.posted.append((url, headers, body))
        return succeed(self.answer)

    def write(self, *batch: Write) -> None:
        self.successResultOf(self.store.write(batch))
        self.couriers.committed((), ())

    def create(self, webhook: str) -> None:
        self.write(CreateWebhook(webhook, f"https://{webhook}.example/im", (ONLINE,), "secret"))
        self.clock.advance(LOOK_SECONDS)

    def log_in(self, user: str) -> None:
        self.sessions += 1
        self.write(an_open(user, f"s{self.sessions}", self.now_ms()))

    def run_for(self, seconds: float) -> None:
        self.clock.pump([0.1] * round(seconds * 10))

    def test_each_webhook_gets_the_event_at_its_url_signed(self) -> None:
        self.create("a")
        self.create("b")
        self.log_in("alice")
        self.run_for(0.3)
        self.assertEqual(
            ["https://a.example/im", "https://b.example/im"], sorted(url for url, *_ in self.posted)
        )
        _, headers, body = self.posted[0]
        told = json.loads(body)
        self.assertEqual((ONLINE, "alice"), (told["kind"], told["user"]))
        self.assertEqual(told["id"], headers["Im-Event-Id"])
        self.assertEqual(str(self.now_ms() // 1_000), headers["Im-Timestamp"])

    def test_one_that_is_removed_gets_nothing_more(self) -> None:
        self.create("a")
        self.write(RemoveWebhook("a"))
        self.run_for(LOOK_SECONDS + 0.1)
        self.log_in("alice")
        self.run_for(5)
        self.assertEqual([], self.posted)
        self.assertEqual(1, len(self.clock.getDelayedCalls()))

    def test_a_new_secret_signs_within_a_look(self) -> None:
        self.create("a")
        self.write(RotateSecret("a", "new"))
        self.run_for(LOOK_SECONDS + 0.1)
        self.log_in("alice")
        self.run_for(0.3)
        ((_, headers, _),) = self.posted
        self.assertEqual(2, len(headers["Im-Signature"].split(",")))

    def test_what_waits_and_what_became_of_events_is_counted(self) -> None:
        self.answer = "it answered with HTTP status 500"
        self.create("a")
        self.log_in("alice")
        self.run_for(LOOK_SECONDS * (COUNT_LOOKS + 2))
        ((webhook, pending, dead, oldest_ms),) = self.counts.waiting
        self.assertEqual(("a", 1, 0, EPOCH_MS + 1_000), (webhook, pending, dead, oldest_ms))
        self.assertEqual(0, self.counts.carried.taken)
        self.assertGreater(self.counts.carried.failed, 0)
        self.write(RemoveWebhook("a"))
        self.run_for(LOOK_SECONDS + 0.1)
        self.assertEqual((), self.counts.waiting)

    def test_it_looks_again_when_the_store_could_not_answer(self) -> None:
        read = self.store.read
        self.store.read = lambda query: fail(UnavailableError("locked"))  # type: ignore[method-assign]
        self.create("a")
        self.store.read = read  # type: ignore[method-assign]
        self.log_in("alice")
        self.run_for(LOOK_SECONDS * 2)
        self.assertEqual(1, len(self.posted))

    def test_a_fault_of_ours_is_logged_and_does_not_end_it(self) -> None:
        read = self.store.read
        self.store.read = lambda query: fail(ValueError("a fault"))  # type: ignore[method-assign]
        self.run_for(LOOK_SECONDS + 0.1)
        self.assertEqual(1, len(self.flushLoggedErrors(ValueError)))
        self.store.read = read  # type: ignore[method-assign]
        self.create("a")
        self.log_in("alice")
        self.run_for(LOOK_SECONDS * 2)
        self.assertEqual(1, len(self.posted))

    def test_stopping_ends_all_of_it(self) -> None:
        self.create("a")
        self.couriers.stop()
        self.assertEqual([], self.clock.getDelayedCalls())
