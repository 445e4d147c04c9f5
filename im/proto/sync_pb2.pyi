from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Entry(_message.Message):
    __slots__ = ("seq", "n", "kind", "sender", "client_msg_id", "server_time_ms", "content")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    N_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SENDER_FIELD_NUMBER: _ClassVar[int]
    CLIENT_MSG_ID_FIELD_NUMBER: _ClassVar[int]
    SERVER_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    seq: int
    n: int
    kind: int
    sender: str
    client_msg_id: bytes
    server_time_ms: int
    content: bytes
    def __init__(self, seq: _Optional[int] = ..., n: _Optional[int] = ..., kind: _Optional[int] = ..., sender: _Optional[str] = ..., client_msg_id: _Optional[bytes] = ..., server_time_ms: _Optional[int] = ..., content: _Optional[bytes] = ...) -> None: ...

class SyncCursor(_message.Message):
    __slots__ = ("epoch", "position")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    epoch: str
    position: int
    def __init__(self, epoch: _Optional[str] = ..., position: _Optional[int] = ...) -> None: ...

class Head(_message.Message):
    __slots__ = ("conversation", "head_seq", "head_n", "head_time_ms", "unread", "read_seq", "delivered_seq", "visible_from", "active", "member_version", "epoch_seq", "peer_read_seq", "peer_delivered_seq", "last", "contact", "group")
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    HEAD_SEQ_FIELD_NUMBER: _ClassVar[int]
    HEAD_N_FIELD_NUMBER: _ClassVar[int]
    HEAD_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    UNREAD_FIELD_NUMBER: _ClassVar[int]
    READ_SEQ_FIELD_NUMBER: _ClassVar[int]
    DELIVERED_SEQ_FIELD_NUMBER: _ClassVar[int]
    VISIBLE_FROM_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    MEMBER_VERSION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_SEQ_FIELD_NUMBER: _ClassVar[int]
    PEER_READ_SEQ_FIELD_NUMBER: _ClassVar[int]
    PEER_DELIVERED_SEQ_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    CONTACT_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    conversation: str
    head_seq: int
    head_n: int
    head_time_ms: int
    unread: int
    read_seq: int
    delivered_seq: int
    visible_from: int
    active: bool
    member_version: int
    epoch_seq: int
    peer_read_seq: int
    peer_delivered_seq: int
    last: Entry
    contact: Contact
    group: GroupFacts
    def __init__(self, conversation: _Optional[str] = ..., head_seq: _Optional[int] = ..., head_n: _Optional[int] = ..., head_time_ms: _Optional[int] = ..., unread: _Optional[int] = ..., read_seq: _Optional[int] = ..., delivered_seq: _Optional[int] = ..., visible_from: _Optional[int] = ..., active: bool = ..., member_version: _Optional[int] = ..., epoch_seq: _Optional[int] = ..., peer_read_seq: _Optional[int] = ..., peer_delivered_seq: _Optional[int] = ..., last: _Optional[_Union[Entry, _Mapping]] = ..., contact: _Optional[_Union[Contact, _Mapping]] = ..., group: _Optional[_Union[GroupFacts, _Mapping]] = ...) -> None: ...

class GroupFacts(_message.Message):
    __slots__ = ("name", "avatar", "members", "role", "asking", "is_dissolved", "mentions")
    NAME_FIELD_NUMBER: _ClassVar[int]
    AVATAR_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    ASKING_FIELD_NUMBER: _ClassVar[int]
    IS_DISSOLVED_FIELD_NUMBER: _ClassVar[int]
    MENTIONS_FIELD_NUMBER: _ClassVar[int]
    name: str
    avatar: str
    members: int
    role: str
    asking: int
    is_dissolved: bool
    mentions: int
    def __init__(self, name: _Optional[str] = ..., avatar: _Optional[str] = ..., members: _Optional[int] = ..., role: _Optional[str] = ..., asking: _Optional[int] = ..., is_dissolved: bool = ..., mentions: _Optional[int] = ...) -> None: ...

class Contact(_message.Message):
    __slots__ = ("remark", "pinned", "muted", "hidden", "marked", "relation", "is_blocking")
    REMARK_FIELD_NUMBER: _ClassVar[int]
    PINNED_FIELD_NUMBER: _ClassVar[int]
    MUTED_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_FIELD_NUMBER: _ClassVar[int]
    MARKED_FIELD_NUMBER: _ClassVar[int]
    RELATION_FIELD_NUMBER: _ClassVar[int]
    IS_BLOCKING_FIELD_NUMBER: _ClassVar[int]
    remark: str
    pinned: bool
    muted: bool
    hidden: bool
    marked: bool
    relation: str
    is_blocking: bool
    def __init__(self, remark: _Optional[str] = ..., pinned: bool = ..., muted: bool = ..., hidden: bool = ..., marked: bool = ..., relation: _Optional[str] = ..., is_blocking: bool = ...) -> None: ...

class Sync(_message.Message):
    __slots__ = ("cursor", "after")
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    cursor: SyncCursor
    after: str
    def __init__(self, cursor: _Optional[_Union[SyncCursor, _Mapping]] = ..., after: _Optional[str] = ...) -> None: ...

class SyncResult(_message.Message):
    __slots__ = ("cursor", "heads", "next")
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    HEADS_FIELD_NUMBER: _ClassVar[int]
    NEXT_FIELD_NUMBER: _ClassVar[int]
    cursor: SyncCursor
    heads: _containers.RepeatedCompositeFieldContainer[Head]
    next: str
    def __init__(self, cursor: _Optional[_Union[SyncCursor, _Mapping]] = ..., heads: _Optional[_Iterable[_Union[Head, _Mapping]]] = ..., next: _Optional[str] = ...) -> None: ...

class Pull(_message.Message):
    __slots__ = ("conversation", "from_seq", "backward", "limit")
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    FROM_SEQ_FIELD_NUMBER: _ClassVar[int]
    BACKWARD_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    conversation: str
    from_seq: int
    backward: bool
    limit: int
    def __init__(self, conversation: _Optional[str] = ..., from_seq: _Optional[int] = ..., backward: bool = ..., limit: _Optional[int] = ...) -> None: ...

class Page(_message.Message):
    __slots__ = ("conversation", "epoch", "entries", "visible_from", "head_seq", "active", "member_version", "read_seq", "peer_read_seq", "peer_delivered_seq", "more", "folds")
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    VISIBLE_FROM_FIELD_NUMBER: _ClassVar[int]
    HEAD_SEQ_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    MEMBER_VERSION_FIELD_NUMBER: _ClassVar[int]
    READ_SEQ_FIELD_NUMBER: _ClassVar[int]
    PEER_READ_SEQ_FIELD_NUMBER: _ClassVar[int]
    PEER_DELIVERED_SEQ_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    FOLDS_FIELD_NUMBER: _ClassVar[int]
    conversation: str
    epoch: str
    entries: _containers.RepeatedCompositeFieldContainer[Entry]
    visible_from: int
    head_seq: int
    active: bool
    member_version: int
    read_seq: int
    peer_read_seq: int
    peer_delivered_seq: int
    more: bool
    folds: _containers.RepeatedCompositeFieldContainer[Fold]
    def __init__(self, conversation: _Optional[str] = ..., epoch: _Optional[str] = ..., entries: _Optional[_Iterable[_Union[Entry, _Mapping]]] = ..., visible_from: _Optional[int] = ..., head_seq: _Optional[int] = ..., active: bool = ..., member_version: _Optional[int] = ..., read_seq: _Optional[int] = ..., peer_read_seq: _Optional[int] = ..., peer_delivered_seq: _Optional[int] = ..., more: bool = ..., folds: _Optional[_Iterable[_Union[Fold, _Mapping]]] = ...) -> None: ...

class Fold(_message.Message):
    __slots__ = ("seq", "edited_seq", "reactions")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    EDITED_SEQ_FIELD_NUMBER: _ClassVar[int]
    REACTIONS_FIELD_NUMBER: _ClassVar[int]
    seq: int
    edited_seq: int
    reactions: _containers.RepeatedCompositeFieldContainer[Reaction]
    def __init__(self, seq: _Optional[int] = ..., edited_seq: _Optional[int] = ..., reactions: _Optional[_Iterable[_Union[Reaction, _Mapping]]] = ...) -> None: ...

class Reaction(_message.Message):
    __slots__ = ("reaction", "count", "is_own")
    REACTION_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    IS_OWN_FIELD_NUMBER: _ClassVar[int]
    reaction: str
    count: int
    is_own: bool
    def __init__(self, reaction: _Optional[str] = ..., count: _Optional[int] = ..., is_own: bool = ...) -> None: ...

class Resync(_message.Message):
    __slots__ = ("conversations",)
    CONVERSATIONS_FIELD_NUMBER: _ClassVar[int]
    conversations: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, conversations: _Optional[_Iterable[str]] = ...) -> None: ...
