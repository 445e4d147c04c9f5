"""The session registry within one process: the reference that the contract suite defines."""

from collections.abc import Iterable, Mapping, Sequence

from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from im.ports import ISessionRegistry, Session


@implementer(ISessionRegistry)
class MemoryRegistry:
    """user -> session id -> session, audience -> nodes, in dicts."""

    def __init__(self) -> None:
        self._users: dict[str, dict[str, Session]] = {}
        self._audiences: dict[str, set[str]] = {}

    def register(self, session: Session) -> Deferred[list[Session]]:
        """See `ISessionRegistry`."""
        mine = self._users.setdefault(session.user, {})
        newer = any(other.device == session.device and other.fence > session.fence for other in mine.values())
        if not newer:
            mine[session.id] = session
        return succeed(list(mine.values()))

    def unregister(self, session: Session) -> Deferred[None]:
        """See `ISessionRegistry`."""
        mine = self._users.get(session.user, {})
        known = mine.get(session.id)
        if known is not None and known.fence == session.fence:
            del mine[session.id]
            if not mine:
                del self._users[session.user]
        return succeed(None)

    def locate(self, users: Iterable[str]) -> Deferred[Mapping[str, Sequence[str]]]:
        """See `ISessionRegistry`."""
        nodes: dict[str, list[str]] = {}
        for user in users:
            sessions = self._users.get(user)
            if sessions:
                for node in {session.node for session in sessions.values()}:
                    nodes.setdefault(node, []).append(user)
        return succeed(nodes)

    def sessions(self, user: str | None) -> Deferred[list[Session]]:
        """See `ISessionRegistry`."""
        chosen = self._users.values() if user is None else [self._users.get(user, {})]
        return succeed([session for each in chosen for session in each.values()])

    def join(self, node: str, audiences: Iterable[str]) -> Deferred[None]:
        """See `ISessionRegistry`."""
        for audience in audiences:
            self._audiences.setdefault(audience, set()).add(node)
        return succeed(None)

    def leave(self, node: str, audiences: Iterable[str]) -> Deferred[None]:
        """See `ISessionRegistry`."""
        for audience in audiences:
            nodes = self._audiences.get(audience, set())
            nodes.discard(node)
            if not nodes:
                self._audiences.pop(audience, None)
        return succeed(None)

    def holding(self, audiences: Iterable[str]) -> Deferred[Mapping[str, Sequence[str]]]:
        """See `ISessionRegistry`."""
        found: dict[str, list[str]] = {}
        for audience in audiences:
            for node in self._audiences.get(audience, ()):
                found.setdefault(node, []).append(audience)
        return succeed(found)
