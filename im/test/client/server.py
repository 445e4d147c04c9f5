"""A scripted node: bodies in and out, for tests of the client."""

from collections.abc import Callable
from typing import Any, TypeVar

from google.protobuf.message import Message as Body

from im.core.ids import direct_conversation
from im.proto import base_pb2, chat_pb2, session_pb2, sync_pb2
from im.wire.codec import pack, unpack, unpack_body

EPOCH = "epoch-1"
CHAT = direct_conversation("alice", "bob")
T = TypeVar("T", bound=Body)


def read_frame(frame: bytes) -> tuple[int, Body]:
    """The id and body of an envelope."""
    envelope = unpack(frame)
    return envelope.id, unpack_body(envelope)


def of_kind(frames: list[bytes], kind: type[T]) -> list[tuple[int, T]]:
    """The ids and bodies of one kind among envelopes."""
    read = [read_frame(frame) for frame in frames]
    return [(number, body) for number, body in read if isinstance(body, kind)]


def head(conversation: str = CHAT, head_seq: int = 0, **values: int) -> sync_pb2.Head:
    """A head, active and visible from its beginning unless the values say otherwise."""
    body = sync_pb2.Head(conversation=conversation, head_seq=head_seq, visible_from=1, active=True)
    for name, value in values.items():
        setattr(body, name, value)
    return body


def sync_result(
    *heads: sync_pb2.Head, position: int = 1, epoch: str = EPOCH, following: str = ""
) -> sync_pb2.SyncResult:
    """A page of a sync."""
    cursor = sync_pb2.SyncCursor(epoch=epoch, position=position)
    return sync_pb2.SyncResult(cursor=cursor, heads=heads, next=following)


def online_result(
    sync: sync_pb2.SyncResult | None = None, *, in_flight: int = 64, heartbeat_ms: int = 30_000
) -> session_pb2.OnlineResult:
    """The answer to alice's login."""
    return session_pb2.OnlineResult(
        version=1,
        session="s1",
        node="n1",
        user="alice",
        server_time_ms=1_000,
        heartbeat_ms=heartbeat_ms,
        limits=session_pb2.ServerLimits(sends_in_flight=in_flight),
        sync=sync or sync_result(),
    )


def entry(seq: int, sender: str = "bob", text: str = "", client_msg_id: bytes = b"") -> sync_pb2.Entry:
    """A text of bob's, unless it is somebody else's."""
    return sync_pb2.Entry(
        seq=seq,
        n=seq,
        kind=1,
        sender=sender,
        client_msg_id=client_msg_id or seq.to_bytes(16, "big"),
        server_time_ms=seq,
        content=(text or f"text {seq}").encode(),
    )


def deliver(
    seq: int, *, conversation: str = CHAT, epoch: str = EPOCH, sender: str = "bob", **other: Any
) -> bytes:
    """The envelope of a delivery; `other` are fields of its entry."""
    delivered = entry(seq, sender)
    delivered.MergeFrom(sync_pb2.Entry(**other))
    return pack(chat_pb2.Deliver(conversation=conversation, epoch=epoch, entry=delivered))


def page(
    *entries: sync_pb2.Entry, head_seq: int, more: bool = False, epoch: str = EPOCH, **values: int
) -> sync_pb2.Page:
    """The answer to a pull of alice's and bob's conversation."""
    body = sync_pb2.Page(
        conversation=CHAT,
        epoch=epoch,
        entries=entries,
        head_seq=head_seq,
        more=more,
        visible_from=1,
        active=True,
    )
    for name, value in values.items():
        setattr(body, name, value)
    return body


def send_ack(request: int, seq: int, conversation: str = CHAT, epoch: str = EPOCH) -> bytes:
    """The envelope of a SendAck."""
    return pack(
        chat_pb2.SendAck(conversation=conversation, seq=seq, server_time_ms=seq, epoch=epoch), request
    )


def error(request: int, code: int, name: str, *, retryable: bool, retry_after_ms: int = 0) -> bytes:
    """The envelope of a refusal."""
    body = base_pb2.Error(code=code, name=name, text="no", retryable=retryable, retry_after_ms=retry_after_ms)
    return pack(body, request)


Answer = Callable[[int, Body], list[bytes]]
