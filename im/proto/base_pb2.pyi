from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class BaseMessage(_message.Message):
    __slots__ = ("type", "id", "body", "trace_id", "conversation", "key")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    type: int
    id: int
    body: bytes
    trace_id: bytes
    conversation: str
    key: bytes
    def __init__(self, type: _Optional[int] = ..., id: _Optional[int] = ..., body: _Optional[bytes] = ..., trace_id: _Optional[bytes] = ..., conversation: _Optional[str] = ..., key: _Optional[bytes] = ...) -> None: ...

class Ok(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Error(_message.Message):
    __slots__ = ("code", "name", "text", "field", "retryable", "retry_after_ms", "last_attempt")
    CODE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    RETRYABLE_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    LAST_ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    code: int
    name: str
    text: str
    field: str
    retryable: bool
    retry_after_ms: int
    last_attempt: int
    def __init__(self, code: _Optional[int] = ..., name: _Optional[str] = ..., text: _Optional[str] = ..., field: _Optional[str] = ..., retryable: bool = ..., retry_after_ms: _Optional[int] = ..., last_attempt: _Optional[int] = ...) -> None: ...

class Close(_message.Message):
    __slots__ = ("code", "name", "text", "reconnect", "retry_after_ms", "alternate")
    CODE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    RECONNECT_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    ALTERNATE_FIELD_NUMBER: _ClassVar[int]
    code: int
    name: str
    text: str
    reconnect: bool
    retry_after_ms: int
    alternate: str
    def __init__(self, code: _Optional[int] = ..., name: _Optional[str] = ..., text: _Optional[str] = ..., reconnect: bool = ..., retry_after_ms: _Optional[int] = ..., alternate: _Optional[str] = ...) -> None: ...
