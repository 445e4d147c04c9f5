from im.proto import sync_pb2 as _sync_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Chat(_message.Message):
    __slots__ = ("conversation", "client_msg_id", "after", "seen_seq", "kind", "content")
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    CLIENT_MSG_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    SEEN_SEQ_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    conversation: str
    client_msg_id: bytes
    after: bytes
    seen_seq: int
    kind: int
    content: bytes
    def __init__(self, conversation: _Optional[str] = ..., client_msg_id: _Optional[bytes] = ..., after: _Optional[bytes] = ..., seen_seq: _Optional[int] = ..., kind: _Optional[int] = ..., content: _Optional[bytes] = ...) -> None: ...

class SendAck(_message.Message):
    __slots__ = ("conversation", "seq", "server_time_ms", "epoch")
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    SERVER_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    conversation: str
    seq: int
    server_time_ms: int
    epoch: str
    def __init__(self, conversation: _Optional[str] = ..., seq: _Optional[int] = ..., server_time_ms: _Optional[int] = ..., epoch: _Optional[str] = ...) -> None: ...

class Deliver(_message.Message):
    __slots__ = ("conversation", "epoch", "entry")
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    conversation: str
    epoch: str
    entry: _sync_pb2.Entry
    def __init__(self, conversation: _Optional[str] = ..., epoch: _Optional[str] = ..., entry: _Optional[_Union[_sync_pb2.Entry, _Mapping]] = ...) -> None: ...

class DeliverAck(_message.Message):
    __slots__ = ("conversation", "seq")
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    conversation: str
    seq: int
    def __init__(self, conversation: _Optional[str] = ..., seq: _Optional[int] = ...) -> None: ...

class Read(_message.Message):
    __slots__ = ("conversation", "seq")
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    conversation: str
    seq: int
    def __init__(self, conversation: _Optional[str] = ..., seq: _Optional[int] = ...) -> None: ...

class Cursor(_message.Message):
    __slots__ = ("conversation", "user", "read_seq", "delivered_seq", "unread")
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    READ_SEQ_FIELD_NUMBER: _ClassVar[int]
    DELIVERED_SEQ_FIELD_NUMBER: _ClassVar[int]
    UNREAD_FIELD_NUMBER: _ClassVar[int]
    conversation: str
    user: str
    read_seq: int
    delivered_seq: int
    unread: int
    def __init__(self, conversation: _Optional[str] = ..., user: _Optional[str] = ..., read_seq: _Optional[int] = ..., delivered_seq: _Optional[int] = ..., unread: _Optional[int] = ...) -> None: ...
