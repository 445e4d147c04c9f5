"""Envelopes over WebSocket: one binary message is one envelope, subprotocol `im.v1`.

The protocol itself is websockets' sans-IO layer; this is its place under Twisted.
"""

from collections.abc import Callable, Sequence
from struct import Struct
from typing import NamedTuple

from websockets.exceptions import PayloadTooBig
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN, SEND_EOF
from websockets.server import ServerProtocol
from websockets.typing import Origin, Subprotocol

from im.core.errors import Code
from im.gateway.keepalive import Keepalive, Pinged
from im.gateway.stream import StreamSettings, StreamTransport, address_text

SUBPROTOCOL = Subprotocol("im.v1")
ANY_ORIGIN = "*"

_SLICE_BYTES = 8_192
_CONTROL_FRAMES_PER_ROUND = 100
_PONG = b"\x8a"
_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_pack_short = Struct("!BBH").pack
_pack_long = Struct("!BBQ").pack

HeaderLookup = Callable[[str], Sequence[str]]
"""All values of a header, by its name."""


class WebSocketSettings(NamedTuple):
    """What every WebSocket of a node is made with.

    A browser's page may connect from the same host, or from one of `origins` ("https://app.example";
    "*" is any); what sends no origin is no browser and may. `client_address` tells the client's
    address from the peer's and the headers.
    """

    stream: StreamSettings
    keepalive: Keepalive
    client_address: Callable[[str, HeaderLookup], str] = lambda peer, _: peer
    origins: tuple[str, ...] = ()


class WebSocketTransport(StreamTransport):
    """One client's connection, from the upgrade request on.

    Text messages are refused with 1003, a message over the frame limit with 1009, anything else that
    breaks the protocol with 1002; always after the connection had its chance to say why.
    """

    slot: set[Pinged] | None = None
    _partial: bytearray | None = None
    _control_frames = 0
    _was_heard = True
    _is_pinged = False
    _is_finished = False

    def __init__(self, settings: WebSocketSettings) -> None:
        super().__init__(settings.stream)
        self._web_settings = settings
        self._protocol = ServerProtocol(subprotocols=[SUBPROTOCOL], max_size=settings.stream.frame_bytes)

    # What a connection calls.

    def send(self, payload: bytes) -> None:
        """Write one envelope as one binary message; dropped when closing."""
        if not self._is_closing:
            self._write(_header(len(payload)) + payload)

    def close(self) -> None:
        """Flush, say goodbye, and end when the peer does; abort when that takes too long."""
        if not self._is_closing:
            self._begin_close()
            if self._protocol.state is OPEN:
                self._protocol.send_close(CloseCode.NORMAL_CLOSURE)
            self._flush()

    # What the keepalive calls.

    def beat(self) -> None:
        """Ping a peer that was silent for a round; end one that did not answer for another.

        Where reading or writing is held up, nothing can be told from silence.
        """
        self._control_frames = 0
        if self._is_closing or self._is_backed_up or self._is_reading_paused:
            return
        if self._was_heard:
            self._was_heard = self._is_pinged = False
        elif self._is_pinged:
            self._end_reason = "the peer does not answer pings"
            self.abort()
        else:
            self._is_pinged = True
            self._protocol.send_ping(b"")
            self._flush()

    # What Twisted calls.

    def dataReceived(self, data: bytes) -> None:
        """Parse in slices, so that one read full of tiny frames is judged before all of it is parsed."""
        self._was_heard = True
        for start in range(0, len(data), _SLICE_BYTES):
            if self._is_finished:
                return
            self._parse(data[start : start + _SLICE_BYTES])

    # The rest is between this and websockets.

    def _parse(self, data: bytes) -> None:
        protocol = self._protocol
        protocol.receive_data(data)
        for event in protocol.events_received():
            if isinstance(event, Frame):
                self._take(event)
            elif isinstance(event, Request):
                self._accept(event)
        if protocol.parser_exc is not None:
            self._refuse(*self._refusal(protocol.parser_exc))
        self._flush()

    def _accept(self, request: Request) -> None:
        protocol, headers = self._protocol, request.headers
        protocol.origins = self._allowed_origins(headers.get_all("Host"))
        protocol.send_response(protocol.accept(request))
        self._flush()
        if protocol.state is OPEN:
            peer = address_text(self._twisted.getPeer())
            self._web_settings.keepalive.add(self)
            self._open(self._web_settings.client_address(peer, headers.get_all))

    def _allowed_origins(self, hosts: Sequence[str]) -> list[Origin | None] | None:
        origins = self._web_settings.origins
        if ANY_ORIGIN in origins:
            return None
        same = [f"{scheme}://{host}" for host in hosts for scheme in ("http", "https")]
        return [None, *map(Origin, same), *map(Origin, origins)]

    def _take(self, frame: Frame) -> None:
        opcode = frame.opcode
        if opcode is Opcode.BINARY and frame.fin:
            self._deliver(bytes(frame.data))
        elif opcode is Opcode.BINARY or opcode is Opcode.CONT:
            self._assemble(frame)
        elif opcode is Opcode.TEXT:
            self._fail(CloseCode.UNSUPPORTED_DATA, Code.UNDECODABLE, "messages must be binary")
        else:
            self._control_frames += 1
            if self._control_frames > _CONTROL_FRAMES_PER_ROUND:
                self._fail(CloseCode.POLICY_VIOLATION, Code.RATE_LIMITED, "too many control frames")

    def _assemble(self, frame: Frame) -> None:
        """Keep a fragment. websockets bounds the sum, and empty ones take no room here."""
        if self._is_closing:
            return
        if self._partial is None:
            self._partial = bytearray()
        self._partial += frame.data
        if frame.fin:
            payload, self._partial = bytes(self._partial), None
            self._deliver(payload)

    def _fail(self, close_code: CloseCode, code: Code, text: str) -> None:
        if not self._is_closing:
            self._protocol.fail(close_code, text)
            self._refuse(code, text)

    def _refusal(self, error: Exception) -> tuple[Code, str]:
        if isinstance(error, PayloadTooBig):
            return Code.TOO_LARGE, f"a message may have {self._settings.frame_bytes} bytes"
        return Code.UNDECODABLE, f"not WebSocket: {error}"

    def _flush(self) -> None:
        """Write what websockets has to say. To a peer that doesn't read, pongs are not."""
        out = self._protocol.data_to_send()
        if not out:
            return
        is_over = out[-1] == SEND_EOF
        if self._is_backed_up:
            out = [each for each in out if each[:1] != _PONG]
        elif len(out) == 1 and is_over and not self._is_open:
            out = [_BAD_REQUEST]  # what websockets can't read as HTTP it would leave unanswered
        written = b"".join(out)
        if written:
            self._write(written)
        if is_over:
            self._finish()

    def _finish(self) -> None:
        """The closing handshake is over, or will never be: end the stream below."""
        if not self._is_closing:
            self._end_reason = "closed by the peer"
            self._begin_close()
        self._let_go()
        self._finish_writing()

    def _let_go(self) -> None:
        self._is_finished = True
        self._partial = None
        self._web_settings.keepalive.remove(self)


def _header(length: int) -> bytes:
    """The frame header of a whole, unmasked binary message."""
    if length < 126:
        return bytes((0x82, length))
    if length < 65_536:
        return _pack_short(0x82, 126, length)
    return _pack_long(0x82, 127, length)
