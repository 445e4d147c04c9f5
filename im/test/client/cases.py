"""What the tests of the front share."""

from collections.abc import Callable
from random import Random

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from im.client import Client, ClientSettings, MemoryState, Status
from im.test.client.network import FakeNode

Token = str | Callable[[], str | Deferred[str]]


class ClientTestCase(SynchronousTestCase):
    """A client beside a scripted node."""

    def setUp(self) -> None:
        self.node = FakeNode()
        self.state = MemoryState("phone-1")
        self.client = self.make()
        self.statuses: list[Status] = []
        self.client.on_state(lambda status: self.statuses.append(status.status))

    def make(self, token: Token = "secret", addresses: tuple[str, ...] = ("tcp:a:1",)) -> Client:
        settings = ClientSettings(addresses=addresses, token=token, state=self.state)
        return Client(settings, self.node.clock, endpoints=self.node.endpoint, random=Random(1))

    def start(self) -> None:
        self.client.start()
        self.node.turns()

    def stop(self) -> None:
        stopped = self.client.stop()
        self.node.wait(3.0)
        self.successResultOf(stopped)
        self.assertEqual(self.node.clock.getDelayedCalls(), [])
