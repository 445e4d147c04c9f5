"""What becomes of messages that are there: for all who see them, and for one user alone."""

from im.core import changing
from im.core.changing import ChangeMessage, ClearHistory, DeleteEntries, GetReaders, MessageChanged, Readers
from im.core.errors import Refused, invalid
from im.core.groups import key_problem
from im.core.validation import conversation_problem, seq_problem
from im.gateway.context import GatewayContext, GatewayHandler
from im.proto import content_pb2
from im.wire import types

_NO_CHANGE = invalid("change", "a change must say what changes")


class ChangeMessageHandler(GatewayHandler):
    """Recall, edit, react."""

    type = types.CHANGE_MESSAGE
    body = content_pb2.ChangeMessage

    def handle(self, context: GatewayContext, body: content_pb2.ChangeMessage) -> None:
        """Check the request and have it done."""
        user = context.user
        problem = conversation_problem(body.conversation, user) or key_problem(body.key)
        problem = problem or seq_problem(body.target, "target")
        change = _change(body)
        if problem is not None or change is None:
            context.refuse(problem or _NO_CHANGE)
            return
        context.submit(ChangeMessage(body.conversation, user, body.key, body.target, change), _answer)


class DeleteEntriesHandler(GatewayHandler):
    """Delete entries for the user alone."""

    type = types.DELETE_ENTRIES
    body = content_pb2.DeleteEntries

    def handle(self, context: GatewayContext, body: content_pb2.DeleteEntries) -> None:
        """Check the request and have it done."""
        user = context.user
        problem = conversation_problem(body.conversation, user)
        if problem is not None:
            context.refuse(problem)
        else:
            context.submit(DeleteEntries(body.conversation, user, tuple(body.seqs)), _answer)


class ClearHistoryHandler(GatewayHandler):
    """Delete everything up to a seq for the user alone."""

    type = types.CLEAR_HISTORY
    body = content_pb2.ClearHistory

    def handle(self, context: GatewayContext, body: content_pb2.ClearHistory) -> None:
        """Check the request and have it done."""
        user = context.user
        problem = conversation_problem(body.conversation, user) or seq_problem(body.seq, "seq")
        if problem is not None:
            context.refuse(problem)
        else:
            context.submit(ClearHistory(body.conversation, user, body.seq), _answer)


class GetReadersHandler(GatewayHandler):
    """Say who has read an entry."""

    type = types.GET_READERS
    body = content_pb2.GetReaders

    def handle(self, context: GatewayContext, body: content_pb2.GetReaders) -> None:
        """Check the request and ask."""
        user = context.user
        problem = conversation_problem(body.conversation, user) or seq_problem(body.seq, "seq")
        if problem is not None:
            context.refuse(problem)
        else:
            context.submit(GetReaders(body.conversation, user, body.seq), _answer)


def _change(body: content_pb2.ChangeMessage) -> changing.MessageChange | None:
    chosen = body.WhichOneof("change")
    if chosen == "recall":
        return changing.Recall()
    if chosen == "edit":
        return changing.Edit(body.edit.content)
    if chosen == "react":
        return changing.React(body.react.reaction, body.react.is_set)
    return None


def _answer(context: GatewayContext, result: object) -> None:
    if isinstance(result, Refused):
        context.refuse(result)
    elif isinstance(result, MessageChanged):
        seq = 0 if result.entry is None else result.entry.seq
        context.reply(content_pb2.MessageChanged(conversation=result.conversation, seq=seq))
    elif isinstance(result, Readers):
        context.reply(
            content_pb2.Readers(
                conversation=result.conversation,
                seq=result.seq,
                count=result.read,
                members=result.members,
                users=result.users,
            )
        )
    else:
        assert isinstance(result, changing.PlaceChanged)
        context.reply(
            content_pb2.Place(
                conversation=result.conversation, visible_from=result.visible_from, unread=result.unread
            )
        )
