"""How long users were online."""

from typing import Annotated, Literal

from msgspec import Meta, Struct, convert, field

from im.business.online_time import OnlineTimeDesk, Range
from im.core.errors import Code
from im.http.api.table import Call, Route
from im.http.api.table import Struct as Input
from im.http.online_time import report_json

Day = Annotated[str, Meta(max_length=10)]


class OneQuery(Input):
    """Days `from` to `to`, both included, of a time zone; without them the last seven of the node's own."""

    first: Day = field(default="", name="from")
    last: Day = field(default="", name="to")
    by: Literal["day", "hour"] = "day"
    zone: Annotated[str, Meta(max_length=64)] = ""


class AllQuery(OneQuery):
    """And which page: users after this one."""

    after: Annotated[str, Meta(max_length=64)] = ""


class SpanAnswer(Struct):
    """Seconds online and in the foreground in a day or hour, and how far each may be off."""

    start: str
    device_class: str
    online_seconds: float
    online_error_seconds: float
    foreground_seconds: float
    foreground_error_seconds: float


class OnlineTimeAnswer(Struct):
    """One user's online time; `device_class` "all" is the union over all devices."""

    user: str
    zone: str
    online_time: list[SpanAnswer]


class OnlineTimesAnswer(Struct):
    """One page of everyone's; with `next` as `after` goes on, "" at the end."""

    users: list[OnlineTimeAnswer]
    next: str


class OnlineTimeRoutes:
    """The routes of online time."""

    def __init__(self, desk: OnlineTimeDesk) -> None:
        self._desk = desk

    def routes(self) -> list[Route]:
        """All of them."""
        one = Route(
            "GET",
            "/v1/users/{user}/online-time",
            "How long a user was online.",
            "online-time",
            OnlineTimeAnswer,
            self._one,
            query=OneQuery,
            own="user",
            codes=(Code.NOT_FOUND,),
        )
        every = Route(
            "GET",
            "/v1/online-time",
            "How long everyone was online.",
            "online-time",
            OnlineTimesAnswer,
            self._all,
            query=AllQuery,
        )
        return [one, every]

    async def _one(self, call: Call) -> object:
        report = await self._desk.one(call.path["user"], _range(call.query))
        return convert(report_json(report), OnlineTimeAnswer)

    async def _all(self, call: Call) -> object:
        page = await self._desk.page(call.query.after, _range(call.query))
        users = [convert(report_json(each), OnlineTimeAnswer) for each in page.reports]
        return OnlineTimesAnswer(users, page.next)


def _range(query: OneQuery) -> Range:
    return Range(query.first, query.last, query.by, query.zone)
