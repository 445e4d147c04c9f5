"""The login of one connection, from its ONLINE to the answer.

The order matters. The device's row in the store takes only a larger attempt, which fences off older
logins. The session is in the pool before it is in the registry, and there before the sync reads
what changed: so each message is in the sync, or comes as a delivery behind the answer, or both. And
whoever is shut out meanwhile is found in the registry and ended, or is refused the sync, or both.
"""

from collections.abc import Callable
from typing import NamedTuple

from twisted.internet.defer import TimeoutError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from im.core.commands import LoggedIn, Login
from im.core.errors import Code, Refused, RefusedError, invalid
from im.core.ids import DEVICE_CLASSES, id_problem
from im.core.messages import Sync, SyncPage
from im.core.sessions import AppState, State
from im.core.validation import LARGEST
from im.gateway import translate, validate
from im.gateway.connection import Connection
from im.gateway.patience import within
from im.gateway.requests import Requests
from im.gateway.roster import Roster
from im.gateway.settings import Chance, NodeIdentity, NodePorts, NodeSettings
from im.gateway.ticker import Ticker, ticks
from im.ports import Identity, Session, UnavailableError
from im.proto import session_pb2
from im.wire.codec import pack

VERSION = 1
"""The only version of the protocol that there is."""

_FOREVER_SECONDS = 1e9
_APP_STATES = frozenset(map(int, AppState))
_UNAVAILABLE = Refused(Code.UNAVAILABLE, "the login cannot be served now; try again")


class Times(NamedTuple):
    """Sources of time and chance: reactor, node time, Unix ms, random."""

    clock: IReactorTime
    ticker: Ticker
    now_ms: Callable[[], int]
    random: Chance


class _EndedMeanwhileError(Exception):
    """The connection ended while its login waited for something."""


class LoginFlow:
    """Logs connections in, any number at a time."""

    _log = Logger()

    def __init__(
        self,
        identity: NodeIdentity,
        ports: NodePorts,
        settings: NodeSettings,
        requests: Requests,
        roster: Roster,
        times: Times,
    ) -> None:
        self._identity = identity
        self._authenticator = ports.authenticator
        self._limits = settings.limits
        self._requests = requests
        self._roster = roster
        self._times = times
        self.is_open = True

    async def log_in(self, connection: Connection, body: session_pb2.OnlineMessage, request_id: int) -> None:
        """Answer an ONLINE: with ONLINE_RESULT, or with a close frame that says why not."""
        connection.begin_login()
        try:
            await self._establish(connection, body, request_id)
        except RefusedError as error:
            self._refuse(connection, error.refused, request_id)
        except (UnavailableError, TimeoutError):
            self._refuse(connection, _UNAVAILABLE, request_id)
        except _EndedMeanwhileError:
            return

    async def _establish(
        self, connection: Connection, body: session_pb2.OnlineMessage, request_id: int
    ) -> None:
        self._check_open()
        version = _version(body)
        _check(body)
        identity = await self._authenticate(connection, body.token)
        issued_ms = round(identity.issued_at * 1000)
        command = Login(identity.user, body.device_id, body.device_class, body.attempt, issued_ms)
        logged_in = await self._requests.ask(command, "", connection)
        _still(connection)
        self._check_open()
        if not isinstance(logged_in, LoggedIn):
            raise _refusal(logged_in)
        session = self._session(command, logged_in.fence)
        present = await self._roster.enter(connection, session)
        _still(connection)
        if session.id not in {each.id for each in present}:
            newest = max((each.fence for each in present if each.device == session.device), default=0)
            raise RefusedError(Refused(Code.STALE_ATTEMPT, "a newer login is known", "", 0, newest))
        self._roster.displace(session, present)
        if logged_in.has_groups:
            await self._roster.groups.enter(connection)
            _still(connection)
        cursor = translate.sync_cursor(body.cursor) if body.HasField("cursor") else None
        sync = Sync(session.user, cursor, "", session.device, issued_ms)
        page = await self._requests.ask(sync, session.id, connection)
        _still(connection)
        if not isinstance(page, SyncPage):
            raise _refusal(page)
        connection.wish_heartbeat(body.heartbeat_ms)
        interval_ms = connection.beat(AppState(body.app_state))
        answer = self._answer(session, version, interval_ms, page)
        connection.go_online(pack(answer, request_id), self._expiry(identity))
        self._roster.groups.seen(session.user, page.heads)  # a first group may have come meanwhile

    def _check_open(self) -> None:
        if not self.is_open:
            raise RefusedError(Refused(Code.DRAINING, "this node is going down"))

    async def _authenticate(self, connection: Connection, token: str) -> Identity:
        """Who the token speaks for. A bad one is answered late, against guessing."""
        limits = self._limits
        try:
            checking = self._authenticator.authenticate(token)
            identity = await within(checking, limits.request_seconds, self._times.clock)
        except RefusedError:
            await self._times.ticker.wait(limits.refusal_delay_seconds)
            _still(connection)
            raise
        _still(connection)
        if id_problem(identity.user, "user") is not None:
            raise RefusedError(Refused(Code.UNAUTHENTICATED, "the token names no valid user"))
        return identity

    def _session(self, login: Login, fence: int) -> Session:
        name, generation = self._identity
        session_id = f"{self._times.random.getrandbits(96):024x}"
        return Session(session_id, login.user, login.device, login.device_class, name, generation, fence)

    def _expiry(self, identity: Identity) -> int | None:
        """The tick at which the token's time is over; one that is over but within the skew gets the skew."""
        if not identity.expires_at:
            return None
        left = identity.expires_at - self._times.now_ms() / 1000
        if left <= 0:
            left += self._limits.clock_skew_seconds
        return self._times.ticker.now + 1 + ticks(min(max(0.0, left), _FOREVER_SECONDS))

    def _answer(
        self, session: Session, version: int, interval_ms: int, page: SyncPage
    ) -> session_pb2.OnlineResult:
        limits = self._limits
        return session_pb2.OnlineResult(
            version=version,
            session=session.id,
            node=session.node,
            user=session.user,
            server_time_ms=self._times.now_ms(),
            heartbeat_ms=interval_ms,
            limits=session_pb2.ServerLimits(
                frame_bytes=limits.frame_bytes,
                content_bytes=limits.content_bytes,
                frames_per_second=limits.frames_per_second,
                page_entries=limits.page_entries,
                sends_in_flight=limits.sends_in_flight,
            ),
            sync=translate.sync_result(page),
        )

    def _refuse(self, connection: Connection, refused: Refused, request_id: int) -> None:
        if refused.last_attempt:
            # A close frame has no room for it, and the client needs it for its next attempt.
            connection.send(pack(translate.error(refused), request_id))
        connection.end(refused, request_id)
        self._log.info(
            "login from {address} refused: {code}", address=connection.address, code=refused.code.label
        )


def _still(connection: Connection) -> None:
    if connection.state is not State.LOGGING_IN:
        raise _EndedMeanwhileError


def _refusal(result: object) -> Exception:
    return RefusedError(result) if isinstance(result, Refused) else TypeError(f"no such result: {result!r}")


def _version(body: session_pb2.OnlineMessage) -> int:
    if not body.min_version <= VERSION <= body.max_version:
        raise RefusedError(Refused(Code.UNSUPPORTED_VERSION, f"this node speaks version {VERSION}"))
    return VERSION


def _check(body: session_pb2.OnlineMessage) -> None:
    """Raise `RefusedError` for a wrong field."""
    problem = id_problem(body.device_id, "device_id")
    if problem is None and body.device_class not in DEVICE_CLASSES:
        problem = invalid("device_class", f"device_class must be one of {', '.join(sorted(DEVICE_CLASSES))}")
    if problem is None and int(body.app_state) not in _APP_STATES:
        problem = invalid("app_state", "app_state must be FOREGROUND or BACKGROUND")
    if problem is None and not 1 <= body.attempt <= LARGEST:
        problem = invalid("attempt", "attempt must be positive and below 2^63")
    if problem is None and body.HasField("cursor"):
        problem = validate.cursor_problem(body.cursor)
    if problem is not None:
        raise RefusedError(problem)
