from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Media(_message.Message):
    __slots__ = ("url", "size", "media_type", "name", "checksum", "width", "height", "seconds")
    URL_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    url: str
    size: int
    media_type: str
    name: str
    checksum: bytes
    width: int
    height: int
    seconds: float
    def __init__(self, url: _Optional[str] = ..., size: _Optional[int] = ..., media_type: _Optional[str] = ..., name: _Optional[str] = ..., checksum: _Optional[bytes] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., seconds: _Optional[float] = ...) -> None: ...

class Location(_message.Message):
    __slots__ = ("latitude", "longitude", "name", "address")
    LATITUDE_FIELD_NUMBER: _ClassVar[int]
    LONGITUDE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    latitude: float
    longitude: float
    name: str
    address: str
    def __init__(self, latitude: _Optional[float] = ..., longitude: _Optional[float] = ..., name: _Optional[str] = ..., address: _Optional[str] = ...) -> None: ...

class Card(_message.Message):
    __slots__ = ("title", "url", "text", "image")
    TITLE_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    title: str
    url: str
    text: str
    image: str
    def __init__(self, title: _Optional[str] = ..., url: _Optional[str] = ..., text: _Optional[str] = ..., image: _Optional[str] = ...) -> None: ...

class Rich(_message.Message):
    __slots__ = ("kind", "content", "reply_to", "mentions", "mentions_everyone")
    KIND_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    REPLY_TO_FIELD_NUMBER: _ClassVar[int]
    MENTIONS_FIELD_NUMBER: _ClassVar[int]
    MENTIONS_EVERYONE_FIELD_NUMBER: _ClassVar[int]
    kind: int
    content: bytes
    reply_to: int
    mentions: _containers.RepeatedScalarFieldContainer[str]
    mentions_everyone: bool
    def __init__(self, kind: _Optional[int] = ..., content: _Optional[bytes] = ..., reply_to: _Optional[int] = ..., mentions: _Optional[_Iterable[str]] = ..., mentions_everyone: bool = ...) -> None: ...

class MessageChange(_message.Message):
    __slots__ = ("target", "content", "reaction", "is_set")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    REACTION_FIELD_NUMBER: _ClassVar[int]
    IS_SET_FIELD_NUMBER: _ClassVar[int]
    target: int
    content: bytes
    reaction: str
    is_set: bool
    def __init__(self, target: _Optional[int] = ..., content: _Optional[bytes] = ..., reaction: _Optional[str] = ..., is_set: bool = ...) -> None: ...

class ChangeMessage(_message.Message):
    __slots__ = ("conversation", "key", "target", "recall", "edit", "react")
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    RECALL_FIELD_NUMBER: _ClassVar[int]
    EDIT_FIELD_NUMBER: _ClassVar[int]
    REACT_FIELD_NUMBER: _ClassVar[int]
    conversation: str
    key: bytes
    target: int
    recall: RecallMessage
    edit: EditMessage
    react: ReactToMessage
    def __init__(self, conversation: _Optional[str] = ..., key: _Optional[bytes] = ..., target: _Optional[int] = ..., recall: _Optional[_Union[RecallMessage, _Mapping]] = ..., edit: _Optional[_Union[EditMessage, _Mapping]] = ..., react: _Optional[_Union[ReactToMessage, _Mapping]] = ...) -> None: ...

class RecallMessage(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class EditMessage(_message.Message):
    __slots__ = ("content",)
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    content: bytes
    def __init__(self, content: _Optional[bytes] = ...) -> None: ...

class ReactToMessage(_message.Message):
    __slots__ = ("reaction", "is_set")
    REACTION_FIELD_NUMBER: _ClassVar[int]
    IS_SET_FIELD_NUMBER: _ClassVar[int]
    reaction: str
    is_set: bool
    def __init__(self, reaction: _Optional[str] = ..., is_set: bool = ...) -> None: ...

class MessageChanged(_message.Message):
    __slots__ = ("conversation", "seq")
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    conversation: str
    seq: int
    def __init__(self, conversation: _Optional[str] = ..., seq: _Optional[int] = ...) -> None: ...

class DeleteEntries(_message.Message):
    __slots__ = ("conversation", "seqs")
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    SEQS_FIELD_NUMBER: _ClassVar[int]
    conversation: str
    seqs: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, conversation: _Optional[str] = ..., seqs: _Optional[_Iterable[int]] = ...) -> None: ...

class ClearHistory(_message.Message):
    __slots__ = ("conversation", "seq")
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    conversation: str
    seq: int
    def __init__(self, conversation: _Optional[str] = ..., seq: _Optional[int] = ...) -> None: ...

class Place(_message.Message):
    __slots__ = ("conversation", "visible_from", "unread")
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    VISIBLE_FROM_FIELD_NUMBER: _ClassVar[int]
    UNREAD_FIELD_NUMBER: _ClassVar[int]
    conversation: str
    visible_from: int
    unread: int
    def __init__(self, conversation: _Optional[str] = ..., visible_from: _Optional[int] = ..., unread: _Optional[int] = ...) -> None: ...

class GetReaders(_message.Message):
    __slots__ = ("conversation", "seq")
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    conversation: str
    seq: int
    def __init__(self, conversation: _Optional[str] = ..., seq: _Optional[int] = ...) -> None: ...

class Readers(_message.Message):
    __slots__ = ("conversation", "seq", "count", "members", "users")
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    USERS_FIELD_NUMBER: _ClassVar[int]
    conversation: str
    seq: int
    count: int
    members: int
    users: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, conversation: _Optional[str] = ..., seq: _Optional[int] = ..., count: _Optional[int] = ..., members: _Optional[int] = ..., users: _Optional[_Iterable[str]] = ...) -> None: ...
