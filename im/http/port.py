"""The shared port: HTTP, and WebSocket upgrades at `/ws`, told apart by the first request's head."""

import re
from collections.abc import Callable
from typing import NamedTuple, cast

from twisted.internet.interfaces import IAddress, IDelayedCall, IProtocol, IReactorTime, ITransport
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from im.core.errors import Code, Refused
from im.gateway.stream import TwistedTransport, finish_writing
from im.http.errors import raw_response
from im.http.site import ErrorPage, QuietSite, RootPage

WEBSOCKET_PATH = b"/ws"
MAX_HEAD_BYTES = 8_192

_REQUEST_LINE = re.compile(rb"[A-Z]{1,16} [!-~]+ HTTP/1\.[01]")
_REQUEST_START = re.compile(rb"[A-Z]{0,16}(?: [!-~]*(?: [ -~]{0,8})?)?\r?")
_UPGRADE = re.compile(rb"^upgrade[ \t]*:[^\r\n]*\bwebsocket\b", re.IGNORECASE | re.MULTILINE)


class HttpPortSettings(NamedTuple):
    """`head_seconds`: from connect to the end of the first request's head; `connections`: but WebSockets."""

    clock: IReactorTime
    head_seconds: float = 10.0
    close_seconds: float = 5.0
    connections: int = 10_000


def public_root() -> RootPage:
    """The root of the public HTTP port: what this is, and where WebSockets go."""
    root = RootPage("im: an instant-messaging node. Clients connect by WebSocket at /ws, subprotocol im.v1.")
    upgrade = Refused(Code.INVALID_ARGUMENT, "this path speaks WebSocket, subprotocol im.v1", "Upgrade")
    root.putChild(WEBSOCKET_PATH[1:], ErrorPage(upgrade, 426, {"Upgrade": "websocket"}))
    return root


class HttpPort(Factory):
    """Makes the protocols of the shared port.

    What `build_websocket` makes gets the upgrade request as its first bytes; None: here are no WebSockets.
    """

    noisy = False

    def __init__(
        self,
        site: QuietSite,
        build_websocket: Callable[[], IProtocol] | None,
        settings: HttpPortSettings,
    ) -> None:
        self.site = site
        self.build_websocket = build_websocket
        self.settings = settings
        self.plain_connections = 0

    def buildProtocol(self, addr: IAddress | None) -> "SharedProtocol":
        """Make the protocol of one connection."""
        return SharedProtocol(self)


class SharedProtocol(Protocol):
    """Reads the head of the first request, then is a wire to the protocol that was meant."""

    _inner: IProtocol | None = None
    _deadline: IDelayedCall | None = None
    _is_refused = False
    _is_counted = False

    def __init__(self, port: HttpPort) -> None:
        self._port = port
        self._head = b""

    def connectionMade(self) -> None:
        """Give the client its time, unless too many are here."""
        self._count(1)
        if self._port.plain_connections > self._port.settings.connections:
            self._is_refused = True
            self._abort()
        else:
            self._start_deadline(self._port.settings.head_seconds, self._be_late)

    def dataReceived(self, data: bytes) -> None:
        """Gather the head, or pass on."""
        if self._inner is not None:
            self._inner.dataReceived(data)
        elif not self._is_refused:
            self._head += data
            self._look()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Pass on, and let go."""
        self._stop_deadline()
        self._count(-1)
        if self._inner is not None:
            self._inner.connectionLost(reason)
            self._inner = None

    def _look(self) -> None:
        end = self._head.find(b"\r\n\r\n")
        line, is_whole, fields = self._head.partition(b"\r\n")
        if end > MAX_HEAD_BYTES or (end < 0 and len(self._head) > MAX_HEAD_BYTES):
            self._refuse(431, Code.TOO_LARGE, f"a request's head may have {MAX_HEAD_BYTES} bytes")
        elif not _REQUEST_START.fullmatch(line) or (is_whole and not _REQUEST_LINE.fullmatch(line)):
            self._refuse(400, Code.INVALID_ARGUMENT, "this port speaks HTTP/1.1")
        elif end >= 0:
            self._become(_is_upgrade(line, fields[: end - len(line)]))

    def _become(self, is_websocket: bool) -> None:
        self._stop_deadline()
        transport = cast(ITransport, self.transport)
        build_websocket = self._port.build_websocket
        if is_websocket and build_websocket is not None:
            self._count(-1)
            inner = build_websocket()
        else:
            inner = self._port.site.protocol_for(transport.getPeer())
        self._inner = inner
        head, self._head = self._head, b""
        inner.makeConnection(transport)
        inner.dataReceived(head)

    def _be_late(self) -> None:
        self._deadline = None
        self._refuse(408, Code.INVALID_ARGUMENT, "the request's head did not come in time")

    def _refuse(self, status: int, code: Code, text: str) -> None:
        self._stop_deadline()
        self._is_refused = True
        self._head = b""
        transport = cast(TwistedTransport, self.transport)
        transport.write(raw_response(Refused(code, text), status))
        finish_writing(transport)
        self._start_deadline(self._port.settings.close_seconds, self._abort)

    def _abort(self) -> None:
        self._deadline = None
        cast(TwistedTransport, self.transport).abortConnection()

    def _start_deadline(self, seconds: float, callback: Callable[[], None]) -> None:
        self._deadline = self._port.settings.clock.callLater(seconds, callback)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _count(self, change: int) -> None:
        """Count this connection in, and out once."""
        if (change > 0) != self._is_counted:
            self._is_counted = change > 0
            self._port.plain_connections += change


def _is_upgrade(line: bytes, fields: bytes) -> bool:
    path = line.split(b" ", 2)[1].partition(b"?")[0]
    return path == WEBSOCKET_PATH and _UPGRADE.search(fields) is not None
