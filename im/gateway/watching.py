"""Who watches whom on this node, and what they are told of it.

What is asked for, what is told and what is kept follows the watched users of sessions that are here;
a user whom nobody watches costs nothing. The business layer says only that the sessions of a user
changed (`NodeBatch.presence`); the node then reads the present state, of all such users in one
question, and tells those who watch them once, the same bytes to all. Such a hint may be lost, and nobody
says that a node died: so now and then every watched user is read anew.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from twisted.internet.interfaces import IReactorTime

from im.core.commands import Result
from im.core.errors import Code, Refused, RefusedError, accepted
from im.core.presence import Presence, PresenceFound, Shown, Visibility
from im.core.sessions import State
from im.core.wheel import Timer
from im.gateway import translate
from im.gateway.connection import Connection
from im.gateway.patience import within
from im.gateway.requests import Requests
from im.gateway.settings import NodeSettings
from im.gateway.ticker import Ticker, ticks
from im.ports import IWatchers
from im.wire.codec import pack

GATHER_TICKS = 3
"""From the first change to the question: what changes until then goes into the same."""

USERS_AT_ONCE = 500
"""In one question."""

RETRY_SECONDS = 1.0
AUDIT_SECONDS = 60.0
"""From one reading of every watched user to the next."""

_FOREIGN = Refused(Code.PERMISSION_DENIED, "nobody may watch others here")


class Seen(NamedTuple):
    """What a session that wants to watch users is answered; `refused` are those whom it may not."""

    presences: list[Presence]
    refused: list[str]


class _Watched:
    """A user whom somebody watches, or is about to: `holds` counts the latter."""

    __slots__ = ("asked", "holds", "shown", "timer", "watchers")

    def __init__(self) -> None:
        self.shown: Shown | None = None
        self.watchers: dict[Connection, None] = {}
        self.holds = 0
        self.asked = 0
        self.timer: Timer | None = None


class Watching:
    """The sessions that watch, and the users whom they watch. `in_flight` are the questions under way."""

    def __init__(
        self, node: str, settings: NodeSettings, requests: Requests, ticker: Ticker, clock: IReactorTime
    ) -> None:
        self._node = node
        self._settings = settings.presence
        self._requests = requests
        self._ticker = ticker
        self._clock = clock
        self._grace = ticks(settings.limits.presence_grace_seconds)
        self._watched: dict[str, _Watched] = {}
        self._of: dict[Connection, dict[str, None]] = {}
        self._reserved: dict[Connection, list[tuple[str, ...]]] = {}
        self._stale: dict[str, None] = {}
        self._timer: Timer | None = None
        self._audit: Timer | None = None
        self._asked = 0
        self.in_flight = 0

    def __len__(self) -> int:
        """How many users are watched here."""
        return len(self._watched)

    async def watch(self, connection: Connection, users: Sequence[str]) -> Seen:
        """Let a session watch users; those it watches already stay.

        The node is known as one that watches them before their state is read, so no change falls between.
        Raises `RefusedError`, `UnavailableError` or Twisted's `TimeoutError`; then it watches as before.
        """
        session, settings = connection.session, self._settings
        assert session is not None
        if settings is None:
            raise RefusedError(_FOREIGN)
        question = settings.visibility.question(session.user, tuple(dict.fromkeys(users)))
        if not question.users:
            raise RefusedError(_FOREIGN)
        self._reserve(connection, question.users)
        held = [self._hold(user) for user in question.users]
        try:
            await self._join(settings.watchers, question.users, connection)
            self._asked = asked = self._asked + 1
            found = accepted(await self._requests.ask(question, session.id, connection), PresenceFound)
            presences = [self._add(connection, presence, asked) for presence in found.presences]
        finally:
            for watched in held:
                watched.holds -= 1
            self._give_back(connection, question.users)
            self._drop_unwatched(question.users)
        allowed = {presence.user for presence in presences}
        return Seen(presences, [user for user in dict.fromkeys(users) if user not in allowed])

    def unwatch(self, connection: Connection, users: Iterable[str]) -> None:
        """Let a session watch users no more; without any, none. Whom it doesn't watch is no error."""
        mine = self._of.get(connection)
        if mine is None:
            return
        going = [user for user in users or mine if user in mine]
        for user in going:
            del mine[user]
            self._watched[user].watchers.pop(connection, None)
        if not mine:
            del self._of[connection]
        self._drop_unwatched(going)

    def ended(self, connection: Connection) -> None:
        """A session ended, whether it watched anybody or not."""
        if connection in self._of:
            self.unwatch(connection, ())

    def changed(self, users: Iterable[str]) -> None:
        """The sessions of users changed somewhere; most of them need not be watched here."""
        self._stale.update((user, None) for user in users if user in self._watched)
        if self._stale:
            self._ask_at(self._ticker.now + GATHER_TICKS)

    def refresh(self) -> None:
        """Read every watched user anew, as after anything that may have lost hints."""
        self.changed(list(self._watched))

    async def _join(self, watchers: IWatchers, users: Sequence[str], connection: Connection) -> None:
        """Have the registry know; meanwhile it counts as a request of the connection, like the question."""
        connection.in_flight += 1
        try:
            await within(watchers.join(self._node, users), connection.limits.request_seconds, self._clock)
        finally:
            connection.in_flight -= 1

    def _reserve(self, connection: Connection, users: tuple[str, ...]) -> None:
        """Count users as watched by a session from now on. Raises `RefusedError`."""
        mine = self._of.get(connection, {})
        fresh = [user for user in users if user not in mine]
        most = connection.limits.watched_users
        if len(mine) + len(fresh) > most:
            raise RefusedError(
                Refused(Code.LIMIT_EXCEEDED, f"a session may watch at most {most} users", "users")
            )
        self._of.setdefault(connection, mine).update(dict.fromkeys(fresh))
        self._reserved.setdefault(connection, []).append(users)

    def _give_back(self, connection: Connection, users: tuple[str, ...]) -> None:
        """What was reserved and came to nothing, unless the session asks for it once more meanwhile."""
        others = self._reserved[connection]
        others.remove(users)
        if not others:
            del self._reserved[connection]
        mine = self._of.get(connection)
        if mine is None:
            return
        still = {user for reserved in others for user in reserved}
        for user in users:
            if connection not in self._watched[user].watchers and user not in still:
                mine.pop(user, None)
        if not mine:
            del self._of[connection]

    def _hold(self, user: str) -> _Watched:
        watched = self._watched.get(user)
        if watched is None:
            watched = self._watched[user] = _Watched()
            if self._audit is None:
                self._audit = self._ticker.after(AUDIT_SECONDS, self._look_at_all)
        watched.holds += 1
        return watched

    def _add(self, connection: Connection, presence: Presence, asked: int) -> Presence:
        """Let a session watch a user, unless it thought better of it; what it is shown."""
        watched = self._watched[presence.user]
        self._take(watched, presence, asked)
        assert watched.shown is not None
        if connection.state is State.ONLINE and presence.user in self._of.get(connection, ()):
            watched.watchers[connection] = None
        return watched.shown.presence

    def _drop_unwatched(self, users: Iterable[str]) -> None:
        gone = [
            user
            for user in users
            if (watched := self._watched.get(user)) is not None and not (watched.watchers or watched.holds)
        ]
        for user in gone:
            timer = self._watched.pop(user).timer
            if timer is not None:
                self._ticker.cancel(timer)
            self._stale.pop(user, None)
        if gone and self._settings is not None:
            self._settings.watchers.leave(self._node, gone)
        if not self._watched and self._audit is not None:
            self._ticker.cancel(self._audit)
            self._audit = None

    def _look_at_all(self) -> None:
        self._audit = self._ticker.after(AUDIT_SECONDS, self._look_at_all)
        self.refresh()

    def _ask_at(self, tick: int) -> None:
        if self._timer is None and not self.in_flight:
            self._timer = self._ticker.at(tick, self._ask)

    def _ask(self) -> None:
        self._timer = None
        users = tuple(self._stale)[:USERS_AT_ONCE]
        if not users:
            return
        for user in users:
            del self._stale[user]
        self._asked += 1
        question = Visibility.EVERYONE.question("", users)
        self._requests.submit(question, "", self, (self._asked, users), self._answered)

    def _answered(self, question: tuple[int, Sequence[str]], result: Result) -> None:
        asked, users = question
        if isinstance(result, PresenceFound):
            for presence in result.presences:
                watched = self._watched.get(presence.user)
                if watched is not None:
                    self._take(watched, presence, asked)
            at = self._ticker.now + GATHER_TICKS
        else:
            self._stale.update((user, None) for user in users if user in self._watched)
            at = self._ticker.now + ticks(RETRY_SECONDS)
        if self._stale:
            self._ask_at(at)

    def _take(self, watched: _Watched, presence: Presence, asked: int) -> None:
        """Take what was read over, unless something was read that was asked for later; tell a change."""
        if asked < watched.asked:
            return
        watched.asked = asked
        shown = watched.shown
        if shown is None:
            watched.shown = Shown(presence)
            return
        if shown.take(presence, self._ticker.now, self._grace):
            frame = pack(translate.presence(shown.presence))
            for connection in watched.watchers:
                connection.signal(frame)
        if watched.timer is not None:
            self._ticker.cancel(watched.timer)
            watched.timer = None
        again = shown.look_again_at(self._grace)
        if again is not None:
            watched.timer = self._ticker.at(again, lambda: self._grace_over(watched, presence.user))

    def _grace_over(self, watched: _Watched, user: str) -> None:
        watched.timer = None
        self.changed((user,))
