"""Which groups have members online here: what the node holds as audiences, and expands deliveries to.

A delivery to a group names no users but the version of its members. The node expands it to the sessions
that it knows only where it knows just that version (rule M1). Else it drops it, reads anew who of its
users is in, and tells them to look. A change of members carries from which version to which it goes, and
always makes those look whom it names (rule M2). At a login the groups are read with their versions, then
held as audiences, and only then the heads are read (rule L1).
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from im.core.commands import Result
from im.core.errors import Code, Refused, RefusedError
from im.core.grouping import FindMembers, GetMemberships, MembersFound, Memberships
from im.core.messages import Head
from im.gateway.connection import Connection
from im.gateway.looking import Looks
from im.gateway.patience import within
from im.gateway.pool import Pool
from im.gateway.requests import Requests
from im.gateway.runs import Run
from im.gateway.ticker import Ticker
from im.ports import Delivery, ISessionRegistry, MembershipChange, UnavailableError

RETRY_SECONDS = 1.0
"""Before the members of a group are read again, or an audience is held, where that failed."""

_UNAVAILABLE = Refused(Code.UNAVAILABLE, "the groups cannot be read now; try again")

BELIEVED_TRIES = 3
"""After so many readings a version that is older than one that was told is believed: the store went back."""


class _Group:
    """A group with members here. `version` 0: it is not known who is in, so nothing is expanded.

    `candidates` may be in; `newest` is the largest version that a delivery named. `waiting` are those who
    wait until the audience is held; None: it is.
    """

    __slots__ = ("candidates", "is_reading", "newest", "tries", "users", "version", "waiting")

    def __init__(self, version: int) -> None:
        self.version = version
        self.newest = version
        self.users: dict[str, None] = {}
        self.candidates: dict[str, None] = {}
        self.waiting: list[Deferred[None]] | None = []
        self.is_reading = False
        self.tries = 0


class GroupParts(NamedTuple):
    """What groups stand on."""

    registry: ISessionRegistry
    requests: Requests
    pool: Pool
    looks: Looks


class Groups:
    """group -> users here, with the version of its members.

    `seconds` is the time-out of each call to the registry.
    """

    _log = Logger()

    def __init__(
        self, node: str, parts: GroupParts, ticker: Ticker, clock: IReactorTime, seconds: float
    ) -> None:
        self._node = node
        self._registry, self._requests, self._pool, self._looks = parts
        self._ticker = ticker
        self._clock = clock
        self._seconds = seconds
        self._groups: dict[str, _Group] = {}
        self._of_user: dict[str, dict[str, None]] = {}
        self.in_flight = 0

    @property
    def audiences(self) -> list[str]:
        """The groups that the node holds."""
        return list(self._groups)

    def users(self, conversation: str) -> list[str]:
        """The members of a group who are here; empty while that is not known."""
        group = self._groups.get(conversation)
        return [] if group is None or not group.version else list(group.users)

    async def enter(self, connection: Connection) -> None:
        """Let a session that logs in have what comes to its user's groups from now on.

        Raises `RefusedError` or `UnavailableError` where that isn't so.
        """
        session = connection.session
        assert session is not None
        told = await self._requests.ask(GetMemberships(session.user), session.id, connection)
        if not isinstance(told, Memberships):
            raise RefusedError(told if isinstance(told, Refused) else _UNAVAILABLE)
        if not told.groups or not self._pool.of_user(session.user):
            return
        fresh = [name for name, version in told.groups if self._learn(told.user, name, version)]
        if fresh:
            self._hold(fresh)
        for conversation, _ in told.groups:
            group = self._groups.get(conversation)
            if group is not None and group.waiting is not None:
                held: Deferred[None] = Deferred()
                group.waiting.append(held)
                await within(held, self._seconds, self._clock)

    def leave(self, user: str) -> None:
        """The last session of a user has ended here."""
        empty = []
        for conversation in self._of_user.pop(user, ()):
            group = self._groups.get(conversation)
            if group is None:
                continue
            group.users.pop(user, None)
            group.candidates.pop(user, None)
            if not group.users and not group.candidates:
                empty.append(conversation)
        self._release(empty)

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """Expand deliveries of one group and version that follow each other; only the first has a change."""
        _, conversation, _, _, _, version, change = deliveries[0]
        if change is not None:
            self._change(conversation, change, version)
        group = self._groups.get(conversation)
        if group is None:
            return
        if group.version != version:
            self._doubt(conversation, group, version)
        else:
            self._expand(group, deliveries)

    def _expand(self, group: _Group, deliveries: Sequence[Delivery]) -> None:
        """The same bytes for all but those who sent some of it."""
        conversation = deliveries[0].conversation
        senders = {each.except_session for each in deliveries}
        run = Run([(each.seq, each.frame) for each in deliveries])
        of_user = self._pool.of_user
        for user in group.users:
            for connection in of_user(user):
                session = connection.session
                if session is not None and session.id not in senders:
                    connection.deliver_run(conversation, run)
                elif session is not None:
                    for each in deliveries:
                        if each.except_session != session.id:
                            connection.deliver(conversation, each.seq, each.frame)

    def doubt_all(self) -> None:
        """The node may have missed changes of members: nothing is expanded until they were read anew."""
        for conversation, group in list(self._groups.items()):
            self._doubt(conversation, group, group.newest)

    def seen(self, user: str, heads: Iterable[Head]) -> None:
        """A sync told a user of groups: one that the node missed is made up for."""
        if not self._pool.of_user(user):
            return
        for head in heads:
            if head.group is None or not head.active:
                continue
            group = self._groups.get(head.conversation)
            if group is None or (user not in group.users and user not in group.candidates):
                self._suspect(head.conversation, [user], head.member_version)

    def _learn(self, user: str, conversation: str, version: int) -> bool:
        """Note that a user is in a group at a version; whether the group is new here."""
        group = self._groups.get(conversation)
        is_new = group is None
        if group is None:
            group = self._groups[conversation] = _Group(version)
        self._of_user.setdefault(user, {})[conversation] = None
        if group.version == version:
            group.users[user] = None
        else:
            group.candidates[user] = None
            self._doubt(conversation, group, version)
        return is_new

    def _suspect(self, conversation: str, users: Iterable[str], version: int) -> None:
        """Users are in a group, but the node was not told so from the beginning."""
        group = self._groups.get(conversation)
        is_new = group is None
        if group is None:
            group = self._groups[conversation] = _Group(0)
        for user in users:
            group.candidates[user] = None
            self._of_user.setdefault(user, {})[conversation] = None
        if is_new:
            self._hold([conversation])
        self._doubt(conversation, group, version)

    def _change(self, conversation: str, change: MembershipChange, version: int) -> None:
        """Take a change of members over; whom it names is to look, whatever the versions are."""
        group = self._groups.get(conversation)
        joined = [user for user in change.joined if self._pool.of_user(user)]
        left = [user for user in change.left if self._pool.of_user(user)]
        if group is not None and group.version and group.version == change.before:
            group.version = group.newest = version
            for user in joined:
                group.users[user] = None
                self._of_user.setdefault(user, {})[conversation] = None
        elif joined:
            self._suspect(conversation, joined, version)
        if group is not None:
            for user in left:
                group.users.pop(user, None)
                group.candidates.pop(user, None)
                self._of_user.get(user, {}).pop(conversation, None)
            if not group.users and not group.candidates:
                self._release([conversation])
        self._looks.tell([*joined, *left])

    def _doubt(self, conversation: str, group: _Group, version: int) -> None:
        """It is not known who is in; until it is, deliveries are dropped."""
        group.version = 0
        group.newest = max(group.newest, version)
        self._read(conversation, group)

    def _read(self, conversation: str, group: _Group) -> None:
        if group.is_reading or group.waiting is not None:
            return
        group.is_reading = True
        query = FindMembers(conversation, tuple(dict.fromkeys((*group.users, *group.candidates))))
        self._requests.submit(query, "", self, (query, group), self._found)

    def _found(self, asked: tuple[FindMembers, _Group], result: Result) -> None:
        query, group = asked
        conversation = query.conversation
        group.is_reading = False
        if self._groups.get(conversation) is not group:
            return
        if not isinstance(result, MembersFound) or not self._is_believed(group, result.member_version):
            self._ticker.after(RETRY_SECONDS, lambda: self._read_again(conversation, group))
            return
        late = [user for user in group.candidates if user not in query.users]
        group.candidates = dict.fromkeys(late)
        group.users = {user: None for user in result.users if self._pool.of_user(user)}
        for user in query.users:
            if user not in group.users and user not in group.candidates and user in self._of_user:
                self._of_user[user].pop(conversation, None)
        if late:
            self._read(conversation, group)
            return
        group.version = group.newest = result.member_version
        if not group.users:
            self._release([conversation])
        self._looks.tell(query.users)

    def _is_believed(self, group: _Group, version: int) -> bool:
        group.tries = 0 if version >= group.newest else group.tries + 1
        return group.tries in (0, BELIEVED_TRIES)

    def _read_again(self, conversation: str, group: _Group) -> None:
        if self._groups.get(conversation) is group and not group.version:
            self._read(conversation, group)

    def _hold(self, conversations: Sequence[str]) -> None:
        """Have the registry know that the node holds audiences."""
        joining: Deferred[None] = self._registry.join(self._node, conversations)
        joined = within(joining, self._seconds, self._clock)
        joined.addCallbacks(
            self._held, self._not_held, callbackArgs=(conversations,), errbackArgs=(conversations,)
        )

    def _held(self, _: None, conversations: Sequence[str]) -> None:
        for conversation in conversations:
            group = self._groups.get(conversation)
            if group is None or group.waiting is None:
                continue
            waiting, group.waiting = group.waiting, None
            for each in waiting:
                each.callback(None)
            if not group.version:
                self._read(conversation, group)

    def _not_held(self, failure: Failure, conversations: Sequence[str]) -> None:
        failure.trap(UnavailableError, TimeoutError)
        for conversation in conversations:
            group = self._groups.get(conversation)
            if group is not None and group.waiting is not None:
                waiting, group.waiting = group.waiting, []
                for each in waiting:
                    each.errback(UnavailableError("the audiences can't be registered now"))
        self._ticker.after(RETRY_SECONDS, lambda: self._hold_again(conversations))

    def _hold_again(self, conversations: Sequence[str]) -> None:
        left = [
            each for each in conversations if each in self._groups and self._groups[each].waiting is not None
        ]
        if left:
            self._hold(left)

    def _release(self, conversations: Sequence[str]) -> None:
        for conversation in conversations:
            self._groups.pop(conversation, None)
        if conversations:
            released: Deferred[None] = self._registry.leave(self._node, conversations)
            within(released, self._seconds, self._clock).addErrback(self._not_released)

    def _not_released(self, failure: Failure) -> None:
        failure.trap(UnavailableError, TimeoutError)
        self._log.info("audiences stay in the registry until they are swept: {error}", error=failure.value)
