"""Tells the nodes that watch a user when the user's sessions changed, and whoever asks who is online.

The ledger is the truth: a session that began, changed or ended is told after its commit, as no more
than the user's name. In a cluster the workers do the same: each looks up which nodes watch the users of
its batch (`IWatchers`; audiences `p~USER` of the registry), in one call beside that for its deliveries,
and puts the names into the `NodeBatch` that goes to such a node anyway, or into one of their own. The
node then asks for the present state. A hint that is lost, a look-up that fails and a node that died are
made up for by the node's own reading of all whom it watches, once a minute and after each doubt.
"""

from collections.abc import Mapping, Sequence

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from im.core.commands import Request, Result
from im.core.errors import RefusedError, accepted
from im.core.ids import id_problem
from im.core.ledger import ChangeAppState, CloseSession, OpenSession, SessionNoted
from im.core.presence import FindPresence, Presence, PresenceFound, Visibility
from im.ports import INodeBus, IStore, IWatchers, NodeBatch


class PresenceHints:
    """An observer of a worker."""

    _log = Logger()

    def __init__(self, watchers: IWatchers, bus: INodeBus) -> None:
        self._watchers = watchers
        self._bus = bus

    def committed(self, requests: Sequence[Request], results: Sequence[Result]) -> None:
        """Take a committed batch."""
        if SessionNoted not in set(map(type, results)):  # a batch of messages, mostly
            return
        users = {
            user: None
            for request, result in zip(requests, results, strict=True)
            if type(result) is SessionNoted and result.is_new and (user := _user(request))
        }
        if users:
            found: Deferred[Mapping[str, Sequence[str]]] = self._watchers.watching(users)
            found.addCallbacks(self._tell, self._not_found)

    def _tell(self, watching: Mapping[str, Sequence[str]]) -> None:
        for node, users in watching.items():
            self._bus.publish(node, NodeBatch(presence=users))

    def _not_found(self, failure: Failure) -> None:
        self._log.warn(
            "who watches can't be found: {error}; nodes see it when they look anew",
            error=failure.getErrorMessage(),
        )


class PresenceDesk:
    """Answers from outside who is online. Raises `RefusedError` and `UnavailableError`."""

    def __init__(self, store: IStore, visibility: Visibility) -> None:
        self._store = store
        self._visibility = visibility

    async def find(self, users: Sequence[str], viewer: str) -> Sequence[Presence]:
        """Of users, those whom `viewer` may see, in order and each once; "" may see all."""
        for user in users:
            problem = id_problem(user, "users")
            if problem is not None:
                raise RefusedError(problem)
        asked = tuple(dict.fromkeys(users))
        question = self._visibility.question(viewer, asked) if viewer else FindPresence(asked)
        if not question.users:
            return ()
        return accepted(await self._store.read(question), PresenceFound).presences


def _user(request: Request) -> str:
    """Whose sessions a write of the ledger changed; "": nobody's."""
    command = request.command
    if isinstance(command, OpenSession | ChangeAppState):
        return command.user
    return command.opened.user if isinstance(command, CloseSession) else ""
