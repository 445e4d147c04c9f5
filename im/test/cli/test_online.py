"""How imctl waits for a node."""

from collections.abc import Callable
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from im.cli.devices import DeviceState
from im.cli.failures import Failure, timed_out
from im.cli.online import Session
from im.client.client import Client
from im.client.settings import ClientStatus
from im.client.settings import Status as ClientState


class FakeClient:
    def __init__(self) -> None:
        self.user = "alice"
        self.status = ClientStatus(ClientState.CONNECTING)
        self.observers: list[Callable[[ClientStatus], None]] = []

    def on_state(self, observer: Callable[[ClientStatus], None]) -> None:
        self.observers.append(observer)

    def become(self, status: ClientState, reason: str = "") -> None:
        self.status = ClientStatus(status, reason)
        for observer in self.observers:
            observer(self.status)


class SessionTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.client = FakeClient()
        device = cast(DeviceState, None)
        self.session = Session(cast(Client, self.client), device, self.clock, "alice")

    def start(self, waiting: Any) -> "Deferred[Any]":
        return Deferred.fromCoroutine(waiting)

    def failure(self, waiting: "Deferred[Any]") -> Failure:
        error = self.failureResultOf(waiting, Failure).value
        assert isinstance(error, Failure)
        return error

    def test_it_waits_until_the_first_login(self) -> None:
        waiting = self.start(self.session.until_online(10))
        self.assertNoResult(waiting)
        self.client.become(ClientState.ONLINE)
        self.assertIsNone(self.successResultOf(waiting))
        self.client.become(ClientState.WAITING)
        self.client.become(ClientState.ONLINE)

    def test_who_cannot_be_reached_is_named_with_the_reason(self) -> None:
        waiting = self.start(self.session.until_online(10))
        self.client.become(ClientState.WAITING, "Connection refused")
        self.clock.advance(10)
        failure = self.failure(waiting)
        self.assertEqual((failure.status, failure.text), (3, "nobody answers: Connection refused"))

    def test_what_comes_too_late_is_the_failure_that_was_named(self) -> None:
        late = timed_out("too late")
        waiting = self.start(self.session.wait(Deferred(), 5, late))
        self.clock.advance(5)
        self.assertIs(self.failure(waiting), late)

    def test_a_refused_login_ends_the_wait_at_once(self) -> None:
        waiting = self.start(self.session.wait(Deferred()))
        self.client.become(ClientState.AWAY, "expired: the token has expired")
        failure = self.failure(waiting)
        self.assertEqual((failure.status, failure.code), (1, "expired"))
        self.assertEqual(failure.text, "refused: the token has expired")
        self.assertIs(self.failure(self.start(self.session.wait(Deferred()))), failure)

    def test_a_token_of_somebody_else_is_refused(self) -> None:
        waiting = self.start(self.session.until_online(10))
        self.client.user = "mallory"
        self.client.become(ClientState.ONLINE)
        self.assertIn("mallory", self.failure(waiting).text)
