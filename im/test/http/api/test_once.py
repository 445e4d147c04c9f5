"""Requests under idempotency keys: done once, also when the second comes while the first runs."""

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from im.core.errors import Code, RefusedError
from im.http.api.once import Asked, Once, asked
from im.test.memory_store import memory_store


class OnceTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.once = Once(memory_store(self))
        self.works: list[tuple[bytes, Deferred[bytes]]] = []

    async def work(self, token: bytes) -> bytes:
        done: Deferred[bytes] = Deferred()
        self.works.append((token, done))
        return await done

    def ask(self, number: int, what: Asked | None = None) -> "Deferred[tuple[bytes, bool]]":
        """Make the `number`-th request."""
        of = what or asked("shop", "k", "POST", b"/v1/push", b"{}")
        token = number.to_bytes(16, "big")
        return Deferred.fromCoroutine(self.once.answer(of, token, self.work))

    def test_a_repetition_waits_for_the_first_and_gets_its_answer(self) -> None:
        asking = [self.ask(number) for number in (1, 2, 3)]
        ((token, done),) = self.works
        self.assertEqual(1, int.from_bytes(token, "big"))
        done.callback(b"sent")
        answers = [self.successResultOf(each) for each in asking]
        self.assertEqual([(b"sent", False), (b"sent", True), (b"sent", True)], answers)
        self.assertEqual(1, len(self.works))

    def test_when_the_first_fails_the_next_goes_on_under_its_token(self) -> None:
        first, second, third = (self.ask(number) for number in (1, 2, 3))
        self.works[0][1].errback(ValueError("a fault"))
        self.failureResultOf(first, ValueError)
        self.assertEqual([1, 1], [int.from_bytes(token, "big") for token, _ in self.works])
        self.assertNoResult(third)
        self.works[1][1].callback(b"sent")
        self.assertEqual((b"sent", False), self.successResultOf(second))
        self.assertEqual((b"sent", True), self.successResultOf(third))

    def test_other_keys_and_other_callers_wait_for_nobody(self) -> None:
        self.ask(1)
        self.ask(2, asked("shop", "other", "POST", b"/v1/push", b"{}"))
        self.ask(3, asked("cafe", "k", "POST", b"/v1/push", b"{}"))
        self.assertEqual(3, len(self.works))

    def test_another_request_under_the_key_is_a_conflict_once_the_first_has_ended(self) -> None:
        self.ask(1)
        other = self.ask(2, asked("shop", "k", "POST", b"/v1/push", b"[]"))
        self.works[0][1].callback(b"sent")
        error = self.failureResultOf(other, RefusedError).value
        self.assertEqual(Code.CONFLICT, error.refused.code)
