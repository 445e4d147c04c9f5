from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class Event(_message.Message):
    __slots__ = ("json",)
    JSON_FIELD_NUMBER: _ClassVar[int]
    json: bytes
    def __init__(self, json: _Optional[bytes] = ...) -> None: ...

class Push(_message.Message):
    __slots__ = ("type", "body", "collapse_key", "expires_ms", "device_classes")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    COLLAPSE_KEY_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_MS_FIELD_NUMBER: _ClassVar[int]
    DEVICE_CLASSES_FIELD_NUMBER: _ClassVar[int]
    type: int
    body: bytes
    collapse_key: str
    expires_ms: int
    device_classes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, type: _Optional[int] = ..., body: _Optional[bytes] = ..., collapse_key: _Optional[str] = ..., expires_ms: _Optional[int] = ..., device_classes: _Optional[_Iterable[str]] = ...) -> None: ...
