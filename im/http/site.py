"""twisted.web as it is used here: no access log, bounded bodies, errors in one shape."""

from collections.abc import Callable
from io import BytesIO
from typing import cast

from twisted.internet.interfaces import IAddress, IDelayedCall, IProtocol, IReactorTime
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.http import Request as HttpRequest
from twisted.web.resource import IResource, Resource
from twisted.web.server import Request, Site

from im.core.errors import Code, Refused
from im.http.bodies import HeldBodies, source_of
from im.http.errors import error_body, raw_response, status_of

MAX_BODY_BYTES = 2_097_152
BODY_SECONDS = 30.0
"""From a request's head to the end of its body."""

_IDLE_SECONDS = 60
_TIMED_OUT = 408

Address = Callable[[Request], str]


def peer_address(request: Request) -> str:
    """The address at the other end of a request's connection."""
    return getattr(request.getClientAddress(), "host", "")


class BoundedRequest(Request):
    """A request whose body stays in memory, under a bound, and comes within `BODY_SECONDS`."""

    content: BytesIO
    _is_refused = False
    _held = 0
    _source = ""
    _is_worked_on = False
    _is_over = False
    _deadline: IDelayedCall | None = None
    _held_bodies: HeldBodies

    def gotLength(self, length: int | None) -> None:
        """Keep the body in memory, whatever its length is said to be; None is a body in chunks."""
        self.content = BytesIO()
        if length != 0:
            site = _site(self.channel)
            self._held_bodies = site.held_bodies
            self._source = source_of(site.address(self))
            self._deadline = site.clock.callLater(BODY_SECONDS, self._be_late)

    def handleContentChunk(self, data: bytes) -> None:
        """Take a piece of the body; end the connection when it becomes too much."""
        if self._is_refused or not data:
            return
        if self.content.tell() + len(data) > MAX_BODY_BYTES:
            self._refuse(Refused(Code.TOO_LARGE, f"a body may have {MAX_BODY_BYTES} bytes"))
        elif not self._held_bodies.take(self._source, len(data)):
            self._refuse(Refused(Code.UNAVAILABLE, "too many large requests at once; try again"))
        else:
            self._held += len(data)
            self.content.write(data)

    def begin_work(self) -> None:
        """Count the body as held until `end_work`, even if the client goes."""
        self._is_worked_on = True

    def end_work(self) -> None:
        """Nothing holds the body any more, but for a client that waits for the answer."""
        self._is_worked_on = False
        if self._is_over:
            self._release()

    def finish(self) -> None:
        """End the response; the body is not needed any more."""
        self._end()
        super().finish()  # type: ignore[no-untyped-call]

    def connectionLost(self, reason: Failure) -> None:
        """The client went."""
        self._end()
        super().connectionLost(reason)  # type: ignore[no-untyped-call]

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """Answer a whole request, but for one that was already refused."""
        self._stop_deadline()
        if not self._is_refused:
            super().requestReceived(command, path, version)  # type: ignore[no-untyped-call]

    def _end(self) -> None:
        self._is_over = True
        self._stop_deadline()
        if not self._is_worked_on:
            self._release()

    def _release(self) -> None:
        if self._held:
            self._held_bodies.release(self._source, self._held)
            self._held = 0

    def _be_late(self) -> None:
        self._deadline = None
        refused = Refused(Code.INVALID_ARGUMENT, "the request's body did not come in time", "body")
        self._refuse(refused, _TIMED_OUT)

    def _refuse(self, refused: Refused, status: int = 0) -> None:
        self._is_refused = True
        self._stop_deadline()
        self._release()
        self.content = BytesIO()
        channel: HTTPChannel = self.channel
        channel.write(raw_response(refused, status or status_of(refused.code)))
        channel.loseConnection()

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class QuietSite(Site):
    """A site without an access log. `address` tells whose a request is, for shares of what bodies hold."""

    noisy = False
    displayTracebacks = False

    def __init__(self, root: IResource, clock: IReactorTime, address: Address = peer_address) -> None:
        self.clock = clock
        self.address = address
        self.held_bodies = HeldBodies()
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
    if refused.code in (Code.UNAUTHENTICATED, Code.EXPIRED):
        request.setHeader(b"WWW-Authenticate", b"Bearer")
    if refused.retry_after_ms:
        request.setHeader(b"Retry-After", str(-(-refused.retry_after_ms // 1000)).encode())
    return error_body(refused)
