"""Who waits for an answer, while others of them are told."""

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from im.client.core.events import Refusal, SendFailed, Sent
from im.client.errors import ClientStoppedError, ServerError
from im.client.waiters import Waiters

KEY = bytes(16)


class WaitersTests(SynchronousTestCase):
    """One that is told may cancel those behind it: they are not told as well."""

    def setUp(self) -> None:
        self.waiters = Waiters()

    def two(self, first: Deferred[Any], second: Deferred[Any]) -> tuple[list[Any], list[Any]]:
        """What the first one is told, and the second, which the first cancels."""
        told: tuple[list[Any], list[Any]] = ([], [])
        first.addBoth(told[0].append)
        first.addCallback(lambda _: second.cancel())
        second.addBoth(told[1].append)
        return told

    def assert_cancelled(self, told: tuple[list[Any], list[Any]]) -> None:
        ((_,), (second,)) = told
        second.trap(CancelledError)

    def test_of_a_stored_message(self) -> None:
        told = self.two(self.waiters.for_send(KEY), self.waiters.for_send(KEY))
        self.waiters.sent(Sent("d~a~b", KEY, 1, 1))
        self.assert_cancelled(told)

    def test_of_a_refused_message(self) -> None:
        told = self.two(self.waiters.for_send(KEY), self.waiters.for_send(KEY))
        self.waiters.send_failed(SendFailed("d~a~b", KEY, Refusal(19, "blocked", "", "", False, 0.0, 0)))
        told[0][0].trap(ServerError)
        self.assert_cancelled(told)

    def test_of_the_first_login(self) -> None:
        told = self.two(self.waiters.for_user(), self.waiters.for_user())
        self.waiters.user_known()
        self.assert_cancelled(told)

    def test_of_the_end(self) -> None:
        told = self.two(self.waiters.for_request(1), self.waiters.for_request(2))
        self.waiters.fail_all(ClientStoppedError("the end"))
        self.assert_cancelled(told)
