"""Unread numbers laid open to operators, as JSON: the terms of one, and all of them recounted."""

from im.core.entries import KINDS
from im.core.errors import RefusedError, accepted, invalid
from im.core.explaining import CountedMessage, ExplainUnread, UnreadExplained, UnreadVerified, VerifyUnread
from im.http.routes import Call
from im.ports import IStore

_MARKS = ("head", "seen", "read", "own_last", "clear", "join")


class UnreadDesk:
    """Asks the store; one coroutine a route."""

    def __init__(self, store: IStore) -> None:
        self._store = store

    async def explain(self, call: Call) -> object:
        """`GET /v1/unread/explain?user=U&conversation=C`: see `im.core.explaining.UnreadExplained`.

        Marks are `{"seq": S, "n": N}`.
        """
        query = ExplainUnread(call.query.get("conversation", ""), call.query.get("user", ""))
        told = accepted(await self._store.read(query), UnreadExplained)
        marks = {name: getattr(told, name)._asdict() for name in _MARKS}
        return told._asdict() | marks | {"messages": [_message_json(each) for each in told.messages]}

    async def verify(self, call: Call) -> object:
        """`GET /v1/unread/verify?user=U&after_conversation=C&after_user=V`: one page of a recount.

        `{"places": N, "differences": […], "next": {"after_conversation": C, "after_user": V}}`; `next`
        is null after the last page. Without `user` everyone's.
        """
        unknown = sorted(call.query.keys() - set(VerifyUnread._fields))
        if unknown:
            raise RefusedError(invalid(unknown[0], "there is no such parameter"))
        page = accepted(await self._store.read(VerifyUnread(**call.query)), UnreadVerified)
        following = {"after_conversation": page.next_conversation, "after_user": page.next_user}
        return {
            "places": page.places,
            "differences": [each._asdict() for each in page.differences],
            "next": following if page.next_conversation else None,
        }


def _message_json(message: CountedMessage) -> dict[str, object]:
    kind = KINDS.get(message.kind)
    return message._asdict() | {"name": "app" if kind is None else kind.name}
