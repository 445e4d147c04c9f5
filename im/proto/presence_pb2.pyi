from im.proto import session_pb2 as _session_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Watch(_message.Message):
    __slots__ = ("users",)
    USERS_FIELD_NUMBER: _ClassVar[int]
    users: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, users: _Optional[_Iterable[str]] = ...) -> None: ...

class Unwatch(_message.Message):
    __slots__ = ("users",)
    USERS_FIELD_NUMBER: _ClassVar[int]
    users: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, users: _Optional[_Iterable[str]] = ...) -> None: ...

class OnlineDevice(_message.Message):
    __slots__ = ("device_class", "app_state")
    DEVICE_CLASS_FIELD_NUMBER: _ClassVar[int]
    APP_STATE_FIELD_NUMBER: _ClassVar[int]
    device_class: str
    app_state: _session_pb2.AppState
    def __init__(self, device_class: _Optional[str] = ..., app_state: _Optional[_Union[_session_pb2.AppState, str]] = ...) -> None: ...

class Presence(_message.Message):
    __slots__ = ("user", "devices", "last_seen_ms")
    USER_FIELD_NUMBER: _ClassVar[int]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    LAST_SEEN_MS_FIELD_NUMBER: _ClassVar[int]
    user: str
    devices: _containers.RepeatedCompositeFieldContainer[OnlineDevice]
    last_seen_ms: int
    def __init__(self, user: _Optional[str] = ..., devices: _Optional[_Iterable[_Union[OnlineDevice, _Mapping]]] = ..., last_seen_ms: _Optional[int] = ...) -> None: ...

class Watched(_message.Message):
    __slots__ = ("users", "refused")
    USERS_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    users: _containers.RepeatedCompositeFieldContainer[Presence]
    refused: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, users: _Optional[_Iterable[_Union[Presence, _Mapping]]] = ..., refused: _Optional[_Iterable[str]] = ...) -> None: ...
