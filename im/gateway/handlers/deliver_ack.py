"""DELIVER_ACK: the client has everything of a conversation up to a seq."""

from im.core.sessions import AppState
from im.core.validation import conversation_problem, seq_problem
from im.gateway.context import GatewayContext, GatewayHandler
from im.gateway.cursors import DeliveredCursors
from im.proto.chat_pb2 import DeliverAck
from im.wire import types


class DeliverAckHandler(GatewayHandler):
    """Free the window, and move the delivered cursor in a while."""

    type = types.DELIVER_ACK
    body = DeliverAck

    def __init__(self, cursors: DeliveredCursors) -> None:
        self._cursors = cursors

    def handle(self, context: GatewayContext, body: DeliverAck) -> None:
        """Take an acknowledgement; it has no answer but an error."""
        conversation, seq, user = body.conversation, body.seq, context.user
        problem = conversation_problem(conversation, user) or seq_problem(seq, "seq")
        if problem is not None:
            context.refuse(problem)
            return
        connection = context.connection
        connection.acknowledge(conversation, seq)
        is_foreground = connection.app_state is AppState.FOREGROUND
        self._cursors.note(user, conversation, seq, context.device, is_foreground)
