"""What a committed batch means for the nodes: answers to who asked, deliveries and signals to the rest."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

from im.core.commands import Request, Result
from im.core.custom import Conclude, Concluded
from im.core.ids import direct_peer, users_by_id
from im.core.messages import CursorMoved, MoveDelivered, Send, Sent
from im.ports import Delivery, NodeBatch, Signal
from im.proto.chat_pb2 import Cursor
from im.wire import codec, hot

_Told = TypeVar("_Told", Delivery, Signal)


class Announcement(NamedTuple):
    """All that is to be told of one batch, not yet by node. `users` are those to be located."""

    results: Mapping[str, Sequence[tuple[int, Result]]]
    deliveries: Sequence[Delivery]
    signals: Sequence[Signal]
    users: frozenset[str]


def announcement(
    requests: Sequence[Request], results: Sequence[Result], extra: Sequence[Signal] = ()
) -> Announcement:
    """Gather what the aligned results of committed writes mean; `extra` signals are told, too."""
    by_node: dict[str, list[tuple[int, Result]]] = {}
    deliveries: list[Delivery] = []
    signals: list[Signal] = [*extra]
    for request, result in zip(requests, results, strict=True):
        answer = result
        if type(result) is Sent:
            if not result.duplicate:
                deliveries.append(_delivery(request, result))
            if result.read is not None:
                signals += _read_signals(request.session, result.read)
        elif type(result) is CursorMoved and result.moved:
            signals += _cursor_signals(request, result)
        elif type(result) is Concluded:
            answer = result.reply
            deliveries += _posted(request, result)
        by_node.setdefault(request.node, []).append((request.id, answer))
    users = {user for delivery in deliveries for user in delivery.users}
    users.update(user for signal in signals for user in signal.users)
    return Announcement(by_node, deliveries, signals, frozenset(users))


def by_node(told: Announcement, located: Mapping[str, Sequence[str]]) -> dict[str, NodeBatch]:
    """One batch for each node that asked or that holds a session of somebody concerned."""
    batches: dict[str, NodeBatch] = {}
    for node in told.results.keys() | located.keys():
        here = located.get(node)
        batches[node] = NodeBatch(
            results=told.results.get(node, ()),
            deliveries=_concerning(told.deliveries, here),
            signals=_concerning(told.signals, here),
        )
    return batches


def _concerning(told: Sequence[_Told], users: Sequence[str] | None) -> Sequence[_Told]:
    if not users:
        return ()
    here = frozenset(users)
    return [each for each in told if not here.isdisjoint(each.users)]


def _delivery(request: Request, sent: Sent) -> Delivery:
    send = request.command
    assert isinstance(send, Send)
    frame = hot.deliver(
        sent.conversation,
        sent.epoch,
        sent.seq,
        sent.n,
        send.kind,
        send.sender,
        send.client_msg_id,
        sent.time_ms,
        send.content,
    )
    return Delivery(
        _audience(sent.conversation, send.sender), sent.conversation, sent.seq, frame, request.session
    )


def _posted(request: Request, concluded: Concluded) -> list[Delivery]:
    """The messages of a handler go to all sessions, that of the request included; none of a duplicate."""
    conclude = request.command
    assert isinstance(conclude, Conclude)
    if concluded.duplicate:
        return []
    deliveries = []
    for post, sent in zip(conclude.posts, concluded.sent, strict=True):
        frame = hot.deliver(
            sent.conversation,
            sent.epoch,
            sent.seq,
            sent.n,
            post.kind,
            post.sender,
            post.client_msg_id,
            sent.time_ms,
            post.content,
        )
        deliveries.append(Delivery(users_by_id(sent.conversation), sent.conversation, sent.seq, frame, ""))
    return deliveries


def _audience(conversation: str, user: str) -> tuple[str, ...]:
    peer = direct_peer(conversation, user)
    return (user,) if peer is None else (peer, user)


def _cursor_signals(request: Request, moved: CursorMoved) -> list[Signal]:
    if isinstance(request.command, MoveDelivered):
        return _peer_signals(moved)
    return _read_signals(request.session, moved)


def _read_signals(session: str, moved: CursorMoved) -> list[Signal]:
    own = Signal((moved.user,), _cursor_frame(moved, moved.unread), session)
    return [own, *_peer_signals(moved)]


def _peer_signals(moved: CursorMoved) -> list[Signal]:
    peer = direct_peer(moved.conversation, moved.user)
    return [] if peer is None else [Signal((peer,), _cursor_frame(moved, 0), "")]


def _cursor_frame(moved: CursorMoved, unread: int) -> bytes:
    return codec.pack(
        Cursor(
            conversation=moved.conversation,
            user=moved.user,
            read_seq=moved.read_seq,
            delivered_seq=moved.delivered_seq,
            unread=unread,
        )
    )
