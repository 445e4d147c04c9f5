"""The sessions of a node as others see them: in the pool, in the registry, in the log."""

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from im.core.errors import Code, Refused
from im.core.sessions import displaced
from im.gateway.connection import Connection
from im.gateway.groups import Groups
from im.gateway.patience import within
from im.gateway.pool import Pool
from im.gateway.settings import NodeIdentity, NodePorts, NodeSettings
from im.ports import Eviction, NodeBatch, Session

_DISPLACED = Refused(Code.DISPLACED, "a newer login took this session's place")


class Roster:
    """Enters sessions, displaces those that must go, and takes out those that ended."""

    _log = Logger()

    def __init__(
        self,
        identity: NodeIdentity,
        ports: NodePorts,
        settings: NodeSettings,
        groups: Groups,
        pool: Pool,
        clock: IReactorTime,
    ) -> None:
        self.groups = groups
        self._identity = identity
        self._registry = ports.registry
        self._bus = ports.bus
        self._settings = settings
        self._pool = pool
        self._clock = clock

    def enter(self, connection: Connection, session: Session) -> Deferred[list[Session]]:
        """Put a session into the pool, then into the registry; fires with all sessions of the user.

        In this order nothing is missed: who finds it in the registry finds it in the pool.
        """
        connection.session = session
        self._pool.add(connection)
        return within(self._registry.register(session), self._settings.limits.request_seconds, self._clock)

    def displace(self, new: Session, present: list[Session]) -> None:
        """End the sessions that must go for a new one, wherever they are."""
        limits = self._settings.limits
        for session in displaced(new, present, self._settings.class_policy, limits.sessions_per_user):
            here = self._pool.get(session.id)
            if here is not None:
                here.end(_DISPLACED)
                continue
            if session.node != self._identity.name:
                eviction = Eviction(session.id, _DISPLACED.code, _DISPLACED.text)
                self._bus.publish(session.address, NodeBatch(evictions=[eviction]))
            self._unregister(session)

    def leave(self, connection: Connection, reason: str) -> None:
        """Take an ended session out, and say so in one line."""
        session = connection.session
        assert session is not None
        self._pool.discard(connection)
        if not self._pool.of_user(session.user):
            self.groups.leave(session.user)
        self._unregister(session)
        self._log.info(
            "session of {user} ended after {seconds:.1f} s: {reason}",
            user=session.user,
            device=session.device,
            device_class=session.device_class,
            session=session.id,
            node=session.node,
            address=connection.address,
            seconds=connection.seconds,
            frames_in=connection.frames_in,
            frames_out=connection.frames_out,
            reason=reason,
        )

    def _unregister(self, session: Session) -> None:
        deferred = self._registry.unregister(session)
        within(deferred, self._settings.limits.request_seconds, self._clock)
        deferred.addErrback(self._not_unregistered, session)

    def _not_unregistered(self, failure: Failure, session: Session) -> None:
        self._log.warn(
            "session {session} of {user} stays in the registry until it is swept: {error}",
            session=session.id,
            user=session.user,
            error=failure.getErrorMessage(),
        )
