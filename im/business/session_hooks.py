"""Tells hooks of sessions that began and ended, once the ledger has them."""

from collections.abc import Sequence

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from im.business.hooks import Hooks
from im.core.commands import Request, Result
from im.core.ledger import CloseSession, OpenSession, SessionNoted
from im.hook import UserOffline, UserOnline
from im.ports import ISessionRegistry, Session

ONLINE, OFFLINE = "user_online", "user_offline"


class SessionHooks:
    """An observer of a worker. Asks the registry, and only if somebody wants to know."""

    def __init__(self, hooks: Hooks, registry: ISessionRegistry) -> None:
        self._hooks = hooks
        self._registry = registry
        self._is_wanted = hooks.wants(ONLINE) or hooks.wants(OFFLINE)

    def committed(self, requests: Sequence[Request], results: Sequence[Result]) -> None:
        """Take a committed batch."""
        if not self._is_wanted:
            return
        for request, result in zip(requests, results, strict=True):
            if type(result) is SessionNoted and result.is_new:
                command = request.command
                if type(command) is OpenSession:
                    self._look_up(command, None)
                elif type(command) is CloseSession:
                    self._look_up(command.opened, command)

    def _look_up(self, opened: OpenSession, closed: CloseSession | None) -> None:
        if self._hooks.wants(ONLINE if closed is None else OFFLINE):
            found: Deferred[list[Session]] = self._registry.sessions(opened.user)
            found.addErrback(_unknown).addCallback(self._tell, opened, closed)

    def _tell(self, present: list[Session] | None, opened: OpenSession, closed: CloseSession | None) -> None:
        is_alone = present is not None and all(each.id == opened.session for each in present)
        who = (opened.user, opened.session, opened.device, opened.device_class, opened.node)
        if closed is None:
            self._hooks.tell(
                ONLINE, opened.user, UserOnline(*who, opened.opened_ms, opened.is_foreground, is_alone)
            )
        else:
            lasted_ms = max(0, closed.closed_ms - opened.opened_ms)
            event = UserOffline(*who, closed.closed_ms, lasted_ms, closed.reason, is_alone)
            self._hooks.tell(OFFLINE, opened.user, event)


def _unknown(failure: Failure) -> None:
    """The registry can't be asked now."""
