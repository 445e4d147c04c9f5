"""What a node is told at its making."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from im.core.limits import Limits
from im.core.presence import Visibility
from im.core.sessions import ClassPolicy
from im.isolation import NO_HANDLERS, Handlers
from im.ports import IAuthenticator, IBusinessBridge, INodeBus, ISessionRegistry, IWatchers, Session


class Chance(Protocol):
    """What is used of a `random.Random`."""

    def getrandbits(self, k: int, /) -> int:
        """So many random bits."""

    def uniform(self, a: float, b: float) -> float:
        """A number between two."""

    def randint(self, a: int, b: int) -> int:
        """An integer between two, both included."""


class NodeIdentity(NamedTuple):
    """`generation` is random, and new each time a node establishes itself."""

    name: str
    generation: str


class NodePorts(NamedTuple):
    """What a node stands on."""

    registry: ISessionRegistry
    bus: INodeBus
    bridge: IBusinessBridge
    authenticator: IAuthenticator


class PresenceSettings(NamedTuple):
    """`watchers` says which nodes watch whom, `visibility` who may watch whom."""

    watchers: IWatchers
    visibility: Visibility


Alternate = Callable[[Session], str]
"""The address of another node that a session may move to, "" if there is none."""


def nowhere(session: Session) -> str:
    """For a node that is alone."""
    return ""


@dataclass(frozen=True)
class NodeSettings:
    """`class_policy`: what becomes of a user's other device of the same class at a login.

    `handlers` are those of others that run on the gateway, for types of 10,000 and above. Without
    `presence` nobody is told who is online. `greeting` is said by a user who accepts a friend request.
    `alternate` is told to sessions when the node goes down.
    """

    limits: Limits = field(default_factory=Limits)
    class_policy: ClassPolicy = ClassPolicy.COEXIST
    handlers: Handlers = NO_HANDLERS
    presence: PresenceSettings | None = None
    greeting: str = ""
    alternate: Alternate = nowhere
