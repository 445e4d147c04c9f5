"""Frames over TCP, TLS and UNIX sockets: a 4-byte big-endian length, then one envelope."""

from struct import Struct

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory
from twisted.protocols.basic import Int32StringReceiver

from im.core.errors import Code
from im.gateway.runs import Run
from im.gateway.stream import StreamSettings, StreamTransport, address_text

_pack_length = Struct("!I").pack


class TcpTransport(StreamTransport, Int32StringReceiver):
    """One client's connection with `Int32StringReceiver`'s framing."""

    def __init__(self, settings: StreamSettings) -> None:
        super().__init__(settings)
        self.MAX_LENGTH = settings.frame_bytes

    def connectionMade(self) -> None:
        """Make the connection of this socket."""
        self._open(address_text(self._twisted.getPeer()))

    def send(self, payload: bytes) -> None:
        """Write one envelope; dropped when closing."""
        if not self._is_closing:
            self._write(_pack_length(len(payload)) + payload)

    def send_run(self, run: Run) -> None:
        """Write some envelopes; dropped when closing."""
        if not self._is_closing:
            self._write(run.stream)

    def dataReceived(self, data: bytes) -> None:
        """Cut the stream into frames. While closing the bytes are read only to be dropped."""
        if not self._is_closing:
            super().dataReceived(data)  # type: ignore[no-untyped-call]

    def stringReceived(self, string: bytes) -> None:
        """Hand one frame on."""
        self._deliver(string)

    def lengthLimitExceeded(self, length: int) -> None:
        """Refuse a frame by its announced length, before any of it is kept."""
        self._refuse(Code.TOO_LARGE, f"a frame may have {self.MAX_LENGTH} bytes, not {length}")


class TcpFactory(Factory):
    """Makes a `TcpTransport` for each client."""

    noisy = False

    def __init__(self, settings: StreamSettings) -> None:
        self._settings = settings

    def buildProtocol(self, addr: IAddress | None) -> TcpTransport:
        """Make the transport of one client."""
        transport = TcpTransport(self._settings)
        transport.factory = self
        return transport
