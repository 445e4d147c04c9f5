from collections.abc import Coroutine
from itertools import count
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from im.business.keys import FRESH_SECONDS, Keys
from im.core.errors import Code, RefusedError
from im.test.memory_store import memory_store

T = TypeVar("T")


class KeysTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        store = memory_store(self)
        numbers = count(1)
        self.here, self.elsewhere = (
            Keys(store, lambda size: next(numbers).to_bytes(size, "big"), self.clock.seconds)
            for _ in range(2)
        )

    def of(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.successResultOf(Deferred.fromCoroutine(coroutine))

    def refusal(self, coroutine: Coroutine[Any, Any, object]) -> tuple[Code, str]:
        refused = self.failureResultOf(Deferred.fromCoroutine(coroutine), RefusedError).value.refused
        return refused.code, refused.field

    def test_a_key_is_found_by_its_text(self) -> None:
        made = self.of(self.here.create("shop", ["push", "users:read"]))
        self.assertEqual(("users:read", "push"), made.key.scopes)
        self.assertEqual(made.key, self.of(self.here.find(made.text)))
        self.assertEqual(made.key, self.of(self.elsewhere.find(made.text)))
        self.assertEqual((made.key,), self.of(self.here.all()))
        self.assertNotIn(made.key.id, made.text)

    def test_a_revoked_key_opens_nothing_here_at_once_and_elsewhere_soon(self) -> None:
        made = self.of(self.here.create("shop", ["push"]))
        for keys in (self.here, self.elsewhere):
            self.of(keys.find(made.text))
        self.of(self.here.revoke(made.key.id))
        self.assertEqual((Code.UNAUTHENTICATED, ""), self.refusal(self.here.find(made.text)))
        self.assertEqual(made.key, self.of(self.elsewhere.find(made.text)))
        self.clock.advance(FRESH_SECONDS)
        self.assertEqual((Code.UNAUTHENTICATED, ""), self.refusal(self.elsewhere.find(made.text)))

    def test_a_bad_name_or_scope_is_refused(self) -> None:
        for name, scopes, field in (
            ("shop", ["push", "all"], "scopes"),
            ("shop", [], "scopes"),
            ("", ["push"], "name"),
            ("a\nb", ["push"], "name"),
        ):
            refusal = self.refusal(self.here.create(name, scopes))
            self.assertEqual((Code.INVALID_ARGUMENT, field), refusal)

    def test_what_was_never_made_is_unknown(self) -> None:
        self.assertEqual((Code.UNAUTHENTICATED, ""), self.refusal(self.here.find("imk_\ud800")))
        self.assertEqual((Code.NOT_FOUND, "id"), self.refusal(self.here.revoke("k9")))
