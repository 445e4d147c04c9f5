"""One connection to a node: payloads over TCP or TLS, or over WebSocket. The same bytes inside."""

from typing import Protocol as Interface

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import ITCPTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from im.wire.frames import Decoder, FrameTooLargeError, frame

SUBPROTOCOL = Subprotocol("im.v1")

MAX_FRAME_BYTES = 262_144
"""The largest payload that a node may be configured to send."""


class LinkOwner(Interface):
    """Who uses a link."""

    def link_received(self, payloads: list[bytes]) -> None:
        """Bytes came, and with them these payloads, in order; none, if one is still incomplete."""

    def link_lost(self, link: "Link", reason: Failure) -> None:
        """The connection is gone. Called once, and only of a link that was ready."""


class Link(Protocol):
    """What both kinds share. `ready` fires with the link when payloads can be sent, or fails."""

    transport: ITCPTransport

    def __init__(self, owner: LinkOwner) -> None:
        self._owner = owner
        self._is_ready = False
        self.ready: Deferred[Link] = Deferred(lambda _: self.abort())

    def send(self, payloads: list[bytes]) -> None:
        """Write payloads in one go."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the connection once everything is written."""
        self.transport.loseConnection()

    def abort(self) -> None:
        """Drop the connection now."""
        if self.connected:
            self.transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell the owner, or whoever waits for the link to be ready."""
        if self._is_ready:
            self._owner.link_lost(self, reason)
        elif not self.ready.called:
            self.ready.errback(reason)

    def _become_ready(self) -> None:
        self._is_ready = True
        self.ready.callback(self)


class StreamLink(Link):
    """Payloads behind their lengths, over TCP or TLS."""

    def __init__(self, owner: LinkOwner) -> None:
        super().__init__(owner)
        self._decoder = Decoder(MAX_FRAME_BYTES)

    def connectionMade(self) -> None:
        """Be ready at once."""
        self.transport.setTcpNoDelay(True)
        self._become_ready()

    def dataReceived(self, data: bytes) -> None:
        """Pass on what is complete."""
        try:
            payloads = self._decoder.feed(data)
        except FrameTooLargeError as error:
            self._owner.link_received(error.payloads)
            self.abort()
        else:
            self._owner.link_received(payloads)

    def send(self, payloads: list[bytes]) -> None:
        """Write payloads in one go."""
        self.transport.write(b"".join(map(frame, payloads)))


class WebSocketLink(Link):
    """Each payload one binary message."""

    def __init__(self, owner: LinkOwner, url: str) -> None:
        super().__init__(owner)
        self._websocket = ClientProtocol(parse_uri(url), subprotocols=[SUBPROTOCOL], max_size=MAX_FRAME_BYTES)
        self._fragments: list[bytes] = []

    def connectionMade(self) -> None:
        """Ask for the upgrade."""
        self.transport.setTcpNoDelay(True)
        self._websocket.send_request(self._websocket.connect())
        self._write()

    def dataReceived(self, data: bytes) -> None:
        """Pass on complete messages; answer what WebSocket itself wants answered."""
        self._websocket.receive_data(data)
        payloads = []
        for event in self._websocket.events_received():
            if isinstance(event, Response):
                if self._websocket.handshake_exc is None:
                    self._become_ready()
            elif isinstance(event, Frame) and event.opcode in (Opcode.BINARY, Opcode.CONT):
                self._fragments.append(bytes(event.data))
                if event.fin:
                    payloads.append(b"".join(self._fragments))
                    self._fragments.clear()
        self._write()
        refused = self._websocket.handshake_exc
        if refused is not None and not self.ready.called:
            self.ready.errback(Failure(refused))
            self.abort()
        if self._is_ready:
            self._owner.link_received(payloads)
        if self._websocket.close_expected():
            self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Let the WebSocket layer know, too."""
        self._websocket.receive_eof()
        super().connectionLost(reason)

    def send(self, payloads: list[bytes]) -> None:
        """Write payloads in one go."""
        for payload in payloads:
            self._websocket.send_binary(payload)
        self._write()

    def close(self) -> None:
        """Say goodbye in WebSocket's way, too."""
        if self._is_ready:
            self._websocket.send_close(1000)
            self._write()
        super().close()

    def _write(self) -> None:
        data = b"".join(self._websocket.data_to_send())
        if data:
            self.transport.write(data)
