"""Clients that speak the wire by hand, over TCP, TLS or WebSocket: whatever they say, right or wrong."""

import socket
from collections import deque
from collections.abc import Callable
from typing import Protocol as Interface
from typing import TypeVar, cast

from google.protobuf.message import Message
from OpenSSL import SSL
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol, wrapClientTLS
from twisted.internet.interfaces import (
    IOpenSSLClientConnectionCreator,
    IReactorTime,
    IStreamClientEndpoint,
    ISystemHandle,
)
from twisted.internet.protocol import Protocol, connectionDone
from twisted.protocols.tls import TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from im.gateway.stream import TwistedTransport
from im.proto.base_pb2 import BaseMessage
from im.tap.process import INodeReactor
from im.wire.codec import pack, unpack, unpack_as, unpack_body
from im.wire.frames import Decoder, frame
from im.wire.types import NUMBERS

PATIENCE_SECONDS = 30.0
"""For what a loaded machine may take long to do."""

Body = TypeVar("Body", bound=Message)

_LARGEST_FRAME = 1_048_576
_UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: im.v1\r\n\r\n"
)
_NO_MASK = bytes(4)
_BINARY, _CLOSE = 2, 8


class Framing(Interface):
    """How envelopes travel in one kind of connection."""

    hello: bytes

    def write(self, payload: bytes) -> bytes:
        """The bytes in which a client sends an envelope."""

    def read(self, data: bytes) -> list[bytes]:
        """The envelopes that are complete with these bytes of the server."""

    def goodbye(self) -> bytes:
        """What the server waits for now that it has said that it ends, once."""


class LengthFraming:
    """Of TCP and TLS: a length, then the envelope."""

    hello = b""

    def __init__(self) -> None:
        self._decoder = Decoder(_LARGEST_FRAME)

    def write(self, payload: bytes) -> bytes:
        return frame(payload)

    def read(self, data: bytes) -> list[bytes]:
        return self._decoder.feed(data)

    def goodbye(self) -> bytes:
        return b""


class WebSocketFraming:
    """Of WebSocket: the upgrade, then binary messages; the client's are masked, with zeros."""

    hello = _UPGRADE

    def __init__(self) -> None:
        self._rest = b""
        self._is_open = False
        self._goodbye = b""

    def write(self, payload: bytes) -> bytes:
        return bytes((0x82, 0x80 | 127)) + len(payload).to_bytes(8, "big") + _NO_MASK + payload

    def read(self, data: bytes) -> list[bytes]:
        self._rest += data
        if not self._is_open:
            head, end, rest = self._rest.partition(b"\r\n\r\n")
            if not end:
                return []
            assert head.startswith(b"HTTP/1.1 101 "), head
            self._is_open, self._rest = True, rest
        return self._messages()

    def goodbye(self) -> bytes:
        goodbye, self._goodbye = self._goodbye, b""
        return goodbye

    def _messages(self) -> list[bytes]:
        messages = []
        while len(self._rest) >= 2:
            opcode, size = self._rest[0] & 15, self._rest[1]
            extended = {126: 2, 127: 8}.get(size, 0)
            start = 2 + extended
            length = int.from_bytes(self._rest[2:start], "big") if extended else size
            if len(self._rest) < max(start, start + length):
                break
            if opcode == _BINARY:
                messages.append(self._rest[start : start + length])
            elif opcode == _CLOSE:
                self._goodbye = bytes((0x80 | _CLOSE, 0x80)) + _NO_MASK
            self._rest = self._rest[start + length :]
        return messages


class RawClient(Protocol):
    """One connection. `ended` is true when the server's side of it is over."""

    def __init__(self, framing: Framing, clock: IReactorTime) -> None:
        self._framing = framing
        self._clock = clock
        self._inbox: deque[bytes] = deque()
        self._waiting: Deferred[None] | None = None
        self._next_id = 0
        self.received_bytes = 0
        self.ended = False

    # What a test does.

    def say(self, payload: bytes) -> None:
        """Send any bytes as one envelope."""
        self.say_raw(self._framing.write(payload))

    def say_half(self, payload: bytes) -> None:
        """Send the first half of a frame, and nothing more."""
        whole = self._framing.write(payload)
        self.say_raw(whole[: len(whole) // 2])

    def say_raw(self, data: bytes) -> None:
        """Send bytes that are not framed."""
        self._twisted.write(data)

    def ask(self, body: Message) -> int:
        """Send a body under a new id, and tell the id."""
        self._next_id += 1
        self.say(pack(body, self._next_id))
        return self._next_id

    def stop_reading(self) -> None:
        """Take nothing more from the network, until `read_on`."""
        self._twisted.pauseProducing()

    def set_receive_buffer(self, size: int) -> None:
        """Let the kernel hold no more than about so many bytes that were not read."""
        plain = getattr(self.transport, "transport", self.transport)  # below TLS
        handle = cast(socket.socket, cast(ISystemHandle, plain).getHandle())
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)

    def read_on(self) -> None:
        """Take what came meanwhile."""
        self._twisted.resumeProducing()

    async def leave(self) -> None:
        """End the connection at once, whatever else the server says."""
        if not self.ended:
            self._twisted.abortConnection()
        await self.until(lambda: False)

    async def next(self) -> BaseMessage:
        """The next envelope of the server; fails when the connection ends before."""
        await self.until(lambda: self._inbox)
        assert self._inbox, "the connection ended"
        return unpack(self._inbox.popleft())

    async def expect(self, body: type[Body], request_id: int | None = None) -> Body:
        """The next envelope, which must be this body, and answer this request if one is named."""
        envelope = await self.next()
        assert envelope.type == NUMBERS[body], f"{body.__name__} was expected: {envelope}"
        assert request_id in (None, envelope.id), f"an answer to {request_id} was expected: {envelope}"
        return unpack_as(body, envelope.body)

    async def skip_to(self, body: type[Body]) -> Body:
        """The next envelope of this body; what comes before it is dropped."""
        while (envelope := await self.next()).type != NUMBERS[body]:
            pass
        return unpack_as(body, envelope.body)

    def take(self) -> list[Message]:
        """All bodies that came and were not looked at."""
        bodies = [unpack_body(unpack(payload)) for payload in self._inbox]
        self._inbox.clear()
        return bodies

    async def until_end(self) -> None:
        """Wait for the end of the connection; nothing may come before it."""
        await self.until(lambda: self._inbox)
        assert not self._inbox, unpack(self._inbox[0])

    async def until(self, is_so: Callable[[], object]) -> None:
        """Wait until something is so, or the connection ends."""
        while not (is_so() or self.ended):
            self._waiting = Deferred()
            self._waiting.addTimeout(PATIENCE_SECONDS, self._clock)
            await self._waiting

    # What Twisted calls.

    def connectionMade(self) -> None:
        if self._framing.hello:
            self.say_raw(self._framing.hello)

    def dataReceived(self, data: bytes) -> None:
        self.received_bytes += len(data)
        self._inbox.extend(self._framing.read(data))
        goodbye = self._framing.goodbye()
        if goodbye:
            self.say_raw(goodbye)
            self._twisted.loseConnection()
        self._wake()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.ended = True
        self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)

    @property
    def _twisted(self) -> TwistedTransport:
        return cast(TwistedTransport, self.transport)


@implementer(IOpenSSLClientConnectionCreator)
class _AnyCertificate:
    def clientConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        return SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD), None)


async def connect(kind: str, port: int, reactor: INodeReactor) -> RawClient:
    """Connect to a port of this machine; `kind` is tcp, tls or websocket."""
    framing: Framing = WebSocketFraming() if kind == "websocket" else LengthFraming()
    endpoint: IStreamClientEndpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port)
    if kind == "tls":
        endpoint = wrapClientTLS(_AnyCertificate(), endpoint, clock=reactor)
    client = RawClient(framing, reactor)
    await connectProtocol(endpoint, client)
    return client
