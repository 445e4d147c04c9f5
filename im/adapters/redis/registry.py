"""The session registry port on Redis, for a process that registers sessions, looks them up, or both."""

from collections.abc import Iterable, Mapping, Sequence

from twisted.internet.defer import Deferred, fail
from zope.interface import implementer

from im.adapters.redis.directory import Directory
from im.adapters.redis.registration import Registration
from im.ports import ISessionRegistry, Session, UnavailableError


@implementer(ISessionRegistry)
class RedisRegistry:
    """Joins the two sides. A worker has no registration, and registers nothing."""

    def __init__(self, directory: Directory, registration: Registration | None = None) -> None:
        self._directory = directory
        self._registration = registration

    def register(self, session: Session) -> "Deferred[list[Session]]":
        """See `ISessionRegistry`."""
        if self._registration is None:
            return fail(UnavailableError("this process has no sessions"))
        return self._registration.register(session)

    def unregister(self, session: Session) -> "Deferred[None]":
        """See `ISessionRegistry`."""
        if self._registration is None:
            return fail(UnavailableError("this process has no sessions"))
        return self._registration.unregister(session)

    def locate(self, users: Iterable[str]) -> "Deferred[Mapping[str, Sequence[str]]]":
        """See `ISessionRegistry`."""
        return self._directory.locate(users)

    def sessions(self, user: str | None) -> "Deferred[list[Session]]":
        """See `ISessionRegistry`."""
        return self._directory.sessions(user)

    def join(self, node: str, audiences: Iterable[str]) -> "Deferred[None]":
        """See `ISessionRegistry`; a node speaks for itself only."""
        if self._registration is None:
            return fail(UnavailableError("this process has no sessions"))
        return self._registration.join(audiences)

    def leave(self, node: str, audiences: Iterable[str]) -> "Deferred[None]":
        """See `ISessionRegistry`."""
        if self._registration is None:
            return fail(UnavailableError("this process has no sessions"))
        return self._registration.leave(audiences)

    def holding(self, audiences: Iterable[str]) -> "Deferred[Mapping[str, Sequence[str]]]":
        """See `ISessionRegistry`."""
        return self._directory.audiences(audiences)
