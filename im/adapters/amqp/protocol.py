"""pika's protocol, with what it does not tell: why a broker let us not in, and that it takes nothing now."""

from collections.abc import Callable
from typing import Any

import pika
from pika.adapters.twisted_connection import TwistedProtocolConnection
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionClosed
from twisted.internet.protocol import Factory, connectionDone
from twisted.python.failure import Failure

from im.adapters.amqp import tables  # noqa: F401 # Has pika read any headers.
from im.adapters.sentences import sentence, tls_sentence

Blocked = Callable[[str], None]
"""Is told why the broker takes nothing from this connection; "": it takes everything again."""


class AmqpProtocol(TwistedProtocolConnection):  # type: ignore[misc]
    """`opened` fires once: with "", or with why the connection is of no use, in a sentence.

    `why` is what the broker said when it closed the connection, "" if it said nothing. With
    `is_blocked` it reads nothing from us now. Sends at once: else what follows a message waits for its ACK,
    up to 40 ms.
    """

    def __init__(self, parameters: pika.URLParameters, blocked: Blocked) -> None:
        super().__init__(parameters)
        self.why = ""
        self.is_blocked = False
        self._blocked = blocked
        self.opened: Deferred[str] = self.ready.addCallbacks(lambda _: "", self._not_opened)
        self._impl.add_on_connection_blocked_callback(self._on_blocked)
        self._impl.add_on_connection_unblocked_callback(self._on_unblocked)

    def makeConnection(self, transport: Any) -> None:
        """See `IProtocol`."""
        transport.setTcpNoDelay(True)
        super().makeConnection(transport)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """See `IProtocol`."""
        told = self._impl._error  # What the broker said; the library forgets it for how the socket closed.
        if told is not None:
            self.why = sentence(told)
        elif not reason.check(ConnectionClosed):
            self.why = f"it is not trusted: {tls_sentence(reason.value)}"
        super().connectionLost(reason)

    def _on_blocked(self, _: Any, frame: Any) -> None:
        self.is_blocked = True
        self._blocked(sentence(frame.method.reason))

    def _on_unblocked(self, _: Any, frame: Any) -> None:
        self.is_blocked = False
        self._blocked("")

    def _not_opened(self, failure: Failure) -> str:
        if failure.check(CancelledError):
            return "it does not answer"
        return self.why or sentence(failure.value)


class AmqpFactory(Factory):
    """Makes protocols for one broker."""

    noisy = False

    def __init__(self, parameters: pika.URLParameters, blocked: Blocked) -> None:
        self._parameters = parameters
        self._blocked = blocked

    def buildProtocol(self, addr: Any) -> AmqpProtocol:
        """See `Factory`."""
        protocol = AmqpProtocol(self._parameters, self._blocked)
        protocol.factory = self
        return protocol
