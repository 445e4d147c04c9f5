"""Answers of the server as the values that a client's methods fire with."""

from google.protobuf.message import Message as Body

from im.client.core.events import AppBody, CursorMoved, Message
from im.client.settings import HistoryPage, Profile
from im.core.folding import Fold, Reaction
from im.proto import chat_pb2, session_pb2, sync_pb2
from im.wire import types


def cursor_moved(body: chat_pb2.Cursor) -> CursorMoved:
    """What reading answers."""
    return CursorMoved(body.conversation, body.user, body.read_seq, body.delivered_seq, body.unread)


def history_page(body: sync_pb2.Page) -> HistoryPage:
    """What a pull answers."""
    messages = [
        Message(
            body.conversation,
            body.epoch,
            entry.seq,
            entry.kind,
            entry.sender,
            entry.client_msg_id,
            entry.server_time_ms,
            entry.content,
        )
        for entry in body.entries
    ]
    return HistoryPage(
        messages,
        body.more,
        body.head_seq,
        body.read_seq,
        body.peer_read_seq,
        body.peer_delivered_seq,
        {each.seq: _fold(each) for each in body.folds},
    )


def _fold(body: sync_pb2.Fold) -> Fold:
    reactions = tuple(Reaction(each.reaction, each.count, each.is_own) for each in body.reactions)
    return Fold(body.seq, body.edited_seq, reactions)


def profile(body: session_pb2.Profile) -> Profile:
    """What asking for or changing a profile answers."""
    return Profile(body.user, body.name, body.avatar, dict(body.fields))


def of_app(body: AppBody | Body) -> AppBody:
    """What an app's type answers; OK where it has nothing to say."""
    return body if isinstance(body, AppBody) else AppBody(types.OK, b"", "")
