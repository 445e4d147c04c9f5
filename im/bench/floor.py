"""The floor: a bare relay on stock Twisted. It shows what a message costs before anything is done with it."""

import sys

from twisted.internet import reactor
from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import Factory, connectionDone
from twisted.protocols.basic import Int32StringReceiver
from twisted.python.failure import Failure


class Relay(Int32StringReceiver):
    """The first frame names oneself and the peer; what follows goes to the peer as it came."""

    members: dict[bytes, "Relay"] = {}  # noqa: RUF012 - one process, one relay
    peer = b""

    def stringReceived(self, string: bytes) -> None:
        """Join, or relay."""
        if self.peer:
            self.members[self.peer].sendString(string)  # type: ignore[no-untyped-call]
        else:
            self.name, self.peer = string.split(b" ")
            self.members[self.name] = self

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Leave."""
        self.members.pop(self.name, None)


if __name__ == "__main__":
    listening = serverFromString(reactor, sys.argv[1]).listen(Factory.forProtocol(Relay))
    listening.addCallback(lambda port: print(port.getHost().port, flush=True))
    reactor.run()
