"""How long users were online, for whoever asks from outside: texts in, reports out."""

from collections.abc import AsyncIterator
from typing import NamedTuple

from im.core.errors import accepted
from im.core.ledger import OnlineTime, OnlineTimeReport, OnlineTimes, OnlineTimesPage
from im.ports import IStore


class Range(NamedTuple):
    """Days `first` to `last`, YYYY-MM-DD; `by` is "day" or "hour", `zone` "" the node's own."""

    first: str
    last: str
    by: str
    zone: str


class OnlineTimeDesk:
    """Asks the store. Raises `RefusedError` naming the wrong field, and `UnavailableError`."""

    def __init__(self, store: IStore) -> None:
        self._store = store

    async def one(self, user: str, asked: Range) -> OnlineTimeReport:
        """One user's report."""
        return accepted(await self._store.read(OnlineTime(user, *asked)), OnlineTimeReport)

    async def page(self, after: str, asked: Range) -> OnlineTimesPage:
        """A page of everyone's reports."""
        return accepted(await self._store.read(OnlineTimes(after, *asked)), OnlineTimesPage)

    async def all(self, asked: Range) -> AsyncIterator[OnlineTimeReport]:
        """Everyone's reports, page by page."""
        after, is_first = "", True
        while after or is_first:
            page = await self.page(after, asked)
            for report in page.reports:
                yield report
            after, is_first = page.next, False
