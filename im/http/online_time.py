"""How long users were online, as JSON and as CSV."""

import csv
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from io import StringIO

from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.interfaces import IPushProducer
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request
from zope.interface import implementer

from im.business.online_time import OnlineTimeDesk, Range
from im.core.errors import RefusedError, invalid
from im.core.ledger import OnlineTimeReport
from im.core.online_time import Figure
from im.http.routes import CALL_SECONDS, Call, Guard, JsonRoute, authorized, write_failure
from im.http.site import RootPage, not_found
from im.ports import UnavailableError

_PATIENCE_SECONDS = 60.0
"""How long a client may take nothing of its stream."""

_KNOWN = frozenset({"from", "to", "by", "zone"})

COLUMNS = (
    "user",
    "zone",
    "start",
    "device_class",
    "online_seconds",
    "online_error_seconds",
    "foreground_seconds",
    "foreground_error_seconds",
)
"""Of the CSV. `start` is a day or the begin of an hour; `device_class` "all" is the union of all."""


class UsersPage(RootPage):
    """`/v1/users`: beneath it, each user by id, with `online-time`; `api` serves users themselves."""

    def __init__(self, text: str, desk: OnlineTimeDesk, guard: Guard, api: Resource | None = None) -> None:
        super().__init__(text)
        self._desk = desk
        self._guard = guard
        self._api = api or not_found()

    def getChild(self, path: bytes, request: Request) -> Resource:
        """The page of one user."""
        user = path.decode("utf-8", "replace")
        page = _UserPage(self._api)

        async def answer(call: Call) -> object:
            return report_json(await self._desk.one(user, range_of(call.query)))

        page.putChild(b"online-time", JsonRoute({"GET": answer}, self._guard))
        return page


class _UserPage(Resource):
    """One user, as the API serves it."""

    def __init__(self, api: Resource) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._api = api

    def getChild(self, path: bytes, request: Request) -> Resource:
        """Answer for a path that isn't there."""
        return not_found()

    def render(self, request: Request) -> bytes | int:
        """Have it served."""
        answer: bytes | int = self._api.render(request)
        return answer


def everyone(desk: OnlineTimeDesk, guard: Guard) -> JsonRoute:
    """`GET /v1/online-time?from&to&by&zone&after`: everyone's, in pages.

    `{"users": […], "next": "carol"}`: with `next` as `after` goes on; "" at the end.
    """

    async def answer(call: Call) -> object:
        page = await desk.page(call.query.get("after", ""), range_of(call.query, "after"))
        return {"users": [report_json(each) for each in page.reports], "next": page.next}

    return JsonRoute({"GET": answer}, guard)


class CsvPage(Resource):
    """`GET /v1/online-time.csv?from&to&by&zone`: everyone's, as one stream of `COLUMNS`."""

    isLeaf = True

    def __init__(self, desk: OnlineTimeDesk, guard: Guard) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._desk = desk
        self._guard = guard

    def render_GET(self, request: Request) -> int:
        """Begin the stream; what is wrong with the question is answered in place of it."""
        running = Deferred.fromCoroutine(self._begin(request))
        running.addTimeout(CALL_SECONDS, self._guard.clock)
        running.addErrback(write_failure, request)
        gone: Deferred[None] = request.notifyFinish()
        gone.addErrback(lambda _: running.cancel())
        return NOT_DONE_YET

    async def _begin(self, request: Request) -> None:
        call = await authorized(request, self._guard)
        reports = self._desk.all(range_of(call.query))
        first = await anext(reports, None)
        request.setHeader(b"Content-Type", b"text/csv; charset=utf-8")
        request.write(_lines([COLUMNS]))
        if first is None:
            request.finish()
            return
        request.write(_lines(_rows(first)))
        _Stream(request, reports, self._guard).start()


@implementer(IPushProducer)
class _Stream:
    """Writes a report after the other, no more than the network takes."""

    def __init__(self, request: Request, reports: AsyncIterator[OnlineTimeReport], guard: Guard) -> None:
        self._request = request
        self._reports = reports
        self._clock = guard.clock
        self._taken: Deferred[None] | None = None
        self._is_over = False

    def start(self) -> None:
        """Go on until the end, or until the client goes."""
        self._request.registerProducer(self, True)
        running = Deferred.fromCoroutine(self._run())
        running.addErrback(self._break_off)

    def pauseProducing(self) -> None:
        """The network takes no more for now."""
        if self._taken is None:
            self._taken = Deferred()

    def resumeProducing(self) -> None:
        """It has taken what there was."""
        taken, self._taken = self._taken, None
        if taken is not None:
            taken.callback(None)

    def stopProducing(self) -> None:
        """The client went."""
        self._is_over = True
        self.resumeProducing()

    async def _run(self) -> None:
        while True:
            report = await Deferred.fromCoroutine(self._next()).addTimeout(CALL_SECONDS, self._clock)
            if self._is_over:
                return
            if report is None:
                break
            self._request.write(_lines(_rows(report)))
            if self._taken is not None:
                await self._taken.addTimeout(_PATIENCE_SECONDS, self._clock)
        self._is_over = True
        self._request.unregisterProducer()
        self._request.finish()

    async def _next(self) -> OnlineTimeReport | None:
        return await anext(self._reports, None)

    def _break_off(self, failure: Failure) -> None:
        """A stream that is cut short must not look like a whole one."""
        failure.trap(UnavailableError, TimeoutError, RefusedError)
        if not self._is_over:
            self._is_over = True
            self._request.unregisterProducer()
            self._request.loseConnection()


def range_of(query: Mapping[str, str], *others: str) -> Range:
    """The range that a query names. Raises `RefusedError` for a parameter that isn't known."""
    unknown = sorted(query.keys() - _KNOWN - set(others))
    if unknown:
        raise RefusedError(invalid(unknown[0], "there is no such parameter; these are from, to, by and zone"))
    first, last, by, zone = (query.get(name, "") for name in ("from", "to", "by", "zone"))
    return Range(first, last, by or "day", zone)


def report_json(report: OnlineTimeReport) -> dict[str, object]:
    """A report as JSON; times are in seconds, each beside how far it may be off."""
    return {
        "user": report.user,
        "zone": report.zone,
        "online_time": [dict(zip(COLUMNS[2:], _cells(each), strict=True)) for each in report.figures],
    }


def _rows(report: OnlineTimeReport) -> list[tuple[object, ...]]:
    return [(report.user, report.zone, *_cells(each)) for each in report.figures]


def _cells(figure: Figure) -> tuple[object, ...]:
    bucket, device_class, *times_ms = figure
    return bucket, device_class or "all", *(time_ms / 1000 for time_ms in times_ms)


def _lines(rows: Iterable[Sequence[object]]) -> bytes:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
