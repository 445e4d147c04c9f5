"""A user's own place in a conversation: what was read, and what is deleted for that user alone."""

from typing import Annotated

from msgspec import Meta, Struct

from im.core.changing import DELETED_AT_ONCE, ClearHistory, DeleteEntries, PlaceChanged
from im.core.errors import Code
from im.core.messages import CursorMoved, MoveRead
from im.core.validation import conversation_problem
from im.http.api.asking import Asking, AsQuery, Seq, acting_user, check
from im.http.api.table import Answer, Call, Route
from im.http.api.table import Struct as Input

_CONVERSATION = "/v1/conversations/{conversation}"


class SeqInput(Input):
    """Up to which entry; beyond the head is the head."""

    seq: Seq


class DeleteInput(Input):
    """Which entries."""

    seqs: Annotated[list[Seq], Meta(min_length=1, max_length=DELETED_AT_ONCE)]


class CursorAnswer(Struct):
    """Where the user's cursors stand now: they never move back."""

    conversation: str
    read_seq: int
    delivered_seq: int
    unread: int


class PlaceAnswer(Struct):
    """From where on the user may see the conversation, and what is unread."""

    conversation: str
    visible_from: int
    unread: int


class PlaceRoutes:
    """The routes of places."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    def routes(self) -> list[Route]:
        """All of them."""

        def route(what: str, summary: str, answer: type[Struct], run: Answer, body: type[Input]) -> Route:
            return Route(
                "POST",
                f"{_CONVERSATION}/{what}",
                summary,
                "messages:write",
                answer,
                run,
                body,
                AsQuery,
                codes=(Code.NOT_FOUND, Code.LIMIT_EXCEEDED),
                is_for_users=True,
            )

        return [
            route("read", "The user has seen everything up to a seq.", CursorAnswer, self._read, SeqInput),
            route("delete", "Delete entries for the user alone.", PlaceAnswer, self._delete, DeleteInput),
            route("clear", "Delete all up to a seq for the user alone.", PlaceAnswer, self._clear, SeqInput),
        ]

    async def _read(self, call: Call) -> object:
        conversation, user = _place(call)
        moved = await self._asking.done(MoveRead(conversation, user, call.body.seq), CursorMoved)
        return CursorAnswer(moved.conversation, moved.read_seq, moved.delivered_seq, moved.unread)

    async def _delete(self, call: Call) -> object:
        return await self._move(DeleteEntries(*_place(call), tuple(call.body.seqs)))

    async def _clear(self, call: Call) -> object:
        return await self._move(ClearHistory(*_place(call), call.body.seq))

    async def _move(self, write: DeleteEntries | ClearHistory) -> PlaceAnswer:
        changed = await self._asking.done(write, PlaceChanged)
        return PlaceAnswer(changed.conversation, changed.visible_from, changed.unread)


def _place(call: Call) -> tuple[str, str]:
    """The conversation, and the user who acts. Raises `RefusedError`."""
    conversation, user = call.path["conversation"], acting_user(call)
    check(conversation_problem(conversation, user))
    return conversation, user
