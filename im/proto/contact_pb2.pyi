from im.proto import sync_pb2 as _sync_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FriendRequest(_message.Message):
    __slots__ = ("requester", "addressee", "text", "state", "created_ms", "decided_ms")
    REQUESTER_FIELD_NUMBER: _ClassVar[int]
    ADDRESSEE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CREATED_MS_FIELD_NUMBER: _ClassVar[int]
    DECIDED_MS_FIELD_NUMBER: _ClassVar[int]
    requester: str
    addressee: str
    text: str
    state: str
    created_ms: int
    decided_ms: int
    def __init__(self, requester: _Optional[str] = ..., addressee: _Optional[str] = ..., text: _Optional[str] = ..., state: _Optional[str] = ..., created_ms: _Optional[int] = ..., decided_ms: _Optional[int] = ...) -> None: ...

class ChangeRelation(_message.Message):
    __slots__ = ("user", "change", "text")
    USER_FIELD_NUMBER: _ClassVar[int]
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    user: str
    change: str
    text: str
    def __init__(self, user: _Optional[str] = ..., change: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class GetRelation(_message.Message):
    __slots__ = ("user",)
    USER_FIELD_NUMBER: _ClassVar[int]
    user: str
    def __init__(self, user: _Optional[str] = ...) -> None: ...

class Relation(_message.Message):
    __slots__ = ("user", "relation", "is_blocking", "request")
    USER_FIELD_NUMBER: _ClassVar[int]
    RELATION_FIELD_NUMBER: _ClassVar[int]
    IS_BLOCKING_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    user: str
    relation: str
    is_blocking: bool
    request: FriendRequest
    def __init__(self, user: _Optional[str] = ..., relation: _Optional[str] = ..., is_blocking: bool = ..., request: _Optional[_Union[FriendRequest, _Mapping]] = ...) -> None: ...

class GetRequests(_message.Message):
    __slots__ = ("sent", "before_ms", "after", "limit")
    SENT_FIELD_NUMBER: _ClassVar[int]
    BEFORE_MS_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    sent: bool
    before_ms: int
    after: str
    limit: int
    def __init__(self, sent: bool = ..., before_ms: _Optional[int] = ..., after: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class Requests(_message.Message):
    __slots__ = ("requests", "unseen", "more")
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    UNSEEN_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[FriendRequest]
    unseen: int
    more: bool
    def __init__(self, requests: _Optional[_Iterable[_Union[FriendRequest, _Mapping]]] = ..., unseen: _Optional[int] = ..., more: bool = ...) -> None: ...

class SeeRequests(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SetContact(_message.Message):
    __slots__ = ("conversation", "remark", "pinned", "muted", "hidden", "marked")
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    REMARK_FIELD_NUMBER: _ClassVar[int]
    PINNED_FIELD_NUMBER: _ClassVar[int]
    MUTED_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_FIELD_NUMBER: _ClassVar[int]
    MARKED_FIELD_NUMBER: _ClassVar[int]
    conversation: str
    remark: str
    pinned: bool
    muted: bool
    hidden: bool
    marked: bool
    def __init__(self, conversation: _Optional[str] = ..., remark: _Optional[str] = ..., pinned: bool = ..., muted: bool = ..., hidden: bool = ..., marked: bool = ...) -> None: ...

class ContactState(_message.Message):
    __slots__ = ("conversation", "contact")
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    CONTACT_FIELD_NUMBER: _ClassVar[int]
    conversation: str
    contact: _sync_pb2.Contact
    def __init__(self, conversation: _Optional[str] = ..., contact: _Optional[_Union[_sync_pb2.Contact, _Mapping]] = ...) -> None: ...
