"""Send: stored, unknown, or never sent; each is told apart."""

from argparse import Namespace
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast
from unittest.mock import patch

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from im.cli.commands import send
from im.cli.devices import DeviceState
from im.cli.failures import Failure
from im.cli.online import Session
from im.client.client import Client
from im.client.core.events import Sent
from im.client.settings import ClientStatus, Status

PLAIN = {"reply_to": 0, "mention": [], "mention_everyone": False}
ARGUMENTS = Namespace(user="alice", text="hi", timeout=10.0, **PLAIN)


class FakeClient:
    user = "alice"

    def __init__(self) -> None:
        self.status = ClientStatus(Status.CONNECTING)
        self.sends: list[tuple[str, str]] = []
        self.riches: list[dict[str, Any]] = []
        self.sending: Deferred[Sent] = Deferred()

    def on_state(self, observer: Callable[[ClientStatus], None]) -> None:
        self.tell = observer

    def send(self, conversation: str, text: str) -> "Deferred[Sent]":
        self.sends.append((conversation, text))
        return self.sending

    def send_rich(self, conversation: str, text: str, **rich: Any) -> "Deferred[Sent]":
        self.riches.append(rich)
        return self.send(conversation, text)


class SendTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.client = Clock(), FakeClient()
        self.running = self.begin(ARGUMENTS)

    def begin(self, arguments: Namespace) -> "Deferred[Sent]":

        @asynccontextmanager
        async def online(reactor: Any, arguments: Namespace, device_class: str) -> AsyncIterator[Session]:
            yield Session(cast(Client, self.client), cast(DeviceState, None), self.clock, "alice")

        with patch.object(send, "online", online):
            return Deferred.fromCoroutine(send.send(self.clock, arguments, "d~alice~bob"))

    def failure(self) -> Failure:
        failure = self.failureResultOf(self.running, Failure).value
        assert isinstance(failure, Failure)
        return failure

    def test_what_is_stored_is_told(self) -> None:
        self.client.tell(ClientStatus(Status.ONLINE))
        self.assertEqual(self.client.sends, [("d~alice~bob", "hi")])
        sent = Sent("d~alice~bob", b"i" * 16, 1, 1_000)
        self.client.sending.callback(sent)
        self.assertIs(self.successResultOf(self.running), sent)

    def test_what_answers_or_mentions_says_so(self) -> None:
        self.client.tell(ClientStatus(Status.ONLINE))
        self.assertEqual(self.client.riches, [])
        rich = {"reply_to": 3, "mention": ["bob"], "mention_everyone": False}
        running = self.begin(Namespace(**{**vars(ARGUMENTS), **rich}))
        self.client.tell(ClientStatus(Status.ONLINE))
        self.assertNoResult(running)
        told = {"reply_to": 3, "mentions": ["bob"], "mentions_everyone": False}
        self.assertEqual(self.client.riches, [told])

    def test_without_a_connection_nothing_is_sent(self) -> None:
        self.clock.advance(10)
        failure = self.failure()
        self.assertEqual((failure.status, failure.code, self.client.sends), (3, "unreachable", []))
        self.assertIn("nothing was sent", failure.text)

    def test_without_an_answer_the_outcome_is_unknown_within_the_one_time_out(self) -> None:
        self.clock.advance(6)
        self.client.tell(ClientStatus(Status.ONLINE))
        self.clock.advance(3.9)
        self.assertNoResult(self.running)
        self.clock.advance(0.1)
        failure = self.failure()
        self.assertEqual((failure.status, failure.code), (3, "unknown"))

    def test_a_refused_login_is_not_called_unreachable(self) -> None:
        self.client.tell(ClientStatus(Status.AWAY, "expired: the token has expired"))
        failure = self.failure()
        self.assertEqual((failure.status, failure.code, self.client.sends), (1, "expired", []))
