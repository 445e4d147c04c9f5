"""The receiver's check of `docs/webhooks.md` takes what is signed, and nothing else."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from im.core.events import KINDS, ONLINE, Event
from im.core.webhooks import Webhook, event_body, event_headers
from im.test.markdown import ROOT, block, table

PAGE = ROOT / "docs" / "webhooks.md"
MOST_LINES = 10
HOOK = Webhook("w1", "https://shop.example/im", (ONLINE,), "new secret", 0)
EVENT = Event(bytes(16), ONLINE, "alice", 1, '{"device":"手机"}')
BODY = event_body(EVENT)

Check = Callable[[str, Mapping[str, str], bytes], bool]


def receivers_check() -> Check:
    """The check, ready to be called."""
    module: dict[str, Any] = {}
    exec(compile(block(PAGE, "python"), PAGE.name, "exec"), module)
    check: Check = module["is_from_im"]
    return check


class WebhooksPageTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.is_from_im = receivers_check()
        self.now_ms = time.time_ns() // 1_000_000

    def signed(self, webhook: Webhook = HOOK, age_ms: int = 0) -> dict[str, str]:
        return event_headers(webhook, EVENT, BODY, self.now_ms - age_ms)

    def test_it_has_ten_lines(self) -> None:
        lines = [line for line in block(PAGE, "python").splitlines() if line]
        self.assertLessEqual(len(lines), MOST_LINES)

    def test_what_is_signed_is_taken(self) -> None:
        self.assertTrue(self.is_from_im("new secret", self.signed(), BODY))

    def test_during_a_rotation_both_secrets_are_good(self) -> None:
        rotating = HOOK._replace(old_secret="old secret", old_until_ms=self.now_ms + 60_000)
        for secret in ("new secret", "old secret"):
            self.assertTrue(self.is_from_im(secret, self.signed(rotating), BODY))
        over = rotating._replace(old_until_ms=self.now_ms)
        self.assertFalse(self.is_from_im("old secret", self.signed(over), BODY))

    def test_what_is_changed_old_or_not_signed_is_not_taken(self) -> None:
        good = self.signed()
        self.assertFalse(self.is_from_im("other", good, BODY))
        self.assertFalse(self.is_from_im("new secret", good, BODY + b" "))
        self.assertFalse(self.is_from_im("new secret", self.signed(age_ms=301_000), BODY))
        moved = str(int(good["Im-Timestamp"]) - 1)
        for timestamp in (moved, "", "x", "²", "-1"):
            self.assertFalse(self.is_from_im("new secret", good | {"Im-Timestamp": timestamp}, BODY))
        for signature in ("", "v1=", "ü", good["Im-Signature"][3:], good["Im-Signature"].upper()):
            self.assertFalse(self.is_from_im("new secret", good | {"Im-Signature": signature}, BODY))

    def test_every_kind_is_told(self) -> None:
        kinds = [row["kind"].strip("`") for row in table(PAGE, "kind", "`user`", "`data`")]
        self.assertEqual([*KINDS], kinds)
