"""What a committed batch means for the nodes: answers to who asked, deliveries and signals to the rest."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from im.business import group_news, relation_news
from im.business.news import News, look
from im.business.push_news import of_push
from im.core.changing import MessageChanged, PlaceChanged
from im.core.commands import Request, Result
from im.core.custom import Conclude, Concluded
from im.core.grouping import GroupChanged
from im.core.ids import direct_peer, users_by_id
from im.core.messages import CursorMoved, MoveDelivered, Send, SendAsApp, Sent
from im.core.pushing import PushStored, StorePush
from im.core.relations import ContactChanged, RelationChanged
from im.ports import Delivery, NodeBatch, Signal
from im.proto.chat_pb2 import Cursor
from im.wire import codec, hot

_Told = TypeVar("_Told", Delivery, Signal)

NOWHERE: Mapping[str, Sequence[str]] = {}


class Announcement(NamedTuple):
    """All that is to be told of one batch, not yet by node. `users` and `audiences` are to be located.

    `batch` is whatever its store knows it by; None where nobody asks whether it was told.
    """

    results: Mapping[str, Sequence[tuple[int, Result]]]
    deliveries: Sequence[Delivery]
    signals: Sequence[Signal]
    users: frozenset[str]
    audiences: frozenset[str] = frozenset()
    batch: Any = None


_NEWS: dict[type, Callable[[Any], News]] = {
    GroupChanged: group_news.of_group,
    MessageChanged: group_news.of_message,
    PlaceChanged: group_news.of_place,
    RelationChanged: relation_news.of_relation,
    ContactChanged: group_news.of_place,
}


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
        elif type(result) is PushStored:
            assert isinstance(request.command, StorePush)
            deliveries += of_push(request.command.push, result)
        elif type(result) in _NEWS:
            news = _NEWS[type(result)](result)
            deliveries += news.deliveries
            signals += news.signals
        by_node.setdefault(request.node, []).append((request.id, answer))
    users = {user for delivery in deliveries for user in delivery.users}
    users.update(user for signal in signals for user in signal.users)
    audiences = frozenset(each.conversation for each in deliveries if each.member_version)
    return Announcement(by_node, deliveries, signals, frozenset(users), audiences)


def by_node(
    told: Announcement, located: Mapping[str, Sequence[str]], held: Mapping[str, Sequence[str]] = NOWHERE
) -> dict[str, NodeBatch]:
    """One batch for each node that asked, or that holds a session or an audience concerned."""
    batches: dict[str, NodeBatch] = {}
    for node in told.results.keys() | located.keys() | held.keys():
        here, audiences = located.get(node, ()), held.get(node)
        batches[node] = NodeBatch(
            results=told.results.get(node, ()),
            deliveries=_concerning(told.deliveries, here)
            if audiences is None
            else _for(told, here, audiences),
            signals=_concerning(told.signals, here),
        )
    return batches


def _for(told: Announcement, users: Sequence[str], audiences: Sequence[str]) -> Sequence[Delivery]:
    """The deliveries for a node that holds audiences, in their order."""
    here, held = frozenset(users), frozenset(audiences)
    return [
        each
        for each in told.deliveries
        if (each.member_version and each.conversation in held) or not here.isdisjoint(each.users)
    ]


def _concerning(told: Sequence[_Told], users: Sequence[str] | None) -> Sequence[_Told]:
    if not users:
        return ()
    here = frozenset(users)
    return [each for each in told if not here.isdisjoint(each.users)]


def _delivery(request: Request, sent: Sent) -> Delivery:
    send, sender = request.command, ""
    if isinstance(send, Send):
        sender = send.sender
    else:
        assert isinstance(send, SendAsApp)
    frame = hot.deliver(
        sent.conversation,
        sent.epoch,
        sent.seq,
        sent.n,
        send.kind,
        sender,
        send.client_msg_id,
        sent.time_ms,
        send.content,
    )
    version = sent.member_version
    users = () if version else _audience(sent.conversation, sender)
    return Delivery(users, sent.conversation, sent.seq, frame, request.session, version)


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
        users = users_by_id(sent.conversation)
        deliveries.append(Delivery(users, sent.conversation, sent.seq, frame, "", sent.member_version))
    return deliveries


def _audience(conversation: str, sender: str) -> tuple[str, ...]:
    peer = direct_peer(conversation, sender)
    return users_by_id(conversation) if peer is None else (peer, sender)


def _cursor_signals(request: Request, moved: CursorMoved) -> list[Signal]:
    if isinstance(request.command, MoveDelivered):
        return _peer_signals(moved)
    return _read_signals(request.session, moved)


def _read_signals(session: str, moved: CursorMoved) -> list[Signal]:
    own = [Signal((moved.user,), _cursor_frame(moved, moved.unread), session)]
    if moved.was_marked:
        own.append(look((moved.user,), moved.conversation))
    return [*own, *_peer_signals(moved)]


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
