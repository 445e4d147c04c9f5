"""What a webhook may be, what is posted to it, and when again."""

import hashlib
import hmac
import json

from twisted.trial.unittest import SynchronousTestCase

from im.core.errors import Code
from im.core.events import KINDS, Event
from im.core.webhooks import (
    MOST_ATTEMPTS,
    MOST_DELAY_MS,
    URL_CHARACTERS,
    Webhook,
    event_body,
    event_headers,
    no_webhook,
    retry_delay_ms,
    webhook_problem,
)

EVENT = Event(bytes(15) + b"\x07", "online", "zoë", 1_000, '{"session":"s1"}')


def signature_of(secret: str, text: bytes) -> str:
    return "v1=" + hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


class WebhookTests(SynchronousTestCase):
    def test_http_and_https_urls_are_taken(self) -> None:
        for url in ("https://shop.example/im?a=1", "http://127.0.0.1:8080", "https://[::1]/"):
            self.assertIsNone(webhook_problem(url, KINDS))

    def test_one_that_is_not_there_is_told_by_its_id(self) -> None:
        self.assertEqual((Code.NOT_FOUND, "id"), (no_webhook().code, no_webhook().field))

    def test_other_urls_are_refused(self) -> None:
        for url in (
            "",
            "shop.example",
            "ftp://shop.example",
            "https://",
            "https://shop.example:0/",
            "https://shop.example:99999/",
            "https://[::1/",
            "https://user:password@shop.example/",
            "https://shop.example/#here",
            "https://shop.example/a b",
            "https://shöp.example/",
            "https://shop.example/\n",
            "https://shop.example/" + "a" * URL_CHARACTERS,
        ):
            problem = webhook_problem(url, KINDS)
            assert problem is not None, url
            self.assertEqual("url", problem.field)

    def test_kinds_must_be_some_that_exist(self) -> None:
        for kinds in ((), ("online", "no such"), ("test",)):
            problem = webhook_problem("https://shop.example", kinds)
            assert problem is not None, kinds
            self.assertEqual("kinds", problem.field)

    def test_delays_double_up_to_six_hours_and_end_within_a_day(self) -> None:
        delays = [retry_delay_ms(attempts, 0.5) for attempts in range(1, MOST_ATTEMPTS)]
        self.assertEqual([10_000, 20_000, MOST_DELAY_MS], [*delays[:2], delays[-1]])
        self.assertAlmostEqual(23.4, sum(delays) / 3_600_000, 1)
        self.assertEqual((8_000, 12_000), (retry_delay_ms(1, 0.0), retry_delay_ms(1, 1.0)))

    def test_the_body_tells_all_of_an_event(self) -> None:
        told = json.loads(event_body(EVENT))
        self.assertEqual(
            {
                "id": "0" * 31 + "7",
                "kind": "online",
                "user": "zoë",
                "time_ms": 1_000,
                "data": {"session": "s1"},
            },
            told,
        )

    def test_it_is_signed_by_the_secret(self) -> None:
        webhook = Webhook("a", "https://shop.example", ("online",), "secret", 0)
        headers = event_headers(webhook, EVENT, b"{}", 5_999)
        self.assertEqual(
            {
                "Im-Event-Id": "0" * 31 + "7",
                "Im-Timestamp": "5",
                "Im-Signature": signature_of("secret", b"5.{}"),
            },
            headers,
        )

    def test_after_a_rotation_it_is_signed_by_both_secrets_for_a_while(self) -> None:
        webhook = Webhook("a", "https://shop.example", ("online",), "new", 0, "old", 9_000)
        both = event_headers(webhook, EVENT, b"{}", 8_000)["Im-Signature"]
        self.assertEqual(f"{signature_of('new', b'8.{}')},{signature_of('old', b'8.{}')}", both)
        one = event_headers(webhook, EVENT, b"{}", 9_000)["Im-Signature"]
        self.assertEqual(signature_of("new", b"9.{}"), one)
