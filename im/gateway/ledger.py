"""The node's entries in the ledger of sessions: when each began, what its app did, when it was last heard.

Nobody waits for them. Those of one session are written one after the other, repeated until they are
stored. A session's times go on from its opening by the monotonic clock, whatever the wall clock does.
"""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from twisted.logger import Logger

from im.core.clocks import JumpWatch
from im.core.commands import Result
from im.core.errors import Code, Refused
from im.core.ledger import ChangeAppState, CloseSession, LedgerWrite, MoveClock, OpenSession
from im.core.online_time import end_bound_ms
from im.core.sessions import AppState
from im.core.wheel import Timer
from im.gateway.connection import CLOSED_BY_PEER, Connection
from im.gateway.counters import Counters
from im.gateway.requests import Requests
from im.gateway.ticker import Ticker

WRITES_AT_ONCE = 2_000
"""Under way, so that the request table is not full of them when everybody goes."""

MAX_UNWRITTEN = 100_000
"""Sessions that ended and are not written; those beyond are lost, and end with the node's lease."""

MAX_CHANGES = 4
"""Changes of one session that wait; then two that follow each other are merged away."""

RETRY_SECONDS = 1.0
LOOK_SECONDS = 1.0
STALL_TICKS = 3
"""What was heard so near to a stall of the process may have been said at any time in it."""

_REASONS = {
    Code.LOGGED_OUT.label: "logout",
    Code.HEARTBEAT_TIMEOUT.label: "heartbeat",
    Code.DRAINING.label: "drained",
}
"""Reasons that are not called as the close frame's code."""


class LedgerTimes(NamedTuple):
    """Node time, and the wall clock in Unix ms."""

    ticker: Ticker
    now_ms: Callable[[], int]


class _Account:
    """A session, or the node's clock: what is not written yet, the first of it perhaps under way.

    A list, since it is short and an empty deque is 600 bytes, and there is one for each session.
    """

    __slots__ = ("blurred_ms", "changed_ms", "is_queued", "opened", "opened_at", "todo")

    def __init__(self, opened: OpenSession | None, opened_at: float) -> None:
        self.opened = opened
        self.opened_at = opened_at
        self.changed_ms = 0 if opened is None else opened.opened_ms
        self.blurred_ms = 0
        self.is_queued = False
        self.todo: list[LedgerWrite] = []


class SessionLedger:
    """Told of each session's beginning, changes and end. `in_flight` are the writes under way."""

    _log = Logger()

    def __init__(self, node: str, requests: Requests, times: LedgerTimes, counters: Counters) -> None:
        self._node = node
        self._requests = requests
        self._ticker, self._now_ms = times
        self._counters = counters
        self._open: dict[str, _Account] = {}
        self._ready: deque[_Account] = deque()
        self._again: list[_Account] = []
        self._unwritten = 0
        self._is_pumping = False
        self._jumps = JumpWatch(self._ticker.seconds(), self._now_ms())
        self._clock_ms = 0
        self._clock = _Account(None, 0.0)
        self._timer: Timer | None = None
        self.in_flight = 0

    def __len__(self) -> int:
        """How many sessions have something that is not written."""
        return self._unwritten

    @property
    def open_sessions(self) -> int:
        """How many sessions are open."""
        return len(self._open)

    def began(self, connection: Connection) -> None:
        """A session is online."""
        session = connection.session
        assert session is not None
        self._look()
        if self._timer is None:
            self._timer = self._ticker.after(LOOK_SECONDS, self._look_on)
        opened = OpenSession(
            session.id,
            session.user,
            session.device,
            session.device_class,
            session.node,
            self._now_ms(),
            connection.app_state is AppState.FOREGROUND,
            connection.heartbeat_ms,
            self._clock_ms,
        )
        account = self._open[session.id] = _Account(opened, self._ticker.seconds())
        self._add(account, opened)

    def changed(self, connection: Connection) -> None:
        """The app of a session came to the foreground, or left it."""
        session = connection.session
        account = None if session is None else self._open.get(session.id)
        if account is None or account.opened is None:
            return
        at_ms = self._time_ms(account, account.opened, self._ticker.seconds())
        last = account.todo[-1] if len(account.todo) > MAX_CHANGES else None
        if isinstance(last, ChangeAppState):
            account.todo.pop()
            account.blurred_ms += at_ms - last.at_ms
        else:
            account.changed_ms = at_ms = max(at_ms, account.changed_ms + 1)
            is_foreground = connection.app_state is AppState.FOREGROUND
            session_id, user, *_ = account.opened
            interval_ms, late_ms = connection.heartbeat_ms, self._stalled_ms(self._ticker.now)
            self._add(account, ChangeAppState(session_id, user, at_ms, is_foreground, interval_ms, late_ms))

    def ended(self, connection: Connection, reason: str) -> None:
        """A session is over; `reason` is a code's label, or says how the connection was lost."""
        session = connection.session
        account = None if session is None else self._open.pop(session.id, None)
        if account is None or account.opened is None:
            return
        self._look()
        if not self._open and self._timer is not None:
            self._ticker.cancel(self._timer)
            self._timer = None
        named = _reason(reason)
        self._counters.closes[named] = self._counters.closes.get(named, 0) + 1
        if self._unwritten >= MAX_UNWRITTEN and not account.is_queued:
            self._lose()
            return
        opened, now = account.opened, self._ticker.seconds()
        heard_at = self._ticker.seconds_at(connection.heard_at)
        bound_ms = end_bound_ms(connection.heartbeat_ms)
        if named == "closed":
            heard_at = min(now, heard_at + bound_ms / 1000)
        bound_ms += self._stalled_ms(connection.heard_at) + round(connection.blocked_seconds * 1000)
        self._add(
            account,
            CloseSession(
                opened,
                max(account.changed_ms, self._time_ms(account, opened, heard_at)),
                named,
                bound_ms,
                abs(self._clock_ms - opened.clock_ms),
                account.blurred_ms,
            ),
        )

    def flush(self) -> None:
        """Try again now what could not be written."""
        again, self._again = self._again, []
        self._ready.extend(again)
        self._pump()

    def _stalled_ms(self, tick: int) -> int:
        return round(self._ticker.stalled_around(tick, STALL_TICKS) * 1000)

    def _time_ms(self, account: _Account, opened: OpenSession, at: float) -> int:
        return opened.opened_ms + max(0, round((at - account.opened_at) * 1000))

    def _look_on(self) -> None:
        """Look at the clocks while any session is open."""
        self._look()
        self._timer = self._ticker.after(LOOK_SECONDS, self._look_on)

    def _look(self) -> None:
        jump_ms = self._jumps.look(self._ticker.seconds(), self._now_ms())
        if not jump_ms:
            return
        self._clock_ms += jump_ms
        self._counters.clock_jumps += 1
        self._log.warn(
            "the clock of this machine jumped by {jump_ms} ms; sessions that are open go on as if it had not,"
            " and their online time is told with so much more that it may be off",
            jump_ms=jump_ms,
        )
        if len(self._clock.todo) > 1:
            self._clock.todo.pop()
        self._add(self._clock, MoveClock(self._node, self._clock_ms))

    def _add(self, account: _Account, write: LedgerWrite) -> None:
        account.todo.append(write)
        if not account.is_queued:
            account.is_queued = True
            self._unwritten += 1
            self._ready.append(account)
            self._pump()

    def _pump(self) -> None:
        if self._is_pumping:  # an answer may come before the call that asks returns
            return
        self._is_pumping = True
        while self._ready and self.in_flight < WRITES_AT_ONCE:
            account = self._ready.popleft()
            self._requests.submit(account.todo[0], "", self, account, self._answered)
        self._is_pumping = False

    def _answered(self, account: _Account, result: Result) -> None:
        if isinstance(result, Refused) and result.code.is_retryable:
            if not self._again:
                self._ticker.after(RETRY_SECONDS, self.flush)
            self._again.append(account)
        else:
            if isinstance(result, Refused):
                self._log.error("the ledger refused an entry: {text}", text=result.text)
            del account.todo[0]
            if account.todo:
                self._ready.append(account)
            else:
                account.is_queued = False
                self._unwritten -= 1
        self._pump()

    def _lose(self) -> None:
        if not self._counters.ledger_losses:
            self._log.error("the ends of too many sessions wait to be written; more of them are lost")
        self._counters.ledger_losses += 1


def _reason(reason: str) -> str:
    if reason.startswith("lost"):
        return "closed" if reason == CLOSED_BY_PEER else "lost"
    return _REASONS.get(reason, reason)
