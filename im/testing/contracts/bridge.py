"""What every business bridge does."""

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from im.core.commands import Request
from im.core.messages import MoveRead
from im.ports import IBusinessBridge


def a_request(number: int, conversation: str = "d~alice~bob") -> Request:
    """A request that can be told from others."""
    return Request("n1", number, "s1", MoveRead(conversation, "alice", number))


class BridgeContract(TestCase):
    """Mix in with a `bridge` whose worker is `self.execute`, and a `settle` that lets it work."""

    bridge: IBusinessBridge
    settle: Callable[[], "Deferred[None]"]

    def setUp(self) -> None:
        """Forget what was executed."""
        self.executed: list[list[Request]] = []
        self.held: list[Deferred[None]] = []

    def execute(self, batch: list[Request]) -> "Deferred[None]":
        """The worker: holds every batch until the test lets it go."""
        self.executed.append(batch)
        self.held.append(Deferred())
        return self.held[-1]

    async def test_requests_of_one_conversation_keep_their_order(self) -> None:
        for number in range(300):
            self.bridge.submit(a_request(number))
            if self.held:
                self.held.pop().callback(None)
        while sum(map(len, self.executed)) < 300:
            await self.settle()
            for held in self.held:
                held.callback(None)
            self.held = []
        self.assertEqual(list(range(300)), [request.id for batch in self.executed for request in batch])

    async def test_what_comes_during_a_batch_is_the_next_one(self) -> None:
        self.bridge.submit(a_request(1))
        await self.settle()
        self.bridge.submit(a_request(2))
        self.bridge.submit(a_request(3))
        await self.settle()
        self.assertEqual([[1]], [[request.id for request in batch] for batch in self.executed])
        self.held.pop().callback(None)
        await self.settle()
        self.assertEqual([[1], [2, 3]], [[request.id for request in batch] for batch in self.executed])
