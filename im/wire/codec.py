"""Envelopes: `BaseMessage` to bytes and back."""

from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from im.proto.base_pb2 import BaseMessage
from im.wire.types import NUMBERS, TYPES

Body = TypeVar("Body", bound=Message)


class UndecodableError(ValueError):
    """Bytes that are no envelope, or a body that is not what its type says."""


def pack(body: Message, request_id: int = 0) -> bytes:
    """The envelope of a system type's body; `request_id` is echoed in answers, 0 asks for none."""
    return pack_raw(NUMBERS[type(body)], body.SerializeToString(), request_id)


def pack_raw(
    number: int, body: bytes, request_id: int = 0, conversation: str = "", key: bytes = b""
) -> bytes:
    """The envelope of an already serialized body. The last two only for types of 10,000 and above."""
    envelope = BaseMessage(type=number, id=request_id, body=body, conversation=conversation, key=key)
    return envelope.SerializeToString()


def unpack(payload: bytes) -> BaseMessage:
    """Parse an envelope. Raises `UndecodableError`."""
    try:
        return BaseMessage.FromString(payload)
    except DecodeError as error:
        raise UndecodableError("not a BaseMessage") from error


def unpack_as(body: type[Body], data: bytes) -> Body:
    """Parse a body of a known class. Raises `UndecodableError`."""
    try:
        return body.FromString(data)
    except DecodeError as error:
        raise UndecodableError(f"not a {body.DESCRIPTOR.name} body") from error


def unpack_body(envelope: BaseMessage) -> Message:
    """Parse the body of a system type. Raises `UndecodableError`, also for an unknown type."""
    row = TYPES.get(envelope.type)
    if row is None:
        raise UndecodableError(f"no body is known for type {envelope.type}")
    return unpack_as(row.body, envelope.body)
