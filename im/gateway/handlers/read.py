"""READ: the user has seen everything of a conversation up to a seq."""

from im.core.commands import Result
from im.core.errors import Refused
from im.core.messages import CursorMoved, MoveRead
from im.core.validation import conversation_problem, seq_problem
from im.gateway.context import GatewayContext, GatewayHandler
from im.proto.chat_pb2 import Cursor, Read
from im.wire import types


class ReadHandler(GatewayHandler):
    """Move the read cursor; the other devices and the other side are told after the commit."""

    type = types.READ
    body = Read

    def handle(self, context: GatewayContext, body: Read) -> None:
        """Check the request and have the cursor moved."""
        user = context.user
        problem = conversation_problem(body.conversation, user) or seq_problem(body.seq, "seq")
        if problem is not None:
            context.refuse(problem)
        else:
            context.submit(MoveRead(body.conversation, user, body.seq), _moved)


def _moved(context: GatewayContext, result: Result) -> None:
    if isinstance(result, CursorMoved):
        context.reply(
            Cursor(
                conversation=result.conversation,
                user=result.user,
                read_seq=result.read_seq,
                delivered_seq=result.delivered_seq,
                unread=result.unread,
            )
        )
    else:
        assert isinstance(result, Refused)
        context.refuse(result)
