from im.proto import sync_pb2 as _sync_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AppState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FOREGROUND: _ClassVar[AppState]
    BACKGROUND: _ClassVar[AppState]
FOREGROUND: AppState
BACKGROUND: AppState

class OnlineMessage(_message.Message):
    __slots__ = ("min_version", "max_version", "token", "device_id", "device_class", "attempt", "app_state", "cursor", "client", "heartbeat_ms")
    MIN_VERSION_FIELD_NUMBER: _ClassVar[int]
    MAX_VERSION_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_CLASS_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    APP_STATE_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_MS_FIELD_NUMBER: _ClassVar[int]
    min_version: int
    max_version: int
    token: str
    device_id: str
    device_class: str
    attempt: int
    app_state: AppState
    cursor: _sync_pb2.SyncCursor
    client: str
    heartbeat_ms: int
    def __init__(self, min_version: _Optional[int] = ..., max_version: _Optional[int] = ..., token: _Optional[str] = ..., device_id: _Optional[str] = ..., device_class: _Optional[str] = ..., attempt: _Optional[int] = ..., app_state: _Optional[_Union[AppState, str]] = ..., cursor: _Optional[_Union[_sync_pb2.SyncCursor, _Mapping]] = ..., client: _Optional[str] = ..., heartbeat_ms: _Optional[int] = ...) -> None: ...

class ServerLimits(_message.Message):
    __slots__ = ("frame_bytes", "content_bytes", "frames_per_second", "page_entries", "sends_in_flight")
    FRAME_BYTES_FIELD_NUMBER: _ClassVar[int]
    CONTENT_BYTES_FIELD_NUMBER: _ClassVar[int]
    FRAMES_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    PAGE_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    SENDS_IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    frame_bytes: int
    content_bytes: int
    frames_per_second: int
    page_entries: int
    sends_in_flight: int
    def __init__(self, frame_bytes: _Optional[int] = ..., content_bytes: _Optional[int] = ..., frames_per_second: _Optional[int] = ..., page_entries: _Optional[int] = ..., sends_in_flight: _Optional[int] = ...) -> None: ...

class OnlineResult(_message.Message):
    __slots__ = ("version", "session", "node", "user", "server_time_ms", "heartbeat_ms", "limits", "sync")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    SERVER_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_MS_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    SYNC_FIELD_NUMBER: _ClassVar[int]
    version: int
    session: str
    node: str
    user: str
    server_time_ms: int
    heartbeat_ms: int
    limits: ServerLimits
    sync: _sync_pb2.SyncResult
    def __init__(self, version: _Optional[int] = ..., session: _Optional[str] = ..., node: _Optional[str] = ..., user: _Optional[str] = ..., server_time_ms: _Optional[int] = ..., heartbeat_ms: _Optional[int] = ..., limits: _Optional[_Union[ServerLimits, _Mapping]] = ..., sync: _Optional[_Union[_sync_pb2.SyncResult, _Mapping]] = ...) -> None: ...

class Heartbeat(_message.Message):
    __slots__ = ("app_state",)
    APP_STATE_FIELD_NUMBER: _ClassVar[int]
    app_state: AppState
    def __init__(self, app_state: _Optional[_Union[AppState, str]] = ...) -> None: ...

class HeartbeatAck(_message.Message):
    __slots__ = ("server_time_ms", "heartbeat_ms")
    SERVER_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_MS_FIELD_NUMBER: _ClassVar[int]
    server_time_ms: int
    heartbeat_ms: int
    def __init__(self, server_time_ms: _Optional[int] = ..., heartbeat_ms: _Optional[int] = ...) -> None: ...

class Logout(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RegisterPushToken(_message.Message):
    __slots__ = ("platform", "token")
    PLATFORM_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    platform: str
    token: str
    def __init__(self, platform: _Optional[str] = ..., token: _Optional[str] = ...) -> None: ...

class GetProfile(_message.Message):
    __slots__ = ("user",)
    USER_FIELD_NUMBER: _ClassVar[int]
    user: str
    def __init__(self, user: _Optional[str] = ...) -> None: ...

class SetProfile(_message.Message):
    __slots__ = ("name", "avatar", "fields")
    class FieldsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    AVATAR_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    name: str
    avatar: str
    fields: _containers.ScalarMap[str, str]
    def __init__(self, name: _Optional[str] = ..., avatar: _Optional[str] = ..., fields: _Optional[_Mapping[str, str]] = ...) -> None: ...

class Profile(_message.Message):
    __slots__ = ("user", "name", "avatar", "fields")
    class FieldsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    USER_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    AVATAR_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    user: str
    name: str
    avatar: str
    fields: _containers.ScalarMap[str, str]
    def __init__(self, user: _Optional[str] = ..., name: _Optional[str] = ..., avatar: _Optional[str] = ..., fields: _Optional[_Mapping[str, str]] = ...) -> None: ...
