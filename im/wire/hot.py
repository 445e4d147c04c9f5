"""The envelopes that every chat message costs, joined by hand from their parts.

Worth 4 us a message against upb's constructors, which stay for everything else; tests hold each
equal to what upb reads. A protobuf field is a key (number << 3 | kind), then a varint (kind 0), or
a varint length and the bytes (kind 2); fields with default values are left out.
"""

from im.wire.types import DELIVER, DELIVER_ACK, SEND_ACK

_ONE_BYTE = [bytes((n,)) for n in range(128)]


def varint(value: int) -> bytes:
    """A non-negative integer in base 128, least significant group first."""
    if value < 128:
        return _ONE_BYTE[value]
    groups = bytearray()
    while value > 127:
        groups.append(value & 127 | 128)
        value >>= 7
    groups.append(value)
    return bytes(groups)


def _number(key: bytes, value: int) -> bytes:
    return key + varint(value) if value else b""


def _data(key: bytes, value: bytes) -> bytes:
    return key + varint(len(value)) + value if value else b""


def _envelope(number: int, request_id: int, body: bytes) -> bytes:
    return b"\x08" + varint(number) + _number(b"\x10", request_id) + _data(b"\x1a", body)


def send_ack(request_id: int, conversation: str, seq: int, time_ms: int, epoch: str) -> bytes:
    """The envelope of a `SendAck`."""
    body = _data(b"\x0a", conversation.encode()) + _number(b"\x10", seq) + _number(b"\x18", time_ms)
    return _envelope(SEND_ACK, request_id, body + _data(b"\x22", epoch.encode()))


def deliver(
    conversation: str,
    epoch: str,
    seq: int,
    n: int,
    kind: int,
    sender: str,
    client_msg_id: bytes,
    time_ms: int,
    content: bytes,
) -> bytes:
    """The envelope of a `Deliver`, the same for every session that gets it."""
    entry = b"".join(
        (
            _number(b"\x08", seq),
            _number(b"\x10", n),
            _number(b"\x18", kind),
            _data(b"\x22", sender.encode()),
            _data(b"\x2a", client_msg_id),
            _number(b"\x30", time_ms),
            _data(b"\x3a", content),
        )
    )
    entry = b"\x1a" + varint(len(entry)) + entry
    body = _data(b"\x0a", conversation.encode()) + _data(b"\x12", epoch.encode()) + entry
    return _envelope(DELIVER, 0, body)


def deliver_ack(conversation: str, seq: int) -> bytes:
    """The envelope of a `DeliverAck`."""
    return _envelope(DELIVER_ACK, 0, _data(b"\x0a", conversation.encode()) + _number(b"\x10", seq))
