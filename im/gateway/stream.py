"""What TCP, TLS and WebSocket transports share: their connection, the inbox, back-pressure, the end.

A transport stands between Twisted and one `Connection`. It hands on whole payloads (one envelope
each), never after it began to close, and none while reading is paused: those that were already
received wait in an inbox. The inbox holds at most what one read of the socket brought, since
Twisted reads nothing more while the transport below is paused.
"""

from collections import deque
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple, Protocol, cast

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    INegotiated,
    IReactorTime,
    ITCPTransport,
    ITransport,
)
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from im.core.errors import Code
from im.gateway.outbox import Outbox
from im.gateway.runs import Run
from im.gateway.transport import FrameReceiver, Transport

BuildConnection = Callable[[Transport, str], FrameReceiver | None]
"""Makes the connection of a transport and a client's address; None: refused, and already closed."""


_TWISTED_MARK_BYTES = 65_536  # `FileDescriptor.bufferSize`: a producer is paused above it


class TwistedTransport(Protocol):
    """What is used of Twisted's own transports; the TCP options only where `ITCPTransport` is provided."""

    # ruff: disable[D102]
    def write(self, data: bytes, /) -> None: ...
    def loseConnection(self) -> None: ...
    def loseWriteConnection(self) -> None: ...
    def abortConnection(self) -> None: ...
    def pauseProducing(self) -> None: ...
    def resumeProducing(self) -> None: ...
    def registerProducer(self, producer: object, streaming: bool, /) -> None: ...
    def unregisterProducer(self) -> None: ...
    def getPeer(self) -> IAddress: ...
    def setTcpNoDelay(self, enabled: bool, /) -> None: ...
    def setTcpKeepAlive(self, enabled: bool, /) -> None: ...

    # ruff: enable[D102]


class StreamSettings(NamedTuple):
    """What every transport of a node is made with.

    `queue_bytes` may wait for the network before the connection is told to stop writing;
    `close_seconds` bounds how long a close may take. What a batch writes is gathered in `outbox`.
    """

    build_connection: BuildConnection
    clock: IReactorTime
    frame_bytes: int
    queue_bytes: int
    close_seconds: float = 5.0
    outbox: Outbox = Outbox()


class StreamTransport(TwistedProtocol):
    """The shared half of a transport; a subclass adds the framing and calls `_deliver` and `_refuse`.

    It is the push producer of its own Twisted transport, so `pauseProducing` and `resumeProducing`
    speak of writing. Reading is paused on the Twisted transport.
    """

    _twisted: TwistedTransport
    _connection: FrameReceiver | None = None
    _inbox: deque[bytes] | None = None
    _deadline: IDelayedCall | None = None
    _end_reason = ""
    _is_open = False
    _is_reading_paused = False
    _is_backed_up = False
    _is_write_paused = False
    _queued_bytes = 0
    _is_closing = False
    _is_pumping = False

    def __init__(self, settings: StreamSettings) -> None:
        self._settings = settings
        self._outbox = settings.outbox

    def makeConnection(self, transport: ITransport) -> None:
        """Begin, upon a transport of Twisted's."""
        self._twisted = cast(TwistedTransport, transport)
        TwistedProtocol.makeConnection(self, transport)

    def _open(self, address: str) -> None:
        """Begin: tune the socket, watch the write buffer, make the connection."""
        transport = self._twisted
        if ITCPTransport.providedBy(transport):
            transport.setTcpNoDelay(True)
            transport.setTcpKeepAlive(True)
        transport.registerProducer(self, True)
        self._is_open = True
        self._connection = self._settings.build_connection(self, address)

    # What a connection calls.

    def send(self, payload: bytes) -> None:
        """Write one envelope; dropped when closing."""
        raise NotImplementedError

    def send_run(self, run: Run) -> None:
        """Write some envelopes; dropped when closing."""
        for _, payload in run.entries:
            self.send(payload)

    def close(self) -> None:
        """Flush what was sent, then end; abort when that takes longer than `close_seconds`."""
        if not self._is_closing:
            self._begin_close()
            self._finish_writing()

    def abort(self) -> None:
        """End at once; what the network has not taken is lost."""
        self._end_reason = self._end_reason or "aborted here"
        self._is_closing = True
        self._inbox = None
        self._twisted.abortConnection()

    def pause_reading(self) -> None:
        """Ask for no more frames until `resume_reading`."""
        if not self._is_reading_paused and not self._is_closing:
            self._is_reading_paused = True
            self._twisted.pauseProducing()

    def resume_reading(self) -> None:
        """Ask for frames again; those in the inbox come first, before this returns.

        Nothing is read from below while any wait, so order is kept.
        """
        if not self._is_reading_paused or self._is_closing:
            return
        self._is_reading_paused = False
        if self._is_pumping:  # called from within `frame_received`: whoever pumps goes on
            return
        self._pump()
        if not self._is_reading_paused and not self._is_closing:
            self._twisted.resumeProducing()

    # What a subclass calls.

    def _write(self, data: bytes) -> None:
        """The one place that writes."""
        self._outbox.write(self._twisted, data)
        if self._is_backed_up:
            self._watch_queue(len(data))

    def _deliver(self, payload: bytes) -> None:
        """Hand a payload on, or let it wait."""
        if self._is_closing or self._connection is None:
            return
        if self._is_reading_paused:
            if self._inbox is None:
                self._inbox = deque()
            self._inbox.append(payload)
        else:
            self._connection.frame_received(payload)

    def _refuse(self, code: Code, text: str) -> None:
        """Tell the connection that the peer broke the framing, and end."""
        if self._is_closing:
            return
        self._inbox = None
        if self._connection is not None:
            self._connection.frame_refused(code, text)
        self.close()

    def _begin_close(self) -> None:
        """Deliver nothing more and start the deadline."""
        self._end_reason = self._end_reason or "closed here"
        self._is_closing = True
        self._inbox = None
        if self._is_reading_paused:  # the peer's own close must be noticed
            self._twisted.resumeProducing()
        self._deadline = self._settings.clock.callLater(self._settings.close_seconds, self._give_up_close)

    def _let_go(self) -> None:
        """Drop what a subclass holds: the transport is gone."""

    def _finish_writing(self) -> None:
        """Let Twisted flush and end. A producer that is paused would hold it up."""
        self._outbox.flush(self._twisted)
        if self._is_open:
            self._twisted.unregisterProducer()
        finish_writing(self._twisted)

    def _give_up_close(self) -> None:
        self._deadline = None
        self._end_reason = "aborted: the peer did not end in time"
        self._twisted.abortConnection()

    def _watch_queue(self, added: int) -> None:
        """Count what is written while backed up: no less than what waits, since it drains meanwhile."""
        self._queued_bytes += added
        if self._queued_bytes >= self._settings.queue_bytes and not self._is_write_paused:
            self._is_write_paused = True
            if self._connection is not None:
                self._connection.write_paused()

    def _pump(self) -> None:
        self._is_pumping = True
        try:
            while self._inbox and not self._is_reading_paused and self._connection is not None:
                self._connection.frame_received(self._inbox.popleft())
        finally:
            self._is_pumping = False
        if not self._inbox:
            self._inbox = None

    # What Twisted calls.

    def pauseProducing(self) -> None:
        """Twisted's own mark is passed; from here on what is written is counted."""
        if not self._is_backed_up:
            self._is_backed_up = True
            self._queued_bytes = _TWISTED_MARK_BYTES
            self._watch_queue(0)

    def resumeProducing(self) -> None:
        """The write buffer is empty again."""
        self._is_backed_up = False
        if self._is_write_paused:
            self._is_write_paused = False
            if self._connection is not None:
                self._connection.write_resumed()

    def stopProducing(self) -> None:
        """The Twisted transport is ending; `connectionLost` follows."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell the connection, once, and let go of everything."""
        self._is_closing = True
        self._inbox = None
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        self._let_go()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.connection_lost(self._end_reason or _reason_text(reason))


def _reason_text(reason: Failure) -> str:
    return "closed by the peer" if isinstance(reason.value, ConnectionDone) else reason.getErrorMessage()


def finish_writing(transport: TwistedTransport) -> None:
    """Let a Twisted transport flush and end; the caller aborts it if that takes too long.

    A socket closed with unread bytes is reset, and the peer may lose what we sent last, our reason.
    So plain TCP is half closed and read on until the peer ends; TLS does the like with its close alert.
    """
    is_tcp, is_tls = ITCPTransport.providedBy(transport), INegotiated.providedBy(transport)
    if is_tcp and not is_tls:
        transport.loseWriteConnection()
    else:
        transport.loseConnection()


def address_text(address: IAddress) -> str:
    """The host of a peer as text, an IPv4 one also when it came over IPv6; "unix" without a host."""
    host = getattr(address, "host", None)
    if not isinstance(host, str):
        return "unix"
    try:
        parsed = ip_address(host)
    except ValueError:
        return host
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(parsed)
