"""How a command ends when it does not end well: one sentence and an exit status."""

import enum

from twisted.internet.error import ConnectError, ConnectionClosed, DNSLookupError

from im.core.errors import Code, RefusedError
from im.ports import UnavailableError


class Status(enum.IntEnum):
    """The exit statuses of `imctl`."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    INTERRUPTED = 130


class Failure(Exception):
    """The end of a command: what to tell, and the status. `code` is a stable name, for programs."""

    def __init__(self, status: Status, code: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text


def usage(text: str) -> Failure:
    """The command line cannot be carried out as it stands."""
    return Failure(Status.USAGE, "usage", text)


def failed(text: str, code: str = "failed") -> Failure:
    """It was tried, and refused or did not work."""
    return Failure(Status.FAILED, code, text)


def unreachable(text: str) -> Failure:
    """Nobody answers."""
    return Failure(Status.UNREACHABLE, "unreachable", text)


def timed_out(text: str) -> Failure:
    """What was waited for did not come in time."""
    return Failure(Status.UNREACHABLE, "timeout", text)


EXPECTED: tuple[type[Exception], ...] = (
    Failure,
    RefusedError,
    UnavailableError,
    DNSLookupError,
    ConnectError,
    ConnectionClosed,
    OSError,
    UnicodeEncodeError,
)
"""The errors that a command may end with; anything else is a bug."""

_PASSING = frozenset({Code.UNAVAILABLE, Code.DRAINING})


def failure_of(error: Exception) -> Failure:
    """What one of the `EXPECTED` errors means to the user."""
    if isinstance(error, Failure):
        return error
    if isinstance(error, RefusedError):
        refused = error.refused
        status = Status.UNREACHABLE if refused.code in _PASSING else Status.FAILED
        return Failure(status, refused.code.label, f"refused: {refused.text}")
    if isinstance(error, UnicodeEncodeError):
        return usage("what is to be sent must be valid UTF-8")
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        return failed(f"{place}{error.strerror}")
    return unreachable(f"the node does not answer: {error}")


def missing(error: ModuleNotFoundError) -> Failure:
    """A package that is not installed. Raises `error` again if it is a module of our own."""
    name = (error.name or "im").partition(".")[0]
    if name == "im":
        raise error
    return failed(f"{name} is not installed; run: pip install 'im-gateway[server]'", "not_installed")
