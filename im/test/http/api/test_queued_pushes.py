"""Pushes from a queue."""

import json
from itertools import count

from im.core.errors import Code, RefusedError
from im.core.messages import Pull, PullPage
from im.http.api.push import PushDesk, PushParts
from im.http.api.queued_pushes import QueuedPushes
from im.test.http.api.world import ApiCase


class QueuedPushTests(ApiCase):
    def setUp(self) -> None:
        super().setUp()
        desk = PushDesk(PushParts(self.pushes, self.registry, self.limits, self.now_ms))
        numbers = count(1)
        self.queued = QueuedPushes(self.store, desk, lambda: next(numbers).to_bytes(16, "big"))
        self.know("alice")

    def take(self, key: str, **fields: object) -> None:
        content = json.dumps({"to": ["alice"], "event": {"paid": True}, **fields}).encode()
        self.successResultOf(self.queued.take(content, key))

    def assert_refused(self, code: Code, field: str, content: bytes, key: str = "key") -> None:
        error = self.failureResultOf(self.queued.take(content, key), RefusedError).value
        self.assertEqual((code, field), (error.refused.code, error.refused.field))

    def stored(self) -> int:
        page = self.successResultOf(self.store.read(Pull("i~alice", "alice", 0, False, 0)))
        if not isinstance(page, PullPage):
            return 0  # It never got any.
        return len([entry for entry in page.entries if entry.kind])

    def test_what_comes_again_under_its_id_is_stored_once(self) -> None:
        self.take("first")
        self.take("first")
        self.take("second")
        self.assertEqual(2, self.stored())

    def test_another_push_under_an_id_that_was_used_is_a_conflict(self) -> None:
        self.take("key")
        self.assert_refused(Code.CONFLICT, "Idempotency-Key", b'{"to": ["alice"], "event": 2}')
        self.assertEqual(1, self.stored())

    def test_users_that_are_not_known_keep_nothing_from_the_others(self) -> None:
        self.take("key", to=["nobody", "alice"])
        self.assertEqual(1, self.stored())

    def test_bad_ones_are_refused(self) -> None:
        good = b'{"to": ["alice"], "event": 1}'
        self.assert_refused(Code.INVALID_ARGUMENT, "message_id", good, "")
        self.assert_refused(Code.INVALID_ARGUMENT, "body", b"{")
        self.assert_refused(Code.INVALID_ARGUMENT, "to", b'{"to": "alice", "event": 1}')
        self.assert_refused(Code.INVALID_ARGUMENT, "to", b'{"event": 1}')
        self.assert_refused(
            Code.INVALID_ARGUMENT, "wait", b'{"to": ["alice"], "event": 1, "wait": "delivered"}'
        )
        self.assertEqual(0, self.stored())
