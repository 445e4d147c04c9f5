"""A server for the tests of those who fetch and post: it answers what it is told to."""

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure


class Answers(Factory[Protocol]):
    """Answers whatever comes with `pieces`; each connection stays open unless `hangs_up`."""

    noisy = False

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = [*pieces]
        self.hangs_up = False
        self.requests: list[bytes] = []
        self.connections: list[Answering] = []

    def buildProtocol(self, addr: IAddress | None) -> Protocol:
        """See `IProtocolFactory`."""
        self.connections.append(Answering(self))
        return self.connections[-1]


class Answering(Protocol):
    """One connection; `gone` fires at its end."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self.gone: Deferred[None] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        """See `IProtocol`."""
        self._answers.requests.append(data)
        assert self.transport is not None
        for piece in self._answers.pieces:
            self.transport.write(piece)
        if self._answers.hangs_up:
            self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """See `IProtocol`."""
        self.gone.callback(None)
