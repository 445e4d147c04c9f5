"""twisted.web as it is used here: no access log, bounded bodies, errors in one shape."""

from io import BytesIO
from typing import cast

from twisted.internet.interfaces import IAddress, IProtocol, IReactorTime
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.http import Request as HttpRequest
from twisted.web.resource import IResource, Resource
from twisted.web.server import Request, Site

from im.core.errors import Code, Refused
from im.http.errors import error_body, raw_response, status_of

MAX_BODY_BYTES = 65_536
MAX_HELD_BYTES = 67_108_864
"""Of all bodies of one site at a time; whoever comes then is told to come back."""

_IDLE_SECONDS = 60


class BoundedRequest(Request):
    """A request whose body stays in memory and under what its site allows."""

    content: BytesIO
    _is_refused = False
    _held = 0

    def gotLength(self, length: int | None) -> None:
        """Keep the body in memory, whatever its length is said to be."""
        self.content = BytesIO()

    def handleContentChunk(self, data: bytes) -> None:
        """Take a piece of the body; end the connection when it becomes too much."""
        if self._is_refused:
            return
        channel: HTTPChannel = self.channel
        site = _site(channel)
        if self.content.tell() + len(data) > site.body_bytes:
            self._refuse(Refused(Code.TOO_LARGE, f"a body may have {site.body_bytes} bytes"))
        elif site.held_bytes + len(data) > MAX_HELD_BYTES:
            self._refuse(Refused(Code.UNAVAILABLE, "too many large requests at once; try again"))
        else:
            site.held_bytes += len(data)
            self._held += len(data)
            self.content.write(data)

    def finish(self) -> None:
        """End the response; the body is not needed any more."""
        self._release()
        super().finish()  # type: ignore[no-untyped-call]

    def connectionLost(self, reason: Failure) -> None:
        """The client went."""
        self._release()
        super().connectionLost(reason)  # type: ignore[no-untyped-call]

    def _release(self) -> None:
        if self._held:
            _site(self.channel).held_bytes -= self._held
            self._held = 0

    def _refuse(self, refused: Refused) -> None:
        self._is_refused = True
        self._release()
        channel: HTTPChannel = self.channel
        channel.write(raw_response(refused, status_of(refused.code)))
        channel.loseConnection()

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """Answer a whole request, but for one that was already refused."""
        if not self._is_refused:
            super().requestReceived(command, path, version)  # type: ignore[no-untyped-call]


class QuietSite(Site):
    """A site without an access log and without timers of its own."""

    noisy = False
    displayTracebacks = False

    def __init__(self, root: IResource, clock: IReactorTime, body_bytes: int = MAX_BODY_BYTES) -> None:
        self.body_bytes = body_bytes
        self.held_bytes = 0
        super().__init__(  # type: ignore[no-untyped-call]
            root, requestFactory=BoundedRequest, timeout=_IDLE_SECONDS, reactor=clock
        )

    def protocol_for(self, peer: IAddress) -> IProtocol:
        """The protocol of a connection that somebody else accepted."""
        return cast(IProtocol, self.buildProtocol(peer))  # type: ignore[no-untyped-call]

    def startFactory(self) -> None:
        """Open no log."""

    def stopFactory(self) -> None:
        """Close no log."""

    def log(self, request: HttpRequest) -> None:
        """Log nothing."""


def _site(channel: HTTPChannel) -> QuietSite:
    """The site that a channel is of; twisted.web sets it without saying so."""
    return cast(QuietSite, vars(channel)["site"])


class RootPage(Resource):
    """`/` in one line of text; a child that isn't there is a JSON error."""

    def __init__(self, text: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._text = text.encode() + b"\n"
        self.putChild(b"", self)

    def render_GET(self, request: Request) -> bytes:
        """Say what this is."""
        request.setHeader(b"Content-Type", b"text/plain; charset=utf-8")
        return self._text

    def getChild(self, path: bytes, request: Request) -> Resource:
        """Answer for a path that isn't there."""
        return not_found()


class ErrorPage(Resource):
    """One error at any path, for any method."""

    isLeaf = True

    def __init__(self, refused: Refused, status: int = 0, headers: dict[str, str] | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._refused, self._status, self._headers = refused, status, headers or {}

    def render(self, request: Request) -> bytes:
        """Write the error."""
        for name, value in self._headers.items():
            request.setHeader(name.encode(), value.encode())
        return write_error(request, self._refused, self._status)


def not_found() -> ErrorPage:
    """The page of a path that isn't there."""
    return ErrorPage(Refused(Code.NOT_FOUND, "there is nothing at this path"))


def write_error(request: Request, refused: Refused, status: int = 0) -> bytes:
    """Set the head of an error's response and return its body; the code's own status unless given."""
    request.setResponseCode(status or status_of(refused.code))
    request.setHeader(b"Content-Type", b"application/json")
    if refused.retry_after_ms:
        request.setHeader(b"Retry-After", str(-(-refused.retry_after_ms // 1000)).encode())
    return error_body(refused)
