"""Sessions: their states, who is displaced by a login, and how long one may be silent."""

import enum
from collections.abc import Iterable
from typing import NamedTuple, Protocol, TypeVar


class State(enum.Enum):
    """Of a connection. Each is followed by the next or a later one; nothing comes back."""

    CONNECTED = 1
    LOGGING_IN = 2
    ONLINE = 3
    CLOSING = 4
    CLOSED = 5


class AppState(enum.IntEnum):
    """What the client's app is doing; the numbers are the wire's."""

    FOREGROUND = 0
    BACKGROUND = 1


class ClassPolicy(enum.Enum):
    """What becomes of another device of the same class when a user logs in."""

    REPLACE = "replace"
    COEXIST = "coexist"


class SessionFacts(Protocol):
    """What the rules look at. `fence` grows with each login of a device and follows the time."""

    @property
    def id(self) -> str:
        """Of the session."""

    @property
    def device(self) -> str:
        """The device's id."""

    @property
    def device_class(self) -> str:
        """Phone, tablet, desktop, web or bot."""

    @property
    def fence(self) -> int:
        """The attempt of its login."""


S = TypeVar("S", bound=SessionFacts)


def displaced(new: SessionFacts, present: Iterable[S], policy: ClassPolicy, limit: int) -> list[S]:
    """Which of a user's present sessions must end for `new`, which may be among them.

    The same device always; the same class by policy; then the oldest, until `limit` are left with
    the new one.
    """
    others = [session for session in present if session.id != new.id]
    going: list[S] = []
    staying: list[S] = []
    for session in others:
        is_same_class = policy is ClassPolicy.REPLACE and session.device_class == new.device_class
        (going if session.device == new.device or is_same_class else staying).append(session)
    staying.sort(key=lambda session: session.fence)
    return going + staying[: max(0, len(staying) + 1 - limit)]


class Heartbeats(NamedTuple):
    """The intervals between a client's beats that a node asks for, in ms."""

    foreground_ms: int
    background_ms: int
    least_ms: int = 1_000

    def interval_ms(self, app_state: AppState, wished_ms: int) -> int:
        """The interval for an app state: as the client wishes (0: no wish), but no longer than the node's."""
        own = self.foreground_ms if app_state is AppState.FOREGROUND else self.background_ms
        return min(max(wished_ms, self.least_ms), own) if wished_ms else own


def dead_after(interval: float) -> float:
    """How long a client may be silent before it is taken for dead, in the unit of its interval."""
    return 1.5 * interval
