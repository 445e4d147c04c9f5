from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GroupSettings(_message.Message):
    __slots__ = ("may_invite", "may_post", "joining", "history", "is_muted")
    MAY_INVITE_FIELD_NUMBER: _ClassVar[int]
    MAY_POST_FIELD_NUMBER: _ClassVar[int]
    JOINING_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    IS_MUTED_FIELD_NUMBER: _ClassVar[int]
    may_invite: str
    may_post: str
    joining: str
    history: str
    is_muted: bool
    def __init__(self, may_invite: _Optional[str] = ..., may_post: _Optional[str] = ..., joining: _Optional[str] = ..., history: _Optional[str] = ..., is_muted: bool = ...) -> None: ...

class GroupEvent(_message.Message):
    __slots__ = ("users", "role", "until_ms", "how", "set")
    USERS_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_MS_FIELD_NUMBER: _ClassVar[int]
    HOW_FIELD_NUMBER: _ClassVar[int]
    SET_FIELD_NUMBER: _ClassVar[int]
    users: _containers.RepeatedScalarFieldContainer[str]
    role: str
    until_ms: int
    how: str
    set: SetGroup
    def __init__(self, users: _Optional[_Iterable[str]] = ..., role: _Optional[str] = ..., until_ms: _Optional[int] = ..., how: _Optional[str] = ..., set: _Optional[_Union[SetGroup, _Mapping]] = ...) -> None: ...

class CreateGroup(_message.Message):
    __slots__ = ("key", "name", "avatar", "announcement", "settings", "members")
    KEY_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    AVATAR_FIELD_NUMBER: _ClassVar[int]
    ANNOUNCEMENT_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    key: bytes
    name: str
    avatar: str
    announcement: str
    settings: GroupSettings
    members: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, key: _Optional[bytes] = ..., name: _Optional[str] = ..., avatar: _Optional[str] = ..., announcement: _Optional[str] = ..., settings: _Optional[_Union[GroupSettings, _Mapping]] = ..., members: _Optional[_Iterable[str]] = ...) -> None: ...

class ChangeGroup(_message.Message):
    __slots__ = ("conversation", "key", "set", "invite", "join", "approve", "decline", "leave", "remove", "set_role", "transfer", "silence", "dissolve")
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    SET_FIELD_NUMBER: _ClassVar[int]
    INVITE_FIELD_NUMBER: _ClassVar[int]
    JOIN_FIELD_NUMBER: _ClassVar[int]
    APPROVE_FIELD_NUMBER: _ClassVar[int]
    DECLINE_FIELD_NUMBER: _ClassVar[int]
    LEAVE_FIELD_NUMBER: _ClassVar[int]
    REMOVE_FIELD_NUMBER: _ClassVar[int]
    SET_ROLE_FIELD_NUMBER: _ClassVar[int]
    TRANSFER_FIELD_NUMBER: _ClassVar[int]
    SILENCE_FIELD_NUMBER: _ClassVar[int]
    DISSOLVE_FIELD_NUMBER: _ClassVar[int]
    conversation: str
    key: bytes
    set: SetGroup
    invite: GroupUsers
    join: JoinGroup
    approve: str
    decline: str
    leave: LeaveGroup
    remove: GroupUsers
    set_role: SetRole
    transfer: str
    silence: Silence
    dissolve: DissolveGroup
    def __init__(self, conversation: _Optional[str] = ..., key: _Optional[bytes] = ..., set: _Optional[_Union[SetGroup, _Mapping]] = ..., invite: _Optional[_Union[GroupUsers, _Mapping]] = ..., join: _Optional[_Union[JoinGroup, _Mapping]] = ..., approve: _Optional[str] = ..., decline: _Optional[str] = ..., leave: _Optional[_Union[LeaveGroup, _Mapping]] = ..., remove: _Optional[_Union[GroupUsers, _Mapping]] = ..., set_role: _Optional[_Union[SetRole, _Mapping]] = ..., transfer: _Optional[str] = ..., silence: _Optional[_Union[Silence, _Mapping]] = ..., dissolve: _Optional[_Union[DissolveGroup, _Mapping]] = ...) -> None: ...

class SetGroup(_message.Message):
    __slots__ = ("name", "avatar", "announcement", "may_invite", "may_post", "joining", "history", "is_muted")
    NAME_FIELD_NUMBER: _ClassVar[int]
    AVATAR_FIELD_NUMBER: _ClassVar[int]
    ANNOUNCEMENT_FIELD_NUMBER: _ClassVar[int]
    MAY_INVITE_FIELD_NUMBER: _ClassVar[int]
    MAY_POST_FIELD_NUMBER: _ClassVar[int]
    JOINING_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    IS_MUTED_FIELD_NUMBER: _ClassVar[int]
    name: str
    avatar: str
    announcement: str
    may_invite: str
    may_post: str
    joining: str
    history: str
    is_muted: bool
    def __init__(self, name: _Optional[str] = ..., avatar: _Optional[str] = ..., announcement: _Optional[str] = ..., may_invite: _Optional[str] = ..., may_post: _Optional[str] = ..., joining: _Optional[str] = ..., history: _Optional[str] = ..., is_muted: bool = ...) -> None: ...

class GroupUsers(_message.Message):
    __slots__ = ("users",)
    USERS_FIELD_NUMBER: _ClassVar[int]
    users: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, users: _Optional[_Iterable[str]] = ...) -> None: ...

class JoinGroup(_message.Message):
    __slots__ = ("text",)
    TEXT_FIELD_NUMBER: _ClassVar[int]
    text: str
    def __init__(self, text: _Optional[str] = ...) -> None: ...

class LeaveGroup(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DissolveGroup(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SetRole(_message.Message):
    __slots__ = ("user", "role")
    USER_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    user: str
    role: str
    def __init__(self, user: _Optional[str] = ..., role: _Optional[str] = ...) -> None: ...

class Silence(_message.Message):
    __slots__ = ("user", "seconds")
    USER_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    user: str
    seconds: int
    def __init__(self, user: _Optional[str] = ..., seconds: _Optional[int] = ...) -> None: ...

class GroupChanged(_message.Message):
    __slots__ = ("conversation", "seq", "member_version", "asked")
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    MEMBER_VERSION_FIELD_NUMBER: _ClassVar[int]
    ASKED_FIELD_NUMBER: _ClassVar[int]
    conversation: str
    seq: int
    member_version: int
    asked: bool
    def __init__(self, conversation: _Optional[str] = ..., seq: _Optional[int] = ..., member_version: _Optional[int] = ..., asked: bool = ...) -> None: ...

class GetGroup(_message.Message):
    __slots__ = ("conversation",)
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    conversation: str
    def __init__(self, conversation: _Optional[str] = ...) -> None: ...

class Group(_message.Message):
    __slots__ = ("conversation", "name", "avatar", "announcement", "owner", "settings", "members", "asking", "member_version", "created_ms", "is_dissolved", "role", "silenced_until_ms")
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    AVATAR_FIELD_NUMBER: _ClassVar[int]
    ANNOUNCEMENT_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    ASKING_FIELD_NUMBER: _ClassVar[int]
    MEMBER_VERSION_FIELD_NUMBER: _ClassVar[int]
    CREATED_MS_FIELD_NUMBER: _ClassVar[int]
    IS_DISSOLVED_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    SILENCED_UNTIL_MS_FIELD_NUMBER: _ClassVar[int]
    conversation: str
    name: str
    avatar: str
    announcement: str
    owner: str
    settings: GroupSettings
    members: int
    asking: int
    member_version: int
    created_ms: int
    is_dissolved: bool
    role: str
    silenced_until_ms: int
    def __init__(self, conversation: _Optional[str] = ..., name: _Optional[str] = ..., avatar: _Optional[str] = ..., announcement: _Optional[str] = ..., owner: _Optional[str] = ..., settings: _Optional[_Union[GroupSettings, _Mapping]] = ..., members: _Optional[int] = ..., asking: _Optional[int] = ..., member_version: _Optional[int] = ..., created_ms: _Optional[int] = ..., is_dissolved: bool = ..., role: _Optional[str] = ..., silenced_until_ms: _Optional[int] = ...) -> None: ...

class GetMembers(_message.Message):
    __slots__ = ("conversation", "after", "limit")
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    conversation: str
    after: str
    limit: int
    def __init__(self, conversation: _Optional[str] = ..., after: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class Member(_message.Message):
    __slots__ = ("user", "role", "silenced_until_ms")
    USER_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    SILENCED_UNTIL_MS_FIELD_NUMBER: _ClassVar[int]
    user: str
    role: str
    silenced_until_ms: int
    def __init__(self, user: _Optional[str] = ..., role: _Optional[str] = ..., silenced_until_ms: _Optional[int] = ...) -> None: ...

class Members(_message.Message):
    __slots__ = ("conversation", "member_version", "members", "next")
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    MEMBER_VERSION_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_FIELD_NUMBER: _ClassVar[int]
    conversation: str
    member_version: int
    members: _containers.RepeatedCompositeFieldContainer[Member]
    next: str
    def __init__(self, conversation: _Optional[str] = ..., member_version: _Optional[int] = ..., members: _Optional[_Iterable[_Union[Member, _Mapping]]] = ..., next: _Optional[str] = ...) -> None: ...

class GetAsking(_message.Message):
    __slots__ = ("conversation", "after", "limit")
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    conversation: str
    after: str
    limit: int
    def __init__(self, conversation: _Optional[str] = ..., after: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class Asking(_message.Message):
    __slots__ = ("user", "text", "time_ms")
    USER_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TIME_MS_FIELD_NUMBER: _ClassVar[int]
    user: str
    text: str
    time_ms: int
    def __init__(self, user: _Optional[str] = ..., text: _Optional[str] = ..., time_ms: _Optional[int] = ...) -> None: ...

class AskingPage(_message.Message):
    __slots__ = ("conversation", "asking", "next")
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    ASKING_FIELD_NUMBER: _ClassVar[int]
    NEXT_FIELD_NUMBER: _ClassVar[int]
    conversation: str
    asking: _containers.RepeatedCompositeFieldContainer[Asking]
    next: str
    def __init__(self, conversation: _Optional[str] = ..., asking: _Optional[_Iterable[_Union[Asking, _Mapping]]] = ..., next: _Optional[str] = ...) -> None: ...
