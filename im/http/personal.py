"""What is stored about a person, for operators: told, or erased."""

import json

from im.business.erasing import Eraser
from im.core.errors import accepted
from im.core.personal import ExportUser, UserExported
from im.http.routes import Call
from im.ports import IStore


class PersonalDesk:
    """One coroutine a route."""

    def __init__(self, store: IStore, eraser: Eraser) -> None:
        self._store = store
        self._eraser = eraser

    async def export(self, call: Call) -> object:
        """`GET /v1/personal-data/export?user=U&after=A`: one page of all that is stored about a user.

        `{"records": […], "next": A}`; `next` is null after the last page.
        """
        query = ExportUser(call.query.get("user", ""), call.query.get("after", ""))
        page = accepted(await self._store.read(query), UserExported)
        return {"records": [*map(json.loads, page.lines)], "next": page.next or None}

    async def erase(self, call: Call) -> object:
        """`POST /v1/personal-data/erase` with `{"user": U, "at": A}`: one step of erasing a user.

        `{"messages": N, "rows": N, "sessions": N, "next": A}`: until `next` is null, the next step is to
        be asked for. See `im.business.erasing.Step`.
        """
        step = await self._eraser.step(call.text("user"), call.text("at"))
        return step._asdict() | {"next": step.next or None}
