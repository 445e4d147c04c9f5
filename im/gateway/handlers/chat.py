"""CHAT: a message to a conversation."""

from im.contents import checked
from im.core.commands import Result
from im.core.entries import TEXT
from im.core.errors import Refused
from im.core.messages import Send, Sent
from im.core.validation import send_refusal
from im.gateway.context import GatewayContext, GatewayHandler
from im.gateway.counters import Counters
from im.proto.chat_pb2 import Chat
from im.wire import hot, types


class ChatHandler(GatewayHandler):
    """Have it stored; answer when it is. The hot path of the whole node."""

    type = types.CHAT
    body = Chat

    def __init__(self, content_bytes: int, counters: Counters) -> None:
        self._content_bytes = content_bytes
        self._counters = counters

    def handle(self, context: GatewayContext, body: Chat) -> None:
        """Check a message and send it to the business layer."""
        session = context.connection.session
        assert session is not None
        send = Send(
            body.conversation,
            session.user,
            session.device,
            body.client_msg_id,
            body.after,
            body.seen_seq,
            body.kind,
            body.content,
        )
        problem = send_refusal(send, self._content_bytes)
        if problem is not None:
            context.refuse(problem)
            return
        if send.kind != TEXT:
            told = checked(send)
            if isinstance(told, Refused):
                context.refuse(told)
                return
            send = told
        self._counters.sends += 1
        context.submit(send, _stored)


def _stored(context: GatewayContext, result: Result) -> None:
    if isinstance(result, Sent):
        context.reply_frame(
            hot.send_ack(context.request_id, result.conversation, result.seq, result.time_ms, result.epoch)
        )
    else:
        assert isinstance(result, Refused)
        context.refuse(result)
