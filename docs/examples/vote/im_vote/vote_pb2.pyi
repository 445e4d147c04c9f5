from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Mapping as _Mapping, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class Vote(_message.Message):
    __slots__ = ("poll", "choice")
    POLL_FIELD_NUMBER: _ClassVar[int]
    CHOICE_FIELD_NUMBER: _ClassVar[int]
    poll: str
    choice: str
    def __init__(self, poll: _Optional[str] = ..., choice: _Optional[str] = ...) -> None: ...

class Votes(_message.Message):
    __slots__ = ("choices",)
    class ChoicesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    CHOICES_FIELD_NUMBER: _ClassVar[int]
    choices: _containers.ScalarMap[str, str]
    def __init__(self, choices: _Optional[_Mapping[str, str]] = ...) -> None: ...
