"""Why something was refused or ended: one table for error frames, close frames and HTTP."""

import enum
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class Code(enum.IntEnum):
    """The stable codes; the stable name is the member's in lower case."""

    INVALID_ARGUMENT = 1
    UNAUTHENTICATED = 2
    EXPIRED = 3
    PERMISSION_DENIED = 4
    NOT_FOUND = 5
    CONFLICT = 6
    OUT_OF_ORDER = 7
    RATE_LIMITED = 8
    UNAVAILABLE = 9
    INTERNAL = 10
    UNKNOWN_TYPE = 11
    UNDECODABLE = 12
    WRONG_DIRECTION = 13
    STALE_ATTEMPT = 14
    UNSUPPORTED_VERSION = 15
    TOO_LARGE = 16
    LIMIT_EXCEEDED = 17
    NOT_LOGGED_IN = 18
    BLOCKED = 19
    LOGIN_TIMEOUT = 30
    HEARTBEAT_TIMEOUT = 31
    SLOW_READER = 32
    UNRESPONSIVE = 33
    DISPLACED = 34
    KICKED = 35
    DISABLED = 36
    LOGGED_OUT = 37
    DRAINING = 38

    @property
    def label(self) -> str:
        """The stable name, as it stands in frames, logs and JSON."""
        return self.name.lower()

    @property
    def is_retryable(self) -> bool:
        """Whether the same request may succeed later; of a close: whether to come back."""
        return self in _RETRYABLE


_RETRYABLE = frozenset(
    {
        Code.OUT_OF_ORDER,
        Code.RATE_LIMITED,
        Code.UNAVAILABLE,
        Code.STALE_ATTEMPT,
        Code.LOGIN_TIMEOUT,
        Code.HEARTBEAT_TIMEOUT,
        Code.SLOW_READER,
        Code.UNRESPONSIVE,
        Code.DRAINING,
    }
)


class Refused(NamedTuple):
    """A refusal as a value: the result of a command, or the content of an error or close frame."""

    code: Code
    text: str
    field: str = ""
    retry_after_ms: int = 0
    last_attempt: int = 0
    alternate: str = ""


class RefusedError(Exception):
    """A refusal as an exception, for coroutines."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(f"{refused.code.label}: {refused.text}")
        self.refused = refused


def accepted(result: object, kind: type[T]) -> T:
    """A command's result, of the kind that it has. Raises `RefusedError` if it was refused."""
    if isinstance(result, Refused):
        raise RefusedError(result)
    assert isinstance(result, kind), result
    return result


def invalid(field: str, text: str) -> Refused:
    """The refusal of one wrong field."""
    return Refused(Code.INVALID_ARGUMENT, text, field)
