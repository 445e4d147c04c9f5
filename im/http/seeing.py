"""What operators see of the business layer: `GET /v1/shards`, and `GET /v1/trace` of one message."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, NamedTuple

from im.business.tracing import SessionTrace, Trace, TraceDesk
from im.core.errors import RefusedError, invalid
from im.core.seeing import MemberCursors, TraceEntry
from im.core.validation import CLIENT_MSG_ID_BYTES
from im.http.routes import Call

_SEQ_DIGITS = 19


class ShardStatus(NamedTuple):
    """A shard as its owner tells of it; `shard` None: one process owns all.

    `epoch` counts its owners, `since_ms` is when this one claimed it, Unix ms; 0: its owner does not answer.
    `waiting` is how many messages wait in its queue, None: not known.
    """

    shard: int | None
    owner: str
    epoch: int
    since_ms: int
    waiting: int | None
    answers: bool


class SeeingDesk:
    """Answers operators."""

    def __init__(
        self, shards: Callable[[], Coroutine[Any, Any, Sequence[ShardStatus]]], traces: TraceDesk
    ) -> None:
        self._shards = shards
        self._traces = traces

    async def shards(self, call: Call) -> object:
        """`GET /v1/shards`: by number."""
        return {"shards": [each._asdict() for each in await self._shards()]}

    async def trace(self, call: Call) -> object:
        """`GET /v1/trace?conversation=C&seq=N`, or `?user=U&client_msg_id=HEX`."""
        return _trace_json(await self._traces.trace(_wanted(call)))


def _wanted(call: Call) -> TraceEntry:
    conversation = call.query.get("conversation", "")
    if conversation:
        seq = call.query.get("seq", "")
        if not (seq.isascii() and seq.isdecimal()) or len(seq) > _SEQ_DIGITS:
            raise RefusedError(invalid("seq", "seq must be a number"))
        return TraceEntry(conversation, int(seq))
    try:
        client_msg_id = bytes.fromhex(call.query.get("client_msg_id", ""))
    except ValueError:
        client_msg_id = b""
    if len(client_msg_id) != CLIENT_MSG_ID_BYTES:
        raise RefusedError(
            invalid("client_msg_id", f"client_msg_id must be {CLIENT_MSG_ID_BYTES} bytes in hex")
        )
    return TraceEntry("", 0, call.query.get("user", ""), client_msg_id)


def _trace_json(trace: Trace) -> dict[str, object]:
    entry = trace.entry
    connected = {each.flight.user for each in trace.sessions}
    return {
        "conversation": entry.conversation,
        "seq": entry.seq,
        "kind": entry.kind,
        "sender": entry.sender,
        "client_msg_id": entry.client_msg_id.hex(),
        "committed_ms": entry.time_ms,
        "shard": None if trace.shard < 0 else trace.shard,
        "worker": trace.worker,
        "epoch": trace.epoch,
        "is_announced": not entry.is_waiting,
        "nodes": [each._asdict() | {"node": _name(each.node)} for each in trace.nodes],
        "sessions": [_session_json(each) for each in trace.sessions],
        "members": [_member_json(each, entry.seq, each.user in connected) for each in entry.members],
        "members_total": entry.total,
    }


def _session_json(traced: SessionTrace) -> dict[str, object]:
    flight = traced.flight
    return {
        "session": flight.session,
        "user": flight.user,
        "device": flight.device,
        "device_class": flight.device_class,
        "node": _name(traced.node),
        "connected_ms": flight.since_ms,
        "state": traced.state,
        "resends": max(flight.resends, 0),
    }


def _member_json(member: MemberCursors, seq: int, is_connected: bool) -> dict[str, object]:
    return member._asdict() | {
        "is_delivered": member.delivered_seq >= seq,
        "is_read": member.read_seq >= seq,
        "is_connected": is_connected,
    }


def _name(address: str) -> str:
    """Of a node, without the generation that a cluster's registry names it with."""
    return address.partition("~")[0]
