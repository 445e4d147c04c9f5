"""What a client is told, and the values that it tells."""

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from twisted.internet.defer import Deferred

from im.client.core.events import Message
from im.client.core.state import ClientState
from im.client.core.timing import Timing
from im.client.memory_state import MemoryState
from im.core.folding import Fold

Token = str | Callable[[], str | Deferred[str]]


@dataclass(frozen=True, kw_only=True)
class ClientSettings:
    """Who connects where.

    `addresses` are tried in turn. `token` may be a callable, which is asked before each connection.
    `device` "" is the one that the state made. `heartbeat` is the wished interval in seconds, 0: the
    server's. `ca_file`: PEM certificates to trust for `tls:` and `wss:` instead of the system's.
    """

    addresses: tuple[str, ...]
    token: Token = field(repr=False)
    state: ClientState = field(default_factory=MemoryState, repr=False)
    device: str = ""
    device_class: str = "bot"
    program: str = "im-client"
    is_background: bool = False
    heartbeat: float = 0.0
    ca_file: str = ""
    timing: Timing = field(default_factory=Timing)

    def __post_init__(self) -> None:
        if not self.addresses:
            raise ValueError("a client needs an address")


class Status(enum.Enum):
    """Where a client stands."""

    CONNECTING = "connecting"
    ONLINE = "online"
    WAITING = "waiting"
    AWAY = "away"
    STOPPED = "stopped"


class ClientStatus(NamedTuple):
    """A client's status. `reason` says why it waits or stays away, `retry_in` for how many seconds."""

    status: Status
    reason: str = ""
    retry_in: float = 0.0


NO_FOLDS: Mapping[int, Fold] = {}


class HistoryPage(NamedTuple):
    """Messages of a conversation in ascending order, and where everyone stands in it.

    They are as they are now: recalled ones are of kind 9 and empty, edited ones have their newest content.
    `folds` tell, by seq, of those that were edited or that have reactions.
    """

    messages: list[Message]
    more: bool
    head_seq: int
    read_seq: int
    peer_read_seq: int
    peer_delivered_seq: int
    folds: Mapping[int, Fold] = NO_FOLDS

    def mark(self, message: Message) -> str:
        """How far an own message of a direct conversation came: "sent", "delivered" or "read"."""
        if message.seq <= self.peer_read_seq:
            return "read"
        return "delivered" if message.seq <= self.peer_delivered_seq else "sent"


class Profile(NamedTuple):
    """What others see of a user."""

    user: str
    name: str
    avatar: str
    fields: Mapping[str, str]


class Randomness(Protocol):
    """As much of `random.Random` as a client needs."""

    def random(self) -> float:
        """A number from 0 up to, not including, 1."""

    def randbytes(self, n: int) -> bytes:
        """So many random bytes."""
