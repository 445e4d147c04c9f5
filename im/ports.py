"""Where the layers meet.

Each port has an in-process adapter and, in a cluster, a real one; one contract suite
(`im.testing.contracts`) is run against both, and neither a handler nor a test can tell them apart.
All methods are called on the reactor's thread. A failed Deferred is `UnavailableError` unless its
docstring says otherwise: the caller may try again, nothing was half done.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from twisted.internet.defer import Deferred
from zope.interface import Interface

from im.core.commands import Command, Query, Request, Result, Write
from im.core.errors import Code
from im.core.seeing import FindFlights, FlightsFound


class UnavailableError(Exception):
    """A part does not answer or cannot work now; the same call may succeed later."""


class Identity(NamedTuple):
    """Who a token speaks for. `scopes`: "user", "admin".

    `expires_at` and `issued_at` are Unix seconds; 0: it never expires, it doesn't say when it was
    signed. A device that was logged out takes no token that was signed before, or doesn't say.
    """

    user: str
    expires_at: float
    scopes: frozenset[str]
    issued_at: float = 0.0


ADDRESS_SEPARATOR = "~"
"""Between the name of a node and a generation of it; it stands in neither."""


class Session(NamedTuple):
    """A logged-in connection, as the registry knows it. `fence` is the login attempt of its device."""

    id: str
    user: str
    device: str
    device_class: str
    node: str
    generation: str
    fence: int

    @property
    def address(self) -> str:
        """Where its node takes batches under this generation, whoever has heard of that by now."""
        return f"{self.node}{ADDRESS_SEPARATOR}{self.generation}"


class MembershipChange(NamedTuple):
    """Who came into a group and who left it with an entry, from the version `before` to the entry's own."""

    before: int
    joined: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


UNKNOWN_MEMBERS = -1
"""A `member_version` that no node knows: it reads the members anew, and tells them to look."""


class Delivery(NamedTuple):
    """One stored entry on its way to every session of `users` on a node but `except_session`.

    `frame` is the whole envelope, made once; its body is a `Deliver`. With a `member_version` it is a
    group's, and goes to the sessions of those who are its members at just this version; its `users` are
    those whom the `change` names, who need to hear of it wherever they are.
    """

    users: tuple[str, ...]
    conversation: str
    seq: int
    frame: bytes
    except_session: str
    member_version: int = 0
    change: MembershipChange | None = None


class Signal(NamedTuple):
    """An envelope for every session of `users` on a node but `except_session`. At most once.

    Only for devices of `device_classes`, if any are named.
    """

    users: tuple[str, ...]
    frame: bytes
    except_session: str
    device_classes: frozenset[str] = frozenset()


class Eviction(NamedTuple):
    """A session that must end, and why."""

    session: str
    code: Code
    text: str


class Question(NamedTuple):
    """What a node asks another for an operator; `id` goes with the answer to it."""

    node: str
    id: int
    wanted: FindFlights


class NodeBatch(NamedTuple):
    """All that one node is told at once: answers to its requests first, then the rest, in order.

    `presence` are users whom somebody watches on the node, and whose sessions changed; `answers` are to
    questions that the node asked.
    """

    results: Sequence[tuple[int, Result]] = ()
    deliveries: Sequence[Delivery] = ()
    signals: Sequence[Signal] = ()
    evictions: Sequence[Eviction] = ()
    presence: Sequence[str] = ()
    questions: Sequence[Question] = ()
    answers: Sequence[tuple[int, FlightsFound]] = ()


NodeReceiver = Callable[[NodeBatch], None]


class ISessionRegistry(Interface):
    """Which sessions a user has, on which nodes. A hint: it may lose everything at any time."""

    def register(session: Session) -> "Deferred[list[Session]]":
        """Add a session, unless a larger fence of the same device is there.

        Fires with all sessions of the user, this one included; without it, it was refused.
        Idempotent. Whoever is displaced by policy is for the caller to evict and unregister.
        """

    def unregister(session: Session) -> "Deferred[None]":
        """Remove exactly this session (same id and fence); a newer one of the device stays. Idempotent."""

    def locate(users: Iterable[str]) -> "Deferred[Mapping[str, Sequence[str]]]":
        """The nodes with sessions of any of `users`: node -> users there. The absent are in no list.

        A failed look-up is no answer: the caller must ask again before it takes a user for absent.
        """

    def sessions(user: str | None) -> "Deferred[list[Session]]":
        """The sessions of one user, or of everyone (operators only)."""

    def join(node: str, audiences: Iterable[str]) -> "Deferred[None]":
        """Let what is for audiences (groups) be told to a node.

        Fires when this and each earlier call took effect. Idempotent; what one node calls takes effect
        in the order of the calls.
        """

    def leave(node: str, audiences: Iterable[str]) -> "Deferred[None]":
        """Let what is for audiences be told to a node no more. Idempotent."""

    def holding(audiences: Iterable[str]) -> "Deferred[Mapping[str, Sequence[str]]]":
        """The nodes that hold any of `audiences`: node -> audiences there. A failed look-up is no answer."""


class IWatchers(Interface):
    """Which nodes have sessions that watch a user. A hint: it may lose everything at any time.

    In a cluster these are audiences of the registry, `p~USER`, that a node holds as it holds groups: it
    enters them again when it establishes itself anew, and those of a node whose lease is over don't count.
    """

    def join(node: str, users: Iterable[str]) -> "Deferred[None]":
        """Let changes of users be told to a node. Fires when this and each earlier call took effect.

        Idempotent; what one node calls takes effect in the order of the calls.
        """

    def leave(node: str, users: Iterable[str]) -> None:
        """Let changes of users be told to a node no more. Idempotent; nothing waits for it."""

    def watching(users: Iterable[str]) -> "Deferred[Mapping[str, Sequence[str]]]":
        """The nodes that watch any of `users`: node -> users whom it watches."""


class INodeBus(Interface):
    """Carries batches to nodes, which are named, or named with a generation: see `Session.address`.

    Order to several nodes is not kept, to one it is.
    """

    def attach(node: str, receiver: NodeReceiver) -> None:
        """Let `receiver` have what is published to `node` from now on. It must not raise."""

    def detach(node: str) -> None:
        """Stop; what is published to `node` from now on is dropped. Idempotent."""

    def publish(node: str, batch: NodeBatch) -> None:
        """Send a batch, at most once, without waiting. An unknown node drops it: a hint was lost."""


class IBusinessBridge(Interface):
    """Takes requests to the business layer; the results come back over the node bus."""

    def submit(request: Request) -> None:
        """Queue a request. Writes of one conversation keep their order; queries need not wait for them.

        At most once: no result may ever come, so the caller keeps a time-out of its own. After a
        time-out nothing is known about a write, and only the same write may follow.
        """


Ask = Callable[[Command], Deferred[Result]]
"""Has a command done as a node's own: hooks before it, announced after it. Never fails; a time-out is
`Refused`, too, and then only the same write may follow.
"""


class IStore(Interface):
    """The tables: the truth. Users, devices, conversations, members, entries, cursors."""

    def write(batch: Sequence[Write]) -> "Deferred[list[Result]]":
        """Execute a batch in order in one transaction; fires after the commit, results aligned.

        A refused command does not disturb its neighbours. On failure nothing of the batch is stored.
        Every write is idempotent. Batches are executed in the order of the calls.
        """

    def read(query: Query) -> "Deferred[Result]":
        """Answer a query from one consistent, committed state, at least as new as the last fired write."""

    def problem() -> str:
        """Why writes cannot work now, in a sentence for operators; "" when they do."""


class IAuthenticator(Interface):
    """Tells from a token who asks."""

    def authenticate(token: str) -> "Deferred[Identity]":
        """Check a token. Fails with `RefusedError` (`unauthenticated`, `expired`, or another) or
        `UnavailableError`; never logs the token.
        """
